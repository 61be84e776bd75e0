#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the executable and the library export and need. Usage: check_symbols.sh SOURCE_ROOT EXECUTABLE LIBRARY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"

# strangers FILE: what it exports beside the functions of tandem.h.
strangers() {
	nm -D --defined-only "$1" | awk '{ print $NF }' | grep -vE '^(_.*|environ|program_invocation.*|std(in|out|err)(@.*)?)$' \
		| grep -vE '^(.*asan.*|.*ubsan.*|.*tsan.*|.*sanitizer.*|.*interceptor.*)$' | grep -E '^[a-z]+_' | grep -vE '^tandem_' || true
}

# lacks FILE: functions that tandem.h declares and FILE does not export.
lacks() {
	sed -n 's/^TANDEM_API .*[ *]\(tandem_[a-z0-9_]*\)(.*/\1/p' "$here/../../engine/api/tandem.h" | sort > "$names"
	nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' | sort | comm -23 "$names" -
}

names=$(mktemp)
trap 'rm -f "$names"' EXIT
result "the executable exports tandem.h, for modules, and nothing else" "$(strangers "$2")$(lacks "$2")"
result "the library exports tandem.h and nothing else" "$(strangers "$3")$(lacks "$3")"
result "there is something to export" "$(lacks /bin/true 2> /dev/null | grep -q tandem_submit || echo "tandem.h could not be read")"
result "OpenBLAS is not linked: only workers load it" "$(ldd "$2" | grep -i blas || true)"
finish
