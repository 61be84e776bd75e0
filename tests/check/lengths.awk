# SPDX-License-Identifier: Apache-2.0
#
# Prints "FILE:LINE NAME LINES" for each function, by the brace in column 0 that opens and closes it.

FNR == 1 {
	open_line = 0
}

/^[a-zA-Z_].*\(/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
}

/^\{/ {
	open_line = FNR
}

/^\}/ {
	if (open_line)
		printf "%s:%d %s %d\n", FILENAME, open_line, name, FNR - open_line - 1
	open_line = 0
}
