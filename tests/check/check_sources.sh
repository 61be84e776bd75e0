#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What every source file keeps to: which foreign headers stand where, form, length. Usage: check_sources.sh SOURCE_ROOT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/tap.sh"

# only_in NAME HEADERS ALLOWED: an include of a header matching HEADERS stands only in files matching ALLOWED.
only_in() {
	result "$1" "$(sources | xargs grep -nE "^[ 	]*#[ 	]*include[ 	]*[<\"]($2)[>\"]" | grep -vE "^($3):" || true)"
}

only_in "sqlite3.h only in traces/db.c" 'sqlite3(ext)?\.h' 'traces/db\.c|tests/.*'
only_in "curses only in viewers/term.c" '(.*/)?n?cursesw?\.h' 'viewers/term\.c'
only_in "vendor headers only in engine/backend" '(cuda|cuda_runtime|cupti|nccl|nvrtc|nvml)[a-z_]*\.h|CL/.*' \
	'engine/backend/.*|tests/.*'
only_in "libcgraph only in engine/graph" '(graphviz/)?cgraph\.h' 'engine/graph/.*|tests/.*'

# files_where NAME AWK_PROGRAM: what the program prints is a fault.
files_where() {
	result "$1" "$(sources | xargs awk "$2")"
}

mark='TO''DO|FIX''ME|XX''X'
result "nothing is left open in the code" "$(find engine traces viewers tool tests doc examples README.md meson.build -type f \
	! -name '*.safetensors' -print0 | xargs -0 grep -nIE "(^|[^A-Za-z])($mark)([^A-Za-z]|\$)" || true)"
result "no disabled code" "$(sources | xargs grep -nE '^[ 	]*#[ 	]*if[ 	]+0' || true)"

files_where "the licence stands on the first line" 'FNR == 1 && $0 != "/* SPDX-License-Identifier: Apache-2.0" { print FILENAME }'
files_where "no line over 150 columns or with trailing blanks" '{
	line = $0
	gsub(/\t/, "        ", line)
	gsub(/[\200-\277]/, "", line)
	if (length(line) > 150)
		printf "%s:%d: %d columns\n", FILENAME, FNR, length(line)
	if ($0 ~ /[ \t]$/)
		printf "%s:%d: trailing blank\n", FILENAME, FNR
}'

guards() {
	sources | grep '\.h$' | while read -r header; do
		guard=TANDEM_$(printf '%s' "$header" | tr 'a-z/.' 'A-Z__')
		grep -q "^#define $guard\$" "$header" || echo "$header: the guard should be $guard"
	done
}
result "header guards are named after the path" "$(guards)"

result "no file over 600 lines" "$(sources | xargs wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }')"
result "no function over 80 lines" "$(sources | grep '\.c$' | xargs awk -f "$here/lengths.awk" | awk '$3 > 80')"
echo "# files: $(sources | xargs wc -l | awk '$2 != "total" { print $1 }' | sort -n | awk '{ a[NR] = $1 }
	END { print NR ", median " a[int((NR + 1) / 2)] " lines, longest " a[NR] }')"
echo "# functions: $(sources | grep '\.c$' | xargs awk -f "$here/lengths.awk" | awk '{ print $3 }' | sort -n | awk '{ a[NR] = $1 }
	END { print NR ", median " a[int((NR + 1) / 2)] " lines, nine tenths " a[int(NR * 0.9)] ", longest " a[NR] }')"

finish
