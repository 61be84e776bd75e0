#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every block of C in doc/writing-ops.md stands, to the letter, in a source that is compiled and run by tests. Usage:
# check_writing_ops.sh SOURCE_ROOT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/../check/tap.sh"

blocks=$(mktemp -d)
trap 'rm -rf "$blocks"' EXIT
awk -v folder="$blocks" '
	/^```c$/ { file = sprintf("%s/%03d", folder, ++n); next }
	/^```$/ { file = "" }
	file { print > file }' doc/writing-ops.md

# stands_in BLOCK FILE…: whether one of the files contains the block as consecutive lines.
stands_in() {
	awk 'FNR == 1 { n_files++ }
		n_files == 1 { block = block $0 "\n"; next }
		FNR == 1 { found = found || index(text, "\n" block); text = "\n" }
		{ text = text $0 "\n" }
		END { exit !(found || index(text, "\n" block)) }' "$@"
}

result "there are blocks" "$(find "$blocks" -type f | grep -q . || echo "none was found")"
for block in "$blocks"/*; do
	result "block $n_results: $(head -n 1 "$block")" \
		"$(stands_in "$block" tests/examples/writing_ops.c examples/module/*.c examples/c/*.c || cat "$block")"
done
finish
