#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The door on eth0 when its addresses are on VLAN devices above it: real
# clients come in by frames with one tag and with two, UDP and TCP, IPv4 and
# IPv6, with the tags in the frame and beside it (as network cards have them).
set -u
. tests/lab/lab.sh
ONE4=198.18.1.1 ONE6=2001:db8:c1::1	# the server's, behind one tag
TWO4=198.18.2.1 TWO6=2001:db8:c2::1	# and behind two
N=0

no_vlans() {
	ip link add probe0 type veth peer name probe1
	! ip link add link probe0 name probe0.1 type vlan id 1
	local none=$?
	ip link delete probe0
	return $none
}

vlans() { # ns device last-part-of-the-addresses
	ip -n "$1" -b - <<-EOF
	link add link $2 name one type vlan id 100
	link add link $2 name outer type vlan id 200 proto 802.1ad
	link set outer up
	link add link outer name two type vlan id 300
	address add 198.18.1.$3/24 dev one
	address add 198.18.2.$3/24 dev two
	address add 2001:db8:c1::$3/64 dev one nodad
	address add 2001:db8:c2::$3/64 dev two nodad
	link set one up
	link set two up
	EOF
}

# Replies leave by the device whose address they carry.
routes() {
	local n
	for n in 1 2; do
		ip -n srv rule add from 198.18.$n.0/24 table 10$n &&
			ip -n srv route add default via 198.18.$n.254 table 10$n &&
			ip -n srv -6 rule add from 2001:db8:c$n::/64 table 10$n &&
			ip -n srv -6 route add default via 2001:db8:c$n::254 \
				table 10$n || return
	done
}

# on: the sender's card inserts tags, the receiver's takes them off.
cards() { # on|off
	local end
	for end in "srv eth0" "net srv0"; do
		# shellcheck disable=SC2086
		set -- "$1" $end
		within "$2" ethtool -K "$3" txvlan "$1" rxvlan "$1" \
			tx-vlan-stag-hw-insert "$1" \
			rx-vlan-stag-hw-parse "$1" >/dev/null || return
	done
}

door_above() {
	cat >"$DOOR_CONF" <<-EOF
	[door]
	interface = eth0
	address = $ONE4
	address = $ONE6
	address = $TWO4
	address = $TWO6
	[udp]
	target = 1194
	[tcp]
	target = 1194
	pass = 22
	EOF
	anyport load -c "$DOOR_CONF"
}

# passes PROTOCOL PORT ADDRESS FAMILY TAGS: what the server sent had TAGS, and
# came from the port dialled.
passes() {
	local up
	N=$((N + 1))
	: >"$LAB_DIR/wire$N.log"
	lab_run "wire$N" srv tcpdump -l -nn -e -i eth0 --immediate-mode
	until_true 5 log_has "wire$N" "listening on"
	client_start "carol$N" carol "$1" "$2" "$3" && lab_up "carol$N" &&
		tunnel_ping "carol$N" carol "$4"
	up=$?
	lab_end "carol$N"
	lab_end "wire$N"
	[ $up = 0 ] || tail -n 5 "$LAB_DIR/carol$N.log"
	grep "$5.* $3.$2 > " "$LAB_DIR/wire$N.log" | tail -n 1 | cut -c1-150
	[ $up = 0 ] && grep -q "$5.* $3.$2 > " "$LAB_DIR/wire$N.log"
}

if no_vlans 2>/dev/null; then
	echo "ok 1 # SKIP this kernel has no VLAN devices"
	echo 1..1
	exit 0
fi
one="vlan 100," two="vlan 200,.* vlan 300,"
lab_start && vlans srv eth0 1 && vlans net srv0 254 && routes &&
	lab_offload off && servers_start || exit 1
ok "the door opens on eth0 for addresses above it" door_above
for card in off on; do
	ok "tags by the card: $card" cards $card
	ok "$card: one tag, UDP, IPv4" passes udp 53 $ONE4 4 "$one"
	ok "$card: one tag, UDP, IPv6" passes udp 443 $ONE6 6 "$one"
	ok "$card: two tags, UDP, IPv4" passes udp 4500 $TWO4 4 "$two"
	ok "$card: two tags, UDP, IPv6" passes udp 123 $TWO6 6 "$two"
done
ok "one tag, TCP, IPv4" passes tcp 443 $ONE4 4 "$one"
ok "one tag, TCP, IPv6" passes tcp 993 $ONE6 6 "$one"
ok "two tags, TCP, IPv4" passes tcp 80 $TWO4 4 "$two"
ok "two tags, TCP, IPv6" passes tcp 8443 $TWO6 6 "$two"
tap_done
