# SPDX-License-Identifier: Apache-2.0
#
# TAP for shell tests. `result NAME TEXT` passes when TEXT is empty and prints it as the reason otherwise.

LC_ALL=C
export LC_ALL
n_results=0

result() {
	n_results=$((n_results + 1))
	if [ -z "$2" ]; then
		echo "ok $n_results - $1"
	else
		echo "not ok $n_results - $1"
		printf '%s\n' "$2" | head -n 40 | sed 's/^/# /'
	fi
}

finish() {
	echo "1..$n_results"
}

# The sources in the tree, relative to the current directory.
sources() {
	find engine traces viewers tool tests -name '*.[ch]' | LC_ALL=C sort
}
