#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a user gets: installs the build into a temporary folder, moves it to a place that it was not configured for, and builds the examples
# outside the tree with what pkg-config says and nothing else. They run in both modes, record, and their traces open. Usage:
# check_install.sh SOURCE_ROOT BUILD_ROOT [MESON]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$1
build=$2
meson=${3:-meson}
. "$here/tap.sh"

work=$(mktemp -d)
server_pid=
trap '[ -z "$server_pid" ] || kill -9 "$server_pid" 2> /dev/null; rm -rf "$work"' EXIT

# quiet COMMAND…: prints what it said when it failed.
quiet() {
	"$@" > "$work/said.txt" 2>&1 || {
		echo "exit status $?: $*"
		cat "$work/said.txt"
	}
}

# expect TEXT COMMAND…: the command succeeds and TEXT is in what it says.
expect() {
	text=$1
	shift
	quiet "$@"
	grep -qF -- "$text" "$work/said.txt" || {
		echo "'$text' is not in what it said: $*"
		cat "$work/said.txt"
	}
}

# refuse STATUS TEXT COMMAND…: the command fails so.
refuse() {
	status=$1
	text=$2
	shift 2
	got=0
	"$@" > "$work/said.txt" 2>&1 || got=$?
	[ "$got" = "$status" ] || echo "exit status $got, expected $status: $*"
	grep -qF -- "$text" "$work/said.txt" || {
		echo "'$text' is not in what it said: $*"
		cat "$work/said.txt"
	}
}

# -- the layout ---------------------------------------------------------------------------------------------------------

result "it installs" "$(quiet "$meson" install -C "$build" --no-rebuild --quiet --destdir "$work/stage")"
executable=$(find "$work/stage" -type f -path '*/bin/tandem' | head -n 1)
if [ -z "$executable" ]; then
	result "there is a bin/tandem" "$(find "$work/stage")"
	finish
	exit 0
fi
prefix=$work/prefix
mv "$(dirname "$(dirname "$executable")")" "$prefix"
library=$(find "$prefix" -name 'libtandem.so.[0-9]' | head -n 1)
pc=$(find "$prefix" -name tandem.pc | head -n 1)
lib=$(dirname "${library:-$prefix/lib/none}")

result "the library has a link with its interface's number and one for the linker" \
	"$([ -e "$library" ] && [ -e "$lib/libtandem.so" ] || find "$prefix/lib"*)"
result "the library says that number itself" "$(readelf -d "$library" | grep -q "SONAME.*$(basename "$library")" || readelf -d "$library")"
result "one header" "$(cd "$prefix/include" && find . -type f | grep -vx './tandem.h' || true)"
result "pkg-config finds it" "$([ -n "$pc" ] || echo "no tandem.pc")"
result "the library exports what the header declares and nothing else" "$(
	nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u \
		| grep -vE '^(__|_)(a|l|ub|t)san|^__(start|stop)|^_' > "$work/exported.txt" || true
	sed -n 's/.*[ *]\(tandem_[a-z_]*\)(.*/\1/p' "$prefix/include/tandem.h" | LC_ALL=C sort -u > "$work/all.txt"
	awk '/TANDEM_API/ { while (match($0, /tandem_[a-z_]*\(/)) { print substr($0, RSTART, RLENGTH - 1); break } }' \
		"$prefix/include/tandem.h" | LC_ALL=C sort -u > "$work/declared.txt"
	diff "$work/declared.txt" "$work/exported.txt" || true)"
result "no file names the source or build folder" \
	"$(find "$prefix" -type f -name '*.pc' -print0 | xargs -0 grep -lE "$source|$build" || true)"
if [ -d "$prefix/share/man" ]; then
	result "manual pages are not empty" "$(find "$prefix/share/man" -type f -empty)"
fi

# -- programs -----------------------------------------------------------------------------------------------------------

