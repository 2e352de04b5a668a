#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A member's address or port changes in mid-session, as when a home router is
# renumbered or a telephone leaves the house: the tunnel goes on.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

NEW6=2001:db8:80::77

lab_start && server_start udp --verb 4 && door_open || exit
client_start alice alice udp 443 $SRV4
client_start bob bob udp 53 $SRV4
client_start carol carol udp 500 $SRV6
for c in alice bob carol; do
	ok "$c connects" lab_up $c
	[ $c != bob ] || continue
	steady_start $c $c
done
lab_sleep 0.5

move_port() {
	within home nft -f - <<-EOF
	flush chain ip nat out
	add rule ip nat out oifname wan0 meta l4proto udp snat to $1:40000-40100
	EOF
	within home conntrack -F 2>/dev/null
}

move_carol() {
	ip -n net neigh add $NEW6 dev carol0 nud permanent \
		lladdr "${LAB_MAC["carol eth0"]}"
	ip -n carol addr add $NEW6/64 dev eth0
	ip -n carol addr del $CAROL6/64 dev eth0
	ip -n carol route replace default via 2001:db8:80::1
}

# The tunnel's session is still the first one: nothing was restarted.
goes_on() { # name ns where-the-server-sees-it-now
	tunnel_ping "$1" "$2" || return
	[ "$(grep -c 'Initialization Sequence Completed' \
		"$LAB_DIR/$1.log")" = 1 ] || return
	grep "($1) floated from" "$LAB_DIR/udp.log" | grep -F "$3"
}

few_lost() { # name
	local lost
	lost=$(steady_lost "$1") || return
	echo "$lost pings lost"
	[ "$lost" -le 20 ]
}

home_nat $HOME4B
lab_sleep 0.5
ok "another address: the tunnel goes on" goes_on alice alice "$HOME4B:"
ok "a silent member's too" goes_on bob bob "$HOME4B:"
move_port $HOME4B
lab_sleep 0.5
ok "another port: the tunnel goes on" goes_on alice alice "$HOME4B:40"
move_carol
lab_sleep 0.5
ok "another IPv6 address: the tunnel goes on" goes_on carol carol $NEW6
ok "hardly a ping was lost over IPv4" few_lost alice
ok "hardly a ping was lost over IPv6" few_lost carol
transfer_ways() {
	transfer alice alice up && transfer alice alice down
}
ok "data flows both ways afterwards" transfer_ways
tap_done 23
