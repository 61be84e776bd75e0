# SPDX-License-Identifier: Apache-2.0
#
# The one line of dependency (doc/architecture.md): a folder includes itself and what is left of it. Prints a line for each include that
# breaks it. Reads files named relative to the source root.

BEGIN {
	n = split("engine/base engine/graph engine/backend engine/ops engine/run engine/api engine/debug traces viewers tool tests", order, " ")
	for (i = 1; i <= n; i++)
		rank[order[i]] = i
}

function folder(path) {
	if (path ~ /^engine\//)
		sub(/\/[^\/]*$/, "", path)
	else
		sub(/\/.*$/, "", path)
	return path
}

FNR == 1 {
	from = folder(FILENAME)
	if (!(from in rank))
		printf "%s: folder '%s' has no place in the line of dependency\n", FILENAME, from
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	target = quoted[2]
	to = folder(target)
	if (target ~ /^\.\.?\// || !(to in rank))
		printf "%s:%d: \"%s\" is not a path from the root\n", FILENAME, FNR, target
	else if (rank[to] > rank[from])
		printf "%s:%d: %s must not include %s (\"%s\")\n", FILENAME, FNR, from, to, target
}
