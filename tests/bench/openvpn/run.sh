#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [quick|full]: what a tunnel carries, dialled on 443 through the door
# and on OpenVPN's own port, by turns.
set -u
. tests/lab/lab.sh
. tests/bench/lib/put.sh
# Many short pairs: a neighbour on the same host comes and goes. Several pairs of
# processes: two of the same build on the same port differ for as long as they
# live.
loads=6 rounds=40
[ "${1:-quick}" = full ] || { loads=2 rounds=20; }
ms=150

mbit() { # client
	within alice "$stream" give "$TUN4" 7000 "$(client_tun "$1")" $ms
}

clients() { # udp|tcp port port
	local proto=$1 port
	shift
	for port; do
		client_start "$proto-$port" alice "$proto" "$port" "$SRV4" &&
			lab_up "$proto-$port" || return
	done
	# the first bytes fill caches and open windows
	for port; do
		mbit "$proto-$port" >/dev/null || return
	done
}

pairs() { # udp|tcp
	local i a b
	for ((i = 0; i < rounds; i++)); do
		if ((i % 2)); then
			a=$(mbit "$1-443") && b=$(mbit "$1-1194") || return
		else
			b=$(mbit "$1-1194") && a=$(mbit "$1-443") || return
		fi
		echo "$a $b" >>"$LAB_DIR/pairs"
	done
}

measure() { # udp|tcp
	local i
	: >"$LAB_DIR/pairs"
	for ((i = 0; i < loads; i++)); do
		if ((i % 2)); then
			clients "$1" 443 1194
		else
			clients "$1" 1194 443
		fi && pairs "$1" || return
		lab_end "$1-443"
		lab_end "$1-1194"
	done
	cut -d' ' -f1 "$LAB_DIR/pairs" | put Mbit/s "openvpn/443/$1"
	cut -d' ' -f2 "$LAB_DIR/pairs" | put Mbit/s "openvpn/1194/$1"
	awk '{ print $1 / $2 }' "$LAB_DIR/pairs" | put ratio "openvpn/443:1194/$1"
}

stream=$PWD/build/tests/bench/openvpn/stream
lab_start && servers_start && door_open || exit
lab_run stream srv "$stream" take "$TUN4" 7000
lab_sleep 0.3
measure udp && measure tcp
