#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the executable exports and needs. Usage: check_symbols.sh SOURCE_ROOT EXECUTABLE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"

result "the executable exports nothing of its own" \
	"$(nm -D --defined-only "$2" | awk '{ print $NF }' | grep -vE '^(_|__.*|_.*|environ|program_invocation.*|std(in|out|err)(@.*)?)$' \
		| grep -vE '^(.*asan.*|.*ubsan.*|.*tsan.*|.*sanitizer.*|.*interceptor.*)$' | grep -E '^[a-z]+_' || true)"
result "OpenBLAS is not linked: only workers load it" "$(ldd "$2" | grep -i blas || true)"
finish
