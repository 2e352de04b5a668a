# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Plots of what "report plots" has written into this directory. Bars are
# medians, lines on them the quartiles. A plot without a figure, as of a section
# that was not measured, is left out.

set terminal svg size 760,380 font "sans-serif,13" background "white"
set datafile missing "?"
set style data histograms
set style histogram errorbars gap 2 linewidth 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set grid ytics linecolor "#cccccc"
set key outside right top
set xtics nomirror scale 0
set ytics nomirror
set yrange [*<0:*]
set ylabel "ns a packet, above nothing"

name(i) = word("iptables nft door:tc door:generic door:native door:limiter", i)
color(i) = word("#c44e52 #dd8452 #a6bddb #74a9cf #0570b0 #55a868", i)

heading(plot) = plot eq "in-v4" ? "UDP in, established flows, IPv4, 64-byte frames" : \
	plot eq "in-v6" ? "UDP in, established flows, IPv6, small frames" : \
	plot eq "out-v4" ? "UDP out, answers of established flows, IPv4, 64-byte frames" : \
	"UDP in, every packet from a new source, every table full"

# Labels have digits, too: what counts comes after them.
figures(plot) = int(system("cat " . plot . ".dat | grep -c '\" .*[0-9]'"))

do for [plot in "in-v4 in-v6 out-v4 new"] {
	new = plot eq "new"
	if (figures(plot) == 0) {
		print plot . ".svg: there are no figures for it, leaving it out"
		system("rm -f " . plot . ".svg")
	} else {
		set xrange [-0.6:(new ? 1.6 : 2.5)]
		set title heading(plot)
		set output plot . ".svg"
		plot for [i=1:(new ? 6 : 5)] plot . ".dat" using (column(3*i-1)):(column(3*i)):(column(3*i+1)):xtic(1) title name(i) linecolor rgb color(i)
		set output
	}
}
