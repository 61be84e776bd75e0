#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every shell script parses, and POSIX ones use nothing that only bash knows where dash is there to tell.
# Usage: check_scripts.sh SOURCE_ROOT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/tap.sh"

for script in tool/*.sh examples/*/*.sh tests/*.sh tests/check/*.sh tests/fuzz/*.sh; do
	result "$script parses" "$(sh -n "$script" 2>&1 || true)"
done
result ".ci/run parses" "$(bash -n .ci/run 2>&1 || true)"
result "setup.sh --dry-run installs nothing and succeeds" \
	"$(sh tool/setup.sh --dry-run > /dev/null 2>&1 || echo "exit status $?")"
result "setup.sh refuses an unknown option" \
	"$(if sh tool/setup.sh --frobnicate > /dev/null 2>&1; then echo "it did not"; fi)"
finish
