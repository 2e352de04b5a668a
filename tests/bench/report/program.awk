# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Figures of the table that tests/bench/program prints: for the door, then for
# one look-up the same quantiles, which a line of "N %" names. The upper quartile
# is not among them.

function put(row, first) {
	printf "{\"name\":\"program/%s/v%s/%s\",\"unit\":\"ns\",", row,
		family, what
	printf "\"median\":%s,\"q1\":%s}\n", $(first + place[50]),
		$(first + place[25])
}

/%/ {
	columns = 0
	for (i = 1; i < NF && !($i in place); i += 2)
		place[$i] = ++columns
}

/^IPv[46], / {
	family = substr($1, 4, 1)
	what = $2
	for (i = 3; i <= NF - 2 * columns; i++)
		what = what " " $i
	put("door", NF - 2 * columns)
	put("one look-up", NF - columns)
}
