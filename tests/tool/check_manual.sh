#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages: every command has one, it names every option of the help, and it renders without a warning.
# Usage: check_manual.sh SOURCE_ROOT TANDEM
set -eu
here=$1/tests
pages=$1/doc/man
tandem=$(realpath "$2")
. "$here/check/tap.sh"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
SOURCE_DATE_EPOCH=1700000000
export SOURCE_DATE_EPOCH
commands=$("$tandem" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

for template in "$pages"/*.in; do
	page=$(basename "$template" .in)
	result "$page is made" "$("$tandem" manual "$template" 2>&1 > "$folder/$page" || true)"
	result "$page is installed" "$(grep -qF "'$page'," "$pages/meson.build" || echo "doc/man/meson.build does not list it")"
	result "$page is ASCII" "$(grep -nP '[^\x00-\x7f]' "$folder/$page" || true)"
	if command -v groff > /dev/null 2>&1; then
		result "$page: groff does not warn" "$(groff -man -ww -z -Tutf8 "$folder/$page" 2>&1)"
	fi
	if command -v mandoc > /dev/null 2>&1; then
		result "$page: mandoc does not warn" "$(mandoc -Tlint -W warning "$folder/$page" 2>&1 || true)"
	fi
done

for command in $commands; do
	page=$folder/tandem-$command.1
	result "$command has a page" "$([ -s "$page" ] || echo "doc/man/tandem-$command.1.in is missing")"
	[ -s "$page" ] || continue
	missing=
	for option in $("$tandem" "$command" --help | sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p'); do
		grep -qF "\\fB$(echo "$option" | sed 's/-/\\-/g')\\fR" "$page" || missing="$missing $option"
	done
	result "$command's page has all options" "$missing"
	result "tandem(1) lists $command" "$(grep -qF "tandem\\-$command (1)" "$folder/tandem.1" || echo "it does not")"
	for section in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' 'SEE ALSO'; do
		result "$command's page has $section" "$(grep -qx ".SH $section" "$page" || echo "it does not")"
	done
done

# wrong NAME TEXT EXPECTED: a template that is refused.
wrong() {
	printf '%s\n' "$2" > "$folder/$1"
	said=$("$tandem" manual "$folder/$1" 2>&1 > /dev/null) && said="it was accepted"
	case $said in
	*"$3"*) result "$1 is refused" "" ;;
	*) result "$1 is refused" "expected '$3', got '$said'" ;;
	esac
}
wrong tandem-run.in '@TITLE@' "NAME.SECTION.in"
wrong tandem-frobnicate.1.in '@OPTIONS@' "@OPTIONS@ belongs into the page of a command"
wrong tandem-worker.1.in '@NAME@' "@NAME@ belongs into the page of a command"
wrong tandem-run.1.in '@OPTION@' "'@OPTION@' is not known"
finish
