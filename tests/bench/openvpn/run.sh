#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [quick|full]: what a tunnel carries, dialled on 443 through the door
# and on OpenVPN's own port, by turns, through processes that stay up.
set -u
. tests/lab/lab.sh
. tests/bench/lib/put.sh
# Many short pairs: a neighbour on the same host comes and goes.
rounds=250
[ "${1:-quick}" = full ] || rounds=40
ms=150
stream=$PWD/build/tests/bench/openvpn/stream

mbit() { # client
	within alice "$stream" give "$TUN4" 7000 "$(client_tun "$1")" $ms
}

pairs() { # udp|tcp
	local i a b
	: >"$LAB_DIR/pairs"
	for ((i = 0; i < rounds; i++)); do
		if ((i % 2)); then
			a=$(mbit "$1-443") && b=$(mbit "$1-1194") || return
		else
			b=$(mbit "$1-1194") && a=$(mbit "$1-443") || return
		fi
		echo "$a $b" >>"$LAB_DIR/pairs"
	done
	cut -d' ' -f1 "$LAB_DIR/pairs" | put Mbit/s "openvpn/443/$1"
	cut -d' ' -f2 "$LAB_DIR/pairs" | put Mbit/s "openvpn/1194/$1"
	awk '{ print $1 / $2 }' "$LAB_DIR/pairs" | put ratio "openvpn/443:1194/$1"
}

lab_start && servers_start && door_open || exit
for proto in udp tcp; do
	for port in 443 1194; do
		client_start $proto-$port alice $proto $port "$SRV4" &&
			lab_up $proto-$port || exit
	done
done
lab_run stream srv "$stream" take "$TUN4" 7000
lab_sleep 0.3
# the first bytes fill caches and open windows
for proto in udp tcp; do
	mbit $proto-443 >/dev/null && mbit $proto-1194 >/dev/null &&
		pairs $proto || exit
done
