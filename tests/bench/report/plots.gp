# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Plots of what "report plots" has written into this directory. Bars are
# medians, lines on them the quartiles.

set terminal svg size 760,380 font "sans-serif,13" background "white"
set datafile missing "?"
set style data histograms
set style histogram errorbars gap 2 linewidth 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set grid ytics linecolor "#cccccc"
set key outside right top
set xrange [-0.6:2.5]
set xtics nomirror scale 0
set ytics nomirror
set yrange [0:*]
set ylabel "ns a packet, above nothing"

name(i) = word("iptables nft door:tc door:generic door:native door:limiter", i)
color(i) = word("#c44e52 #dd8452 #a6bddb #74a9cf #0570b0 #55a868", i)

set title "UDP in, established flows, IPv4, 64-byte frames"
set output "in-v4.svg"
plot for [i=1:5] "in-v4.dat" using (column(3*i-1)):(column(3*i)):(column(3*i+1)):xtic(1) title name(i) linecolor rgb color(i)

set title "UDP in, established flows, IPv6, small frames"
set output "in-v6.svg"
plot for [i=1:5] "in-v6.dat" using (column(3*i-1)):(column(3*i)):(column(3*i+1)):xtic(1) title name(i) linecolor rgb color(i)

set title "UDP out, answers of established flows, IPv4, 64-byte frames"
set output "out-v4.svg"
plot for [i=1:5] "out-v4.dat" using (column(3*i-1)):(column(3*i)):(column(3*i+1)):xtic(1) title name(i) linecolor rgb color(i)

set xrange [-0.6:1.6]
set title "UDP in, every packet from a new source, every table full"
set output "new.svg"
plot for [i=1:6] "new.dat" using (column(3*i-1)):(column(3*i)):(column(3*i+1)):xtic(1) title name(i) linecolor rgb color(i)
