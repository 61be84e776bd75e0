#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Set-up, builds, all tests. Usage: tests/run.sh [--full]
#   build-test   gcc, warnings are errors: every test
#   build-asan   gcc with AddressSanitizer and UBSan: unit tests, every fuzz target for a few seconds
#   build-tsan   gcc with ThreadSanitizer: stress programs
#   build-clang  clang, warnings are errors: compiles
# Each builds what it runs; -g1 is enough for the lines in a report. Tests of many cases take a part of them, the sanitizers a small one
# (tests/support/trials.h). --full takes all of them and adds the suite 'long' (soak tests) and fuzzing guided by coverage (clang; build-guided).
# The last line sums up what the runners counted.
set -eu
cd "$(dirname "$0")/.."

full=no
case ${1-} in
'') ;;
--full) full=yes ;;
*)
	echo "run: unknown argument '$1'; usage: tests/run.sh [--full]" >&2
	exit 2
	;;
esac

jobs=$(nproc)
tests_at_once=$((jobs + 1)) # many of them wait for something
failed=0
logs=

step() {
	printf '\n== %s\n' "$*"
}

# configure FOLDER OPTIONS…: a folder that was configured before keeps its options.
configure() {
	folder=$1
	shift
	if [ -f "$folder/build.ninja" ]; then
		set -- ninja -C "$folder" build.ninja # made anew where a meson.build has changed, before targets() reads it
	else
		set -- meson setup "$folder" "$@"
	fi
	"$@" > "$folder.log" 2>&1 || {
		cat "$folder.log" >&2
		rm -f "$folder.log"
		[ -f "$folder/build.ninja" ] || rm -rf "$folder"
		return 1
	}
	rm -f "$folder.log"
}

# build FOLDER TARGET…: prints nothing but trouble and the last line.
build() {
	folder=$1
	shift
	ninja -C "$folder" -j "$jobs" "$@" > "$folder/build-output.txt" 2>&1 || {
		grep -vE '^\[[0-9]+/[0-9]+\]' "$folder/build-output.txt" >&2
		return 1
	}
	tail -n 1 "$folder/build-output.txt"
}

# targets FOLDER RULE: what that rule makes.
targets() {
	ninja -C "$1" -t targets all | sed -n "s/^\\([^:]*\\): $2\$/\\1/p"
}

# take_trials PERCENT: of the cases of tests that have many; with --full all.
take_trials() {
	[ $full = yes ] || export TANDEM_TRIALS_PERCENT="$1"
}

# run_tests FOLDER MESON_ARGS…
run_tests() {
	folder=$1
	shift
	rm -f "$folder/meson-logs/testlog.json"
	meson test -C "$folder" --no-rebuild --num-processes "$tests_at_once" --print-errorlogs "$@" || failed=1
	cp "$folder/meson-logs/testlog.json" "$folder/testlog-$n_logs.json" 2> /dev/null || true
	logs="$logs $folder/testlog-$n_logs.json"
	n_logs=$((n_logs + 1))
}
n_logs=0

step "packages"
sh tool/setup.sh

step "model of the example"
if model=$(sh tool/model.sh | tail -n 1) && [ -n "$model" ]; then
	TANDEM_MINILM_MODEL=$model
	export TANDEM_MINILM_MODEL
	echo "$model"
else
	echo "it could not be had: tests that need it are skipped"
fi

step "Perfetto's definitions, for reading exports"
if perfetto=$(sh tool/perfetto.sh | tail -n 1) && [ -n "$perfetto" ]; then
	TANDEM_PERFETTO=$perfetto
	export TANDEM_PERFETTO
	echo "$perfetto"
else
	echo "they could not be had: tests that need them are skipped"
fi

step "gcc: every test"
take_trials 30
if configure build-test --optimization=2 --debug -Dc_args=-g1 --werror -Dtests=enabled && build build-test; then
	skip_long=--no-suite=long
	[ $full = no ] || skip_long=
	# shellcheck disable=SC2086
	run_tests build-test $skip_long
else
	failed=1
fi

step "AddressSanitizer and UBSan: unit tests"
take_trials 10
# shellcheck disable=SC2046
if configure build-asan --optimization=1 --debug -Dc_args=-g1 -Db_sanitize=address,undefined -Db_lundef=false -Dtests=enabled \
	&& build build-asan $(targets build-asan 'c_LINKER.*' | grep -vE '^tests/(fault|stress)/'); then
	# Criterion itself leaks its arguments, libedit the names of its own functions.
	printf 'leak:criterion_handle_args\nleak:wcsdup\n' > build-asan/leaks.txt
	LSAN_OPTIONS=suppressions=$PWD/build-asan/leaks.txt:print_suppressions=0 \
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:quarantine_size_mb=32 \
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		run_tests build-asan --suite unit --suite fuzz
else
	failed=1
fi

step "ThreadSanitizer: stress programs"
if configure build-tsan --optimization=1 --debug -Dc_args=-g1 -Db_sanitize=thread -Db_lundef=false -Dtests=enabled; then
	# shellcheck disable=SC2046
	if build build-tsan tool/tandem \
		$(targets build-tsan c_LINKER | grep '^tests/.*/stress_'); then
		TSAN_OPTIONS=halt_on_error=1 run_tests build-tsan --suite stress
	else
		failed=1
	fi
else
	failed=1
fi

step "clang: no warning"
if command -v clang > /dev/null 2>&1; then
	# Objects only, and no header by itself: clang is here for what it says.
	# shellcheck disable=SC2046
	if ! { CC=clang configure build-clang --buildtype=plain --werror -Dtests=enabled \
		&& build build-clang $(targets build-clang c_COMPILER | grep -v libheaders); }; then
		failed=1
	fi
else
	echo "clang is not installed: left out"
fi

if [ $full = yes ] && command -v clang > /dev/null 2>&1; then
	step "libFuzzer: every fuzz target for some minutes"
	sh tests/fuzz/guided.sh || failed=1
fi

step "sum"
# shellcheck disable=SC2086
summary=$(python3 tests/count_results.py $logs)
case $failed,$summary in
1,*' 0 failed'*) summary=$(echo "$summary" | sed 's/ 0 failed/ 1 failed/') ;;
esac
case $summary in
*' 0 failed'*) ;;
*) failed=1 ;;
esac
echo "$summary"
exit $failed
