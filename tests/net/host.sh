#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What anyport sees of the host around the door, on a live kernel: listeners,
# NAT rules, conntrack entries, missing notrack rules, routes, addresses. The
# command that it names must mend what it complains of.
set -u
LAB_DIR=$(mktemp -d /tmp/anyport-test.XXXXXX)
trap 'rm -rf "$LAB_DIR"' EXIT
. tests/lab/tap.sh

D4=198.51.100.1 D6=2001:db8:ffff::1
NS=host-test
pids=

ns() { nsenter --net=/run/netns/$NS "$@"; }

check() { ns build/anyport check -c tests/fixtures/door.conf; }

says() { check | grep -qE -- "$1"; }
silent() { ! says "$1"; }

# The command below the first line that matches, run.
mend() {
	local command
	command=$(check | awk -v p="$1" '
		$0 ~ p && !found { found = 1; next }
		found { sub(/^ *mend: /, ""); print; exit }')
	echo "mend: $command"
	[ -n "$command" ] && ns bash -c "$command"
}

# All that match, one after the other; no more than are there now.
mend_all() {
	local n
	n=$(check | grep -cE "$1")
	[ "$n" -gt 0 ] || return 1
	while [ "$n" -gt 0 ]; do
		mend "$1" || return 1
		n=$((n - 1))
	done
	silent "$1"
}

serve() { pids="$pids $(ns build/tests/tools/serve "$@")"; }

setup() {
	ip netns add $NS && ns ip link set lo up &&
		ns ip link add eth0 type veth peer name out &&
		ns ip addr add $D4/24 dev eth0 &&
		ns ip addr add $D6/64 dev eth0 nodad &&
		ns ip link set eth0 up && ns ip link set out up
}

listeners_are_named() {
	serve -n postgres tcp 0.0.0.0 5432 x
	serve -n postgres tcp 127.0.0.1 5433 x
	serve -n sshd tcp :: 22 x
	serve -n openvpn udp :: 1194 x
	serve -n openvpn tcp $D4 1194 x
	serve -n nginx tcp 0.0.0.0 8443 x
	serve -n stunnel tcp 127.0.0.1 4443 x
	serve -n stunnel tcp ::1 4443 x
	serve -n unbound udp $D6 53 x
	serve -n unbound udp 192.0.2.9 53 x
	check >"$LAB_DIR/out"
	cat "$LAB_DIR/out"
	grep -E '^  (tcp|udp) [^ ]+:[0-9]+ ' "$LAB_DIR/out" | tr -s ' ' |
		diff - <(cat <<-EOF
	 udp [$D6]:53 unbound left alone, its own listener: shows through the door
	 udp [::]:1194 openvpn is the target
	 tcp [::]:22 sshd passed by policy: shows through the door
	 tcp $D4:1194 openvpn is the target
	 tcp 127.0.0.1:4443 stunnel is the target
	 tcp [::1]:4443 stunnel is the target
	 tcp 0.0.0.0:5432 postgres left alone, its own listener: shows through the door
	 tcp 0.0.0.0:8443 nginx hidden: the door claims its port
	EOF
	)
}

dnat_in() { # program, address, target
	ns "$1" -t nat -A PREROUTING -d "$2" -p udp --dport 1:65535 \
		-j DNAT --to-destination "$3:1194" &&
		ns "$1" -t nat -A PREROUTING -i br0 -p udp --dport 53 \
			-j REDIRECT --to-ports 5353
}

clear_rules() {
	local i t
	ns nft flush ruleset
	for i in iptables-legacy ip6tables-legacy; do
		for t in nat raw filter; do
			ns $i -t $t -F && ns $i -t $t -X || return
		done
		ns $i -P INPUT ACCEPT
	done
	ns conntrack -F
}

NAT='^warning: NAT catches what is for the door'
dnat_is_found_and_mended() { # program, address, target
	silent "$NAT" && dnat_in "$@" && [ "$(check | grep -c "$NAT")" = 1 ] &&
		mend "$NAT" && silent "$NAT"
}

redirect_of_nft_is_found() {
	ns nft -f - <<-EOF && mend_all "$NAT"
	table inet t {
		chain p {
			type nat hook prerouting priority dstnat;
			meta l4proto { tcp, udp } th dport { 1-21, 23-65535 } redirect to :1194
		}
	}
	EOF
}

LEFT='^warning: [0-9]+ conntrack entries '
entries_are_found() {
	ns conntrack -I -p udp -s 192.0.2.7 -d $D4 --sport 5000 --dport 443 \
		-t 3600 --dst-nat $D4:1194 &&
		ns conntrack -I -p tcp --state ESTABLISHED -s 2001:db8::7 \
			-d $D6 --sport 5000 --dport 993 -t 3600 \
			--dst-nat "[$D6]:1194" &&
		ns conntrack -I -p udp -s 192.0.2.8 -d $D4 --sport 5000 \
			--dport 1194 -t 3600 &&
		ns conntrack -I -p udp -s 192.0.2.8 -d 192.0.2.9 --sport 5000 \
			--dport 1194 -t 3600 &&
		says "$LEFT.*translate udp to $D4" &&
		says "$LEFT.*translate tcp to $D6" &&
		says "$LEFT.*udp to $D4 port 1194" &&
		[ "$(check | grep -cE "$LEFT")" = 3 ]
}
entries_are_mended() {
	mend_all "$LEFT" && [ "$(ns conntrack -C)" = 1 ]
}

TRACKED='^warning: conntrack is active and no notrack rule'
track() {
	ns nft -f - <<-EOF
	table inet f {
		chain in {
			type filter hook input priority 0;
			ct state established accept
		}
	}
	EOF
}
tracking_is_found() {
	silent "$TRACKED" && track && [ "$(check | grep -c "$TRACKED")" = 4 ]
}
tracking_without_nft_is_found() {
	ns iptables-legacy -t nat -A POSTROUTING -o eth0 -j MASQUERADE &&
		says "$TRACKED.*to $D4" && says "$TRACKED.*from $D4" &&
		silent "$TRACKED.*$D6"
}
firewall() {
	sed "s/2001:db8:ffff::1/$D6/" conf/firewall.nft >"$LAB_DIR/fw.nft"
	ns nft -c -f "$LAB_DIR/fw.nft" && ns nft -f "$LAB_DIR/fw.nft"
}
firewall_iptables() { # "" or -legacy, -nft
	RESTORE4=iptables$1-restore RESTORE6=ip6tables$1-restore \
		ns sh conf/firewall-iptables.sh --test &&
		RESTORE4=iptables$1-restore RESTORE6=ip6tables$1-restore \
			ns sh conf/firewall-iptables.sh
}
example_is_enough() {
	"$@" && silent "$TRACKED" && silent "$NAT"
}

ROUTE='^warning: an IPv. route'
route_is_found() {
	silent "$ROUTE" &&
		ns ip link add dsl type veth peer name dsl-out &&
		ns ip addr add 192.0.2.1/24 dev dsl &&
		ns ip link set dsl up && ns ip link set dsl-out up &&
		silent "$ROUTE" &&
		ns ip route add default via 198.51.100.254 dev eth0 &&
		ns ip route add 10.0.0.0/8 via 192.0.2.254 dev dsl &&
		silent "$ROUTE" &&
		ns ip route add default via 192.0.2.254 dev dsl metric 9 &&
		says 'IPv4 route \(default\) leaves by dsl' &&
		ns ip -6 route add 2000::/3 dev dsl &&
		says 'IPv6 route \(2000::/3\) leaves by dsl' &&
		[ "$(check | grep -cE "$ROUTE")" = 2 ]
}
member_prefixes_are_no_way_out() {
	ns ip route del default dev dsl && ns ip -6 route del 2000::/3 &&
		ns ip tuntap add tunudp mode tun && ns ip link set tunudp up &&
		ns ip addr add 2001:db8:2::1/64 dev tunudp nodad &&
		ns ip route add 203.0.113.10/32 dev tunudp &&
		ns ip route add 2001:db8:100::/48 via 2001:db8:2::a dev tunudp &&
		silent "$ROUTE"
}

interface_is_found() {
	silent "does not exist" && silent "load will refuse" &&
		ns ip link set eth0 down && ns ip link set eth0 name wan &&
		says "interface eth0 does not exist" &&
		ns ip link set wan name eth0 && ns ip link set eth0 up &&
		ns build/anyport check -c "$LAB_DIR/lo.conf" |
		grep -q "lo is the loopback interface.*: load will refuse"
}

address_is_found() {
	silent 'is on no interface' && ns ip addr del $D6/64 dev eth0 &&
		says "address $D6 is on no interface"
}

needs_root() {
	ns setpriv --reuid=65534 --regid=65534 \
		--clear-groups build/anyport check \
		-c tests/fixtures/door.conf | grep -q 'needs root'
}

setup || { echo "Bail out! no namespace"; exit 1; }
ok "listeners and what the door does with them" listeners_are_named
for i in iptables-nft iptables-legacy; do
	ok "$i DNAT is named, its command removes it" \
		dnat_is_found_and_mended $i $D4 $D4
	ok "ip6${i#ip} DNAT is named, its command removes it" \
		dnat_is_found_and_mended ip6${i#ip} $D6 "[$D6]"
done
ok "redirect of nft is named, its command removes it" redirect_of_nft_is_found
clear_rules >/dev/null 2>&1
ok "old conntrack entries are named" entries_are_found
ok "their commands remove them and no other" entries_are_mended
ok "conntrack without notrack rules is named" tracking_is_found
ok "the commands named make it untracked" mend_all "$TRACKED"
clear_rules >/dev/null 2>&1
ok "conntrack by iptables-legacy, IPv4 alone" tracking_without_nft_is_found
ok "conf/firewall.nft is enough" example_is_enough firewall
clear_rules >/dev/null 2>&1
for i in -legacy -nft; do
	ok "conf/firewall-iptables.sh is enough, iptables$i" \
		example_is_enough firewall_iptables $i
	clear_rules >/dev/null 2>&1
done
ok "a way out around the door is named" route_is_found
ok "routes to members are none" member_prefixes_are_no_way_out
ok "an address that nothing holds is named" address_is_found
sed "s/^interface = .*/interface = lo/" tests/fixtures/door.conf >"$LAB_DIR/lo.conf"
ok "an interface that is none, or is no uplink, is named" interface_is_found
ok "what needs root is said" needs_root
# shellcheck disable=SC2086
kill $pids 2>/dev/null
ip netns del $NS
tap_done