mkdir "$work/outside"
cp "$source"/examples/c/* "$source"/examples/module/*.[cd]* "$work/outside"
cd "$work/outside"
unset TANDEM TANDEM_EXECUTABLE TANDEM_BUILD_ROOT TANDEM_SOURCE_ROOT || true
PKG_CONFIG_PATH=$(dirname "${pc:-$prefix/none}")
LD_LIBRARY_PATH=$lib
PATH=$prefix/bin:$PATH
export PKG_CONFIG_PATH LD_LIBRARY_PATH PATH
# The files lie where they were not configured for, so pkg-config is told the prefix.
cflags=$(pkg-config --define-variable=prefix="$prefix" --cflags tandem)
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs tandem)
result "pkg-config names this prefix" "$(case $flags in *"$prefix"*) ;; *) echo "$flags" ;; esac)"

for program in pipeline_parallel tensor_parallel server; do
	# shellcheck disable=SC2086
	result "$program builds" "$(quiet cc -O2 $program.c $flags -o $program; cat "$work/said.txt")"
done
for program in pipeline_parallel tensor_parallel; do
	result "$program runs in both modes" "$(expect interpreted ./$program a.tandem b.tandem)"
	result "$program: its traces are sound" "$(quiet tandem check a.tandem; quiet tandem check b.tandem)"
	result "$program: its traces open" "$(expect "graph $program" tandem report a.tandem; expect 'mean: compiled' tandem compare a.tandem b.tandem)"
	result "$program leaves a file that is no trace alone" "$(echo precious > c.tandem; refuse 1 c.tandem ./$program c.tandem d.tandem
		grep -qx precious c.tandem || echo "c.tandem was overwritten")"
	result "$program says when the executable is missing" \
		"$(refuse 1 TANDEM_EXECUTABLE env TANDEM_EXECUTABLE="$work/none" ./$program a.tandem b.tandem)"
done
result "both programs have less than 100 lines" "$(wc -l pipeline_parallel.c tensor_parallel.c | awk '$2 != "total" && $1 >= 100')"
result "the server has at most 300" "$(wc -l server.c | awk '$1 > 300')"

# -- the header ---------------------------------------------------------------------------------------------------------

cat > header.c <<'END'
#include <tandem.h>
#include <tandem.h>
int main(void) { return tandem_version()[0] == '\0' || tandem_status_word(TANDEM_OK)[0] == '\0'; }
END
cp header.c header.cc
for standard in c11 c17; do
	# shellcheck disable=SC2086
	result "the header is strict $standard" \
		"$(quiet cc -std=$standard -pedantic -Wall -Wextra -Wstrict-prototypes -Werror header.c $flags -o header && quiet ./header)"
done
if command -v g++ > /dev/null 2>&1; then
	for standard in c++11 c++20; do
		# shellcheck disable=SC2086
		result "the header is strict $standard" \
			"$(quiet g++ -std=$standard -pedantic -Wall -Wextra -Werror header.cc $flags -o header && quiet ./header)"
	done
else
	echo "# g++ is not installed: C++ is left out"
fi

# -- the module ---------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2086
result "the module builds in one line" "$(quiet cc -O2 -shared -fPIC $cflags moving_average.c -o moving_average.so; cat "$work/said.txt")"
result "the module runs in both modes" \
	"$(expect 'interpreted: 50 executions' tandem run smooth.dot --module ./moving_average.so --executions 50 --mode both -o m.tandem)"
result "its trace opens" "$(expect 'graph smooth' tandem report m.tandem)"
result "without the module its op is unknown" "$(refuse 1 "unknown op 'moving_average'" tandem run smooth.dot)"
result "its op checks its parameter" \
	"$(sed 's/weight=0.25/weight=2/' smooth.dot > wrong.dot; refuse 1 'weight=2 is not' tandem run wrong.dot --module ./moving_average.so)"

# -- the server ---------------------------------------------------------------------------------------------------------

if command -v python3 > /dev/null 2>&1; then
	./server -m ./moving_average.so -o s.tandem ./socket smooth.dot > server.txt 2>&1 &
	server_pid=$!
	n=0
	while [ ! -S socket ] && [ $n -lt 600 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	result "the server answers" "$(expect 'f32[4]=1,1,1,1' python3 client.py socket 'f32[4]=1')"
	result "the module's op keeps its state there" "$(expect 'f32[4]=1.25,1.25,1.25,1.25' python3 client.py socket 'f32[4]=1')"
	result "the server refuses" "$(refuse 1 'declared is f32[4]' python3 client.py socket 'f32[5]=1')"
	kill -TERM "$server_pid"
	status=0
	wait "$server_pid" || status=$?
	server_pid=
	result "the server ends" "$([ $status = 0 ] || cat server.txt; [ ! -e socket ] || echo "its socket is left")"
	result "its trace opens" "$(expect '2 executions recorded' tandem report s.tandem)"
fi

# Whatever the examples started has this library's folder in its environment.
left_running() {
	for process in /proc/[0-9]*; do
		{ tr '\0' '\n' < "$process/environ"; } 2> /dev/null | grep -qxF "LD_LIBRARY_PATH=$lib" || continue
		words=$({ tr '\0' ' ' < "$process/cmdline"; } 2> /dev/null) || continue
		case $words in
		'tandem '* | *"$work"* | ./server*) echo "$words" ;;
		esac
	done
}
result "nothing is left running" "$(left_running)"
finish
