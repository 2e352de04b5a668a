#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The door on a network card with a real driver: two virtio cards on one wire,
# one the server's and one a member's, by native XDP, generic XDP and tc. The
# virtual machine of the tests has such a pair.
set -u
. tests/lab/lab.sh
HOST=/mnt/net	# the namespace where the cards are
N=0

cards() {
	nsenter --net=$HOST ip -j link show |
		jq -r '.[] | select(.address | startswith("52:54:00:61:70:0"))
			| .ifname'
}

# give CARD NS NAME LAST-PART-OF-THE-ADDRESSES
give() {
	nsenter --net=$HOST ip link set "$1" netns "/run/netns/$2" name "$3" &&
		ip -n "$2" address add "198.18.3.$4/24" dev "$3" &&
		ip -n "$2" address add "2001:db8:c3::$4/64" dev "$3" nodad &&
		ip -n "$2" link set "$3" up
}

door_on_card() { # native|generic|tc, text that load says
	cat >"$DOOR_CONF" <<-EOF
	[door]
	interface = card0
	address = 198.18.3.1
	address = 2001:db8:c3::1
	attach = $1
	[udp]
	target = 1194
	[tcp]
	target = 1194
	EOF
	anyport unload
	anyport load -c "$DOOR_CONF" >"$LAB_DIR/load" 2>&1
	cat "$LAB_DIR/load"
	grep -q "card0: $2" "$LAB_DIR/load"
}

passes() { # protocol port address family
	local up
	N=$((N + 1))
	client_start "carol$N" carol "$1" "$2" "$3" && lab_up "carol$N" &&
		tunnel_ping "carol$N" carol "$4"
	up=$?
	lab_end "carol$N"
	[ $up = 0 ] || tail -n 5 "$LAB_DIR/carol$N.log"
	return $up
}

if [ ! -e $HOST ] || [ "$(cards | wc -l)" != 2 ]; then
	echo "ok 1 # SKIP no pair of virtio cards here; make test-vm has one"
	echo 1..1
	exit 0
fi
lab_start && {
	read -r first && read -r second
} < <(cards) && give "$first" srv card0 1 && give "$second" carol card1 2 &&
	servers_start || exit 1
for mode in native generic tc; do
	says="$mode XDP"
	[ $mode != tc ] || says="tc ingress"
	ok "the door opens: $mode" door_on_card $mode "$says"
	ok "$mode: UDP, IPv4" passes udp 53 198.18.3.1 4
	ok "$mode: UDP, IPv6" passes udp 443 2001:db8:c3::1 6
	ok "$mode: TCP, IPv4" passes tcp 443 198.18.3.1 4
	ok "$mode: TCP, IPv6" passes tcp 993 2001:db8:c3::1 6
done
tap_done
