#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every fuzz target under clang's libFuzzer, guided by coverage. What crashes or hangs is made small and left in build-guided/findings.
# Usage: tests/fuzz/guided.sh [SECONDS_A_TARGET [TARGET…]]   (default: 180 s, all targets). Exits 1 when something was found.
set -eu
cd "$(dirname "$0")/../.."

seconds=${1-180}
[ $# -eq 0 ] || shift
folder=build-guided
if [ ! -f $folder/build.ninja ]; then
	CC=clang meson setup $folder --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dtests=enabled \
		-Dc_args=-fsanitize=fuzzer-no-link > /dev/null
fi
ninja -C $folder -j "$(nproc)" tests/fuzz/fuzz tests/fuzz/fuzz_guided > /dev/null
[ $# -gt 0 ] || set -- $($folder/tests/fuzz/fuzz --list)
mkdir -p $folder/findings

# fuzz_target TARGET: a corpus that grows in the build folder, from ours and from the seeds made in code.
fuzz_target() {
	grown=$folder/corpus/$1
	mkdir -p "$grown"
	given=tests/fuzz/corpus/$1
	[ -d "$given" ] || given=
	# shellcheck disable=SC2086
	FUZZ_TARGET=$1 FUZZ_SEEDS=$grown $folder/tests/fuzz/fuzz_guided -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
		-max_len=65536 -print_final_stats=1 -artifact_prefix="$folder/findings/$1-" "$grown" $given > "$folder/fuzz-$1.log" 2>&1
}

# make_small TARGET: the shortest input that still shows each finding.
make_small() {
	for finding in "$folder/findings/$1"-*; do
		case $finding in
		*.small | *'*') continue ;;
		esac
		FUZZ_TARGET=$1 $folder/tests/fuzz/fuzz_guided -minimize_crash=1 -max_total_time=30 -exact_artifact_path="$finding.small" \
			"$finding" > /dev/null 2>&1 || true
		echo "# $1: $finding"
	done
}

number=0
failed=0
echo "1..$#"
for target; do
	number=$((number + 1))
	if fuzz_target "$target"; then
		echo "ok $number - $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/fuzz-$target.log") inputs," \
			"$(grep -o 'cov: [0-9]*' "$folder/fuzz-$target.log" | tail -n 1)"
	else
		failed=1
		echo "not ok $number - $target: see $folder/fuzz-$target.log"
		make_small "$target"
	fi
done
exit $failed
