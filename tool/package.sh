#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Debian package build/tandem_VERSION_ARCH.deb: release build with link-time optimisation in build/package, installed below
# /usr. One package holds the program, its pages and completions, the library and its header.
# Usage: tool/package.sh [--build-dir FOLDER] [--output FOLDER]
#   --build-dir  take this configured and built folder instead (its prefix must be /usr)
#   --output     where the package goes (default: build)
# The same sources, compiler and SOURCE_DATE_EPOCH (default: the date of the last commit) give the same package, byte for byte.
set -eu
cd "$(dirname "$0")/.."
umask 022

fail() {
	echo "package: $*" >&2
	exit 1
}

build=
output=build
while [ $# -gt 0 ]; do
	case $1 in
	--build-dir | --output)
		[ $# -ge 2 ] || { echo "package: $1 needs FOLDER behind it" >&2; exit 2; }
		if [ "$1" = --output ]; then output=$2; else build=$2; fi
		shift 2
		;;
	*)
		echo "package: unknown argument '$1'; usage: tool/package.sh [--build-dir FOLDER] [--output FOLDER]" >&2
		exit 2
		;;
	esac
done
for program in meson ninja dpkg-deb dpkg-query dpkg-shlibdeps; do
	command -v $program > /dev/null 2>&1 || fail "$program is missing; tool/setup.sh and the package dpkg-dev bring it"
done

if [ -z "${SOURCE_DATE_EPOCH-}" ]; then
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2> /dev/null || date +%s)
fi
export SOURCE_DATE_EPOCH

mkdir -p "$output"
if [ -z "$build" ]; then
	build=build/package
	[ -f $build/build.ninja ] || meson setup $build --prefix=/usr --libdir="lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" \
		--buildtype=release -Db_lto=true -Dstrip=true -Dtests=disabled > "$output/package.log" 2>&1 || {
		cat "$output/package.log" >&2
		fail "the build could not be configured"
	}
	rm -f "$output/package.log"
	ninja -C $build > $build/build-output.txt 2>&1 || {
		tail -n 30 $build/build-output.txt >&2
		fail "the build failed"
	}
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
DESTDIR=$root meson install -C "$build" --no-rebuild --strip > "$work/install.log" 2>&1 \
	|| { cat "$work/install.log" >&2; fail "the installation failed"; }
[ -x "$root/usr/bin/tandem" ] || fail "$build is not configured with --prefix=/usr"

version=$("$build/tool/tandem" --version | sed 's/^tandem //')
architecture=$(dpkg --print-architecture)

# Where Debian looks: completions of zsh, the licence; pages compressed, without a time in them.
mkdir -p "$root/usr/share/zsh/vendor-completions"
mv "$root/usr/share/zsh/site-functions/_tandem" "$root/usr/share/zsh/vendor-completions/_tandem"
rmdir "$root/usr/share/zsh/site-functions"
cat > "$root/usr/share/doc/tandem/copyright" << END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tandem

Files: *
Copyright: the authors of tandem
License: Apache-2.0
 On Debian systems the text of the licence is in /usr/share/common-licenses/Apache-2.0.
END
rm -f "$root/usr/share/doc/tandem/LICENSE"
find "$root/usr/share/man" -type f -exec gzip -9n {} +

# What the binaries need, as the system's own tool tells it.
mkdir -p "$work/debian"
printf 'Source: tandem\n\nPackage: tandem\nArchitecture: any\n' > "$work/debian/control"
binaries=$(find "$root/usr/bin" "$root/usr/lib" -type f \( -perm -u+x -o -name '*.so*' \) 2> /dev/null | LC_ALL=C sort)
# shellcheck disable=SC2086
depends=$(cd "$work" && dpkg-shlibdeps --ignore-missing-info -O -l"$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" \
	$binaries 2> /dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || fail "what the binaries depend on could not be found out"

mkdir -p "$root/DEBIAN"
cat > "$root/DEBIAN/control" << END
Package: tandem
Version: $version
Architecture: $architecture
Maintainer: the authors of tandem <tandem@localhost>
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: libopenblas0-pthread
Suggests: graphviz, sqlite3
Section: science
Priority: optional
Description: terminal workbench for graphs of operations over several workers
 tandem runs one graph of operations over several worker processes, compiled
 into a static schedule over preallocated shared-memory channels or dispatched
 at run time, records what happened into one SQLite file, and shows where the
 time went and what two runs differ in. The package holds the program, and the
 library with its header.
END
if [ -n "$(find "$root/usr/lib" -name 'lib*.so.*' 2> /dev/null | head -n 1)" ]; then
	echo "activate-noawait ldconfig" > "$root/DEBIAN/triggers"
fi
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"

# Permissions and times are those of a package, not of this checkout.
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f ! -path "$root/usr/bin/*" ! -name '*.sh' -exec chmod 644 {} +
find "$root/usr/bin" "$root" -type f \( -path "$root/usr/bin/*" -o -name '*.sh' \) -exec chmod 755 {} +
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
package=$output/tandem_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" > /dev/null
echo "$package"
