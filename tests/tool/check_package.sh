#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The Debian package, built from a copy of the tree: what it says, what it holds, that it works where it is unpacked, that the same
# sources give the same bytes. Usage: check_package.sh SOURCE_ROOT
set -eu
here=$1/tests
. "$here/check/tap.sh"

if ! command -v dpkg-deb > /dev/null 2>&1 || ! command -v dpkg-shlibdeps > /dev/null 2>&1; then
	echo "1..0 # SKIP dpkg-dev is not installed"
	exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/tree" "$folder/again"
(cd "$1" && tar c --exclude='./build*' --exclude=./.git .) | tar x -C "$folder/tree"
cd "$folder/tree"
SOURCE_DATE_EPOCH=1700000000
export SOURCE_DATE_EPOCH

said=$(sh tool/package.sh --frobnicate 2>&1) && said="it was accepted"
result "an unknown argument is refused" "$(case $said in *"unknown argument '--frobnicate'"*) ;; *) echo "$said" ;; esac)"

if ! package=$(sh tool/package.sh 2> "$folder/log"); then
	result "the package is built" "$(tail -n 30 "$folder/log")"
	finish
	exit 0
fi
result "the package is built" ""
result "nothing is said on standard error" "$(cat "$folder/log")"

sh tool/package.sh --build-dir build/package --output "$folder/again" > /dev/null
result "the same build gives the same bytes" "$(cmp "$package" "$folder/again/$(basename "$package")" 2>&1 || true)"

dpkg-deb --info "$package" > "$folder/info"
for wanted in 'Package: tandem' 'Depends: .*libc6' 'Depends: .*libcgraph' 'Depends: .*libsqlite3-0' 'Depends: .*libcjson1' \
	'Recommends: libopenblas0-pthread' "Architecture: $(dpkg --print-architecture)"; do
	result "control has $wanted" "$(grep -q "^ $wanted" "$folder/info" || cat "$folder/info")"
done

dpkg-deb --contents "$package" > "$folder/contents"
for wanted in ./usr/bin/tandem ./usr/share/man/man1/tandem.1.gz ./usr/share/man/man1/tandem-run.1.gz \
	./usr/share/man/man5/tandem-graph.5.gz ./usr/share/man/man3/tandem_library.3.gz \
	./usr/share/bash-completion/completions/tandem ./usr/share/zsh/vendor-completions/_tandem \
	./usr/share/fish/vendor_completions.d/tandem.fish ./usr/share/doc/tandem/copyright ./usr/share/doc/tandem/graph-format.md \
	./usr/share/doc/tandem/examples/minilm/single.dot ./usr/include/tandem.h; do
	result "it holds $wanted" "$(awk '{ print $6 }' "$folder/contents" | grep -qx "$wanted" || echo "it does not")"
done
result "owned by root, nobody else may write" "$(awk '$1 !~ /^l/ && ($2 != "root/root" || $1 !~ /^[d-]rw[x-]r-[x-]r-[x-]/)' "$folder/contents")"
result "nothing of the build's place is in it" "$(dpkg-deb -x "$package" "$folder/unpacked" && grep -rlF "$folder" "$folder/unpacked" || true)"
result "md5sums are right" "$(dpkg-deb -e "$package" "$folder/control" && cd "$folder/unpacked" \
	&& md5sum -c --quiet "$folder/control/md5sums" 2>&1 || true)"

tandem=$folder/unpacked/usr/bin/tandem
said=$("$tandem" run "$folder/unpacked/usr/share/doc/tandem/examples/minilm/pipeline2.dot" --set MODEL=seeded:7 -n 4 -q \
	-o "$folder/t.tandem" 2>&1) || said="$said, exit status $?"
result "unpacked, it runs a graph" "$said"
result "and reports it" "$("$tandem" report "$folder/t.tandem" 2>&1 | grep -q 'Where time went' || echo "it does not")"
finish
