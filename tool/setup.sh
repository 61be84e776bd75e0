#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that building and testing tandem takes, only those that are missing.
# Usage: tool/setup.sh [--dry-run]
set -eu

# package, and what it is for
packages='
gcc                 compiling
g++                 tests: C++ includes the header
libc6-dev           compiling
meson               building
ninja-build         building
pkg-config          building
libgraphviz-dev     reading graphs
libcjson-dev        reading tensor files
libsqlite3-dev      traces
zlib1g-dev          reading compressed traces of other tools
libncurses-dev      terminal screens
libedit-dev         lines typed at the debugger
libopenblas0-pthread  matrix products, loaded by workers
libdw-dev           functions and lines of crashed ops, loaded by the debugger
libcriterion-dev    tests
python3             meson and the test summary
graphviz            drawing exported graphs, in tests
python3-pip         getting the model of the example
ca-certificates     getting the model of the example
dpkg-dev            tool/package.sh
groff-base          tests: manual pages
mandoc              tests: manual pages
zsh                 tests: completion
fish                tests: completion
sqlite3             making the traces of the tour anew
procps              the same
'

dry_run=no
case ${1-} in
'') ;;
--dry-run) dry_run=yes ;;
*)
	echo "setup: unknown argument '$1'; usage: tool/setup.sh [--dry-run]" >&2
	exit 2
	;;
esac

names=$(printf '%s\n' "$packages" | awk 'NF { print $1 }')

if ! command -v dpkg-query > /dev/null 2>&1 || ! command -v apt-get > /dev/null 2>&1; then
	echo "setup: this system has no apt-get. Install what corresponds to these Debian packages, then go on:" >&2
	printf '%s\n' "$packages" | awk 'NF { name = $1; $1 = ""; printf "  %-22s%s\n", name, $0 }' >&2
	exit 1
fi

missing=
for name in $names; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2> /dev/null || true)
	[ "$state" = installed ] || missing="$missing $name"
done

if [ -z "$missing" ]; then
	echo "setup: all packages are installed"
	exit 0
fi
echo "setup: missing:$missing"
[ $dry_run = no ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo > /dev/null 2>&1; then
		echo "setup: run this as root, or install sudo: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
# Package lists may be absent or old; installing says so if they cannot be fetched.
$as_root apt-get update -qq || true
# shellcheck disable=SC2086
if ! $as_root apt-get install -y -qq --no-install-recommends $missing > /dev/null; then
	echo "setup: apt-get could not install:$missing" >&2
	exit 1
fi
echo "setup: installed$missing"
