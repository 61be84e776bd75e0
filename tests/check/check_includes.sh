#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Includes run along the one line of dependency, and the check itself finds planted errors. Usage: check_includes.sh SOURCE_ROOT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
. "$here/tap.sh"

result "includes run along the line of dependency" "$(sources | xargs awk -f "$here/includes.awk")"

planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
cd "$planted"
mkdir -p engine/base engine/run traces tool odd

# plant FILE INCLUDE EXPECTED: the complaint about FILE must contain EXPECTED; with an empty EXPECTED there is none.
plant() {
	printf '#include "%s"\n' "$2" > "$1"
	said=$(awk -f "$here/includes.awk" "$1")
	reason=
	case $said in
	*"$3"*) [ -n "$3" ] || [ -z "$said" ] || reason="unexpected: $said" ;;
	*) reason="expected '$3', got '$said'" ;;
	esac
	result "planted: $1 includes $2" "$reason"
}

plant engine/base/a.c engine/base/b.h ""
plant engine/run/a.c engine/graph/plan.h ""
plant tool/a.c traces/db.h ""
plant engine/base/a.c engine/graph/plan.h "engine/base must not include engine/graph"
plant engine/run/a.c traces/db.h "engine/run must not include traces"
plant traces/a.h tool/command.h "traces must not include tool"
plant engine/run/a.c plan.h "is not a path from the root"
plant engine/run/a.c ../graph/plan.h "is not a path from the root"
plant odd/a.c engine/base/b.h "has no place in the line of dependency"

finish
