#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the shells offer, asked of real shells: bash through its function and, like zsh, on a pseudo-terminal; fish through `complete -C`.
# Usage: check_completion.sh SOURCE_ROOT TANDEM
set -eu
here=$1/tests
tandem=$(realpath "$2")
. "$here/check/tap.sh"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/files" "$folder/files/sub"
cd "$folder/files"
touch a.dot b.tandem c.json d.txt 'e f.dot' g.gv
for shell in bash zsh fish; do
	"$tandem" completion "$shell" > "$folder/$shell"
done
commands=$("$tandem" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | LC_ALL=C sort | tr '\n' ' ')
benches=$("$tandem" bench --list | sed 1d | awk '{ print $1 }' | LC_ALL=C sort | tr '\n' ' ')

# LINE|what is offered, sorted, options left out. Both modes of a long option's value; each place of a command; kinds of files.
cases="
tandem |$(printf '%s\n' help $commands | LC_ALL=C sort | tr '\n' ' ')
tandem co|compare completion
tandem run --mode |both compiled interpreted
tandem run --mode c|compiled
tandem run --mode=c|compiled
tandem run --mode=|both compiled interpreted
tandem run |a.dot e f.dot g.gv sub/
tandem run a|a.dot
tandem run --executions 3 |a.dot e f.dot g.gv sub/
tandem run --mode compiled |a.dot e f.dot g.gv sub/
tandem run --mode=compiled |a.dot e f.dot g.gv sub/
tandem run -n 3 |a.dot e f.dot g.gv sub/
tandem run a.dot |
tandem run --set |
tandem run -o |b.tandem sub/
tandem run --trace |b.tandem sub/
tandem run --input |a.dot b.tandem c.json d.txt e f.dot g.gv sub/
tandem check |a.dot b.tandem e f.dot g.gv sub/
tandem query |b.tandem sub/
tandem query b.tandem |
tandem compare b.tandem |b.tandem sub/
tandem bench |$benches
tandem bench hop |$benches
tandem bench --compare |c.json sub/
tandem completion |bash fish zsh
tandem help |$commands
tandem help r|report run
"

# normal: one line of words, sorted, no options, no escapes; directories end in /.
normal() {
	sed 's/\\ / /g; s/--[a-z-]*=//g' | awk '{
		n = split($0, word, "\t"); m = 0; text = ""
		for (i = 1; i <= n; i++)
			if (word[i] != "" && word[i] !~ /^-/) kept[++m] = word[i] ~ /^sub\/?$/ ? "sub/" : word[i]
		for (i = 2; i <= m; i++) {
			w = kept[i]
			for (j = i - 1; j > 0 && kept[j] > w; j--) kept[j + 1] = kept[j]
			kept[j + 1] = w
		}
		for (i = 1; i <= m; i++) text = text (i > 1 ? " " : "") kept[i]
		print text
	}'
}

lines() {
	printf '%s\n' "$cases" | sed '/^$/d; s/|.*//'
}

wanted() {
	printf '%s\n' "$cases" | sed '/^$/d; s/^[^|]*|//; s/ *$//'
}

# judge SHELL: compares the answers in $folder/offered, one line for each case.
judge() {
	lines > "$folder/lines"
	wanted > "$folder/wanted"
	result "$1 answers every question" "$([ "$(wc -l < "$folder/offered")" = "$(wc -l < "$folder/lines")" ] || cat "$folder/offered")"
	paste -d '|' "$folder/lines" "$folder/wanted" "$folder/offered" > "$folder/all"
	while IFS='|' read -r line want have; do
		result "$1: '$line'" "$([ "$want" = "$have" ] || echo "expected '$want', offered '$have'")"
	done < "$folder/all"
}

# have SHELL REASON: whether it can be asked.
have() {
	command -v "$1" > /dev/null 2>&1 && return
	n_results=$((n_results + 1))
	echo "ok $n_results - $1 # SKIP $1 is not installed"
	return 1
}

cat > "$folder/ask.bash" << 'END'
. "$1"
while IFS= read -r line; do
	COMP_WORDS=() COMPREPLY=()
	# bash breaks words at '=', and there is an empty one behind a blank.
	for word in ${line//=/ = }; do COMP_WORDS+=("$word"); done
	[[ $line == *' ' ]] && COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_tandem
	printf '%s\t' "${COMPREPLY[@]}"
	echo
done
END
cat > "$folder/ask.fish" << 'END'
source $argv[1]
while read -l line
	set -l offered (complete -C "$line" | string replace -r '\t.*' '')
	echo (string join \t -- $offered)
end
END

result "bash: the script parses" "$(bash -n "$folder/bash" 2>&1 || true)"
lines | bash "$folder/ask.bash" "$folder/bash" | normal > "$folder/offered"
judge bash
result "fish: the script parses" "$(! command -v fish > /dev/null || fish -n "$folder/fish" 2>&1 || true)"
if have fish; then
	lines | HOME=$folder XDG_CONFIG_HOME=$folder fish --no-config "$folder/ask.fish" "$folder/fish" | normal > "$folder/offered"
	judge fish
fi
# Names with blanks cannot be told apart on a screen.
if have python3; then
	rm 'e f.dot'
	cases=$(printf '%s\n' "$cases" | sed 's/e f\.dot //')
	for shell in bash zsh; do
		if have "$shell"; then
			lines > "$folder/asked"
			set --
			while IFS= read -r line; do
				set -- "$@" "$line"
			done < "$folder/asked"
			python3 "$here/tool/type_keys.py" "$shell" "$folder/$shell" "$@" 2>&1 | sed 's/^.* =>//; s/ /\t/g' | normal > "$folder/offered"
			judge "$shell on a terminal"
		fi
	done
	touch 'e f.dot'
fi
finish
