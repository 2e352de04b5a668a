#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# OpenVPN dies and comes back, the door is reloaded and loaded again: members
# are served as before, and nothing in flight is lost.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

MEMBERS="alice:udp:53:$SRV4 bob:tcp:443:$SRV4 carol:udp:500:$SRV6
	carol-tcp:tcp:993:$SRV6"

each() { # function: called with name, ns, proto, port, address
	local m
	for m in $MEMBERS; do
		local name proto port address
		IFS=: read -r name proto port address <<<"$m"
		"$1" "$name" "${name%-*}" "$proto" "$port" "$address"
	done
}

lab_start && servers_start --keepalive 1 4 && door_open || exit
each client_start
connects() {
	ok "$1 connects to $3 $4" lab_up "$1"
}
each connects

# Reloads with a ping every 10 ms in every tunnel, then with 2 MB on the way in
# each direction. Not both at once: a transfer that fills a tunnel's queue
# loses pings by itself.
pings() { steady_start "$1" "$2"; }
# One after the other for as long as the loading goes on.
keep_transferring() { # name ns up|down family
	local n=0
	while [ ! -e "$LAB_DIR/loaded" ]; do
		transfer "$@" || return
		n=$((n + 1))
	done
	echo "$n transfers"
	[ $n -gt 1 ]
}
transfers() {
	ok_begin "$1: 2 MB up, again and again" keep_transferring \
		"$1" "$2" up 4
	TRANSFER_PORT=$((TRANSFER_PORT + 1000))
	ok_begin "$1: 2 MB down, again and again" keep_transferring \
		"$1" "$2" down 6
	TRANSFER_PORT=$((TRANSFER_PORT + 1000))
}
nothing_lost() {
	ok "$1: no ping was lost" none_lost "$1"
}
none_lost() {
	local lost
	lost=$(steady_lost "$1") || return
	echo "$lost lost"
	[ "$lost" = 0 ]
}
reloads() {
	local n
	for ((n = 0; n < 5; n += LAB_PATIENCE)); do
		anyport reload -c "$DOOR_CONF" || return
		lab_sleep 0.05
	done
}
loads() {
	local n
	for ((n = 0; n < 2; n += LAB_PATIENCE)); do
		anyport load -c "$DOOR_CONF" || return
		lab_sleep 0.1
	done
}
each pings
ok "reloads under pings" reloads
ok "loads under pings" loads
each nothing_lost
transfer_data
# A slow machine has enough of one on UDP and one on TCP.
all=$MEMBERS
[ "$LAB_PATIENCE" -eq 1 ] || MEMBERS=${MEMBERS%% carol:*}
each transfers
ok "reloads under transfers" reloads
ok "loads under transfers" loads
touch "$LAB_DIR/loaded"
ok_all
MEMBERS=$all

# Both instances are killed. TCP members notice at once, UDP members by their
# pushed timeout; all come back by themselves, and nobody touches the door.
lab_end udp KILL
lab_end tcp KILL
lab_sleep 1
ok "both instances start again" servers_start --keepalive 1 4
back() {
	until_true 30 log_has "$1" "process restarting" &&
		until_true 30 tunnel_ping "$1" "$2"
}
comes_back() {
	ok_begin "$1 comes back after OpenVPN was killed" back "$1" "$2"
}
each comes_back
ok_all
tap_done
