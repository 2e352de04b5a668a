#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The firewall examples on a live door: they let members in on any port, whose
# sockets have OpenVPN's mark, and nobody to a service that listens on 0.0.0.0;
# the host's own queries and masqueraded clients get their answers.
set -u
LAB_DIR=$(mktemp -d /tmp/anyport-test.XXXXXX)
trap 'rm -rf "$LAB_DIR"' EXIT
. tests/lab/tap.sh

D4=198.51.100.1 D6=2001:db8:ffff::1 M4=198.51.100.9 M6=2001:db8:ffff::9
SRV=fw-server NET=fw-net MEMBER=fw-member
RESET=3841424344454647480000000000
TOOLS=build/tests/tools
pids=

within() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}
serve() {
	local ns=$1
	shift
	pids="$pids $(within "$ns" $TOOLS/serve "$@")"
}
say() { within $NET timeout 3 $TOOLS/say "$@"; }
hears() { # text, say's arguments
	local want=$1 got
	shift
	got=$(say "$@")
	echo "say $*: $got"
	[ "$got" = "$want" ]
}
deaf() {
	! say "$@"
}

setup() {
	local ns
	for ns in $SRV $NET $MEMBER; do
		ip netns add $ns && within $ns ip link set lo up || return 1
	done
	ip link add eth0 netns $SRV type veth peer name eth0 netns $NET &&
		ip link add m0 netns $SRV type veth peer name m0 netns $MEMBER &&
		within $SRV ip addr add $D4/24 dev eth0 &&
		within $SRV ip addr add $D6/64 dev eth0 nodad &&
		within $SRV ip addr add 10.8.0.1/24 dev m0 &&
		within $NET ip addr add $M4/24 dev eth0 &&
		within $NET ip addr add $M6/64 dev eth0 nodad &&
		within $MEMBER ip addr add 10.8.0.2/24 dev m0 &&
		for ns in $SRV $NET; do
			within $ns ip link set eth0 up || return 1
		done &&
		within $SRV ip link set m0 up &&
		within $MEMBER ip link set m0 up &&
		within $MEMBER ip route add default via 10.8.0.1 &&
		echo 1 | within $SRV tee /proc/sys/net/ipv4/ip_forward &&
		within $SRV build/anyport load -c tests/fixtures/door.conf
}

services() {
	serve $SRV -m 169 -n openvpn tcp :: 1194 members
	serve $SRV -m 169 -n stunnel tcp 127.0.0.1 4443 wrapped
	serve $SRV -m 169 -n stunnel tcp ::1 4443 wrapped
	serve $SRV -n openvpn udp :: 1194 members
	serve $SRV -n postgres tcp 0.0.0.0 5432 secret
	serve $SRV -n postgres tcp :: 5433 secret
	serve $SRV -n unbound udp 0.0.0.0 5353 secret
	serve $SRV -n sshd tcp :: 22 ssh
	serve $NET udp $M4 53 resolver
	serve $NET udp $M6 53 resolver
	serve $NET tcp $M4 80 web
}

any_tcp_port() {
	local d p
	for d in $D4 $D6; do
		for p in 1 80 993 1194 8443 65535; do
			hears members tcp $d $p || return 1
		done
		hears wrapped tcp $d 443 || return 1
	done
}
any_udp_port() {
	local d p
	for d in $D4 $D6; do
		for p in 1 53 443 1194 4500 65535; do
			hears members udp $d $p $RESET || return 1
		done
	done
}
services_are_open() {
	hears secret tcp $D4 5432 && hears secret tcp $D6 5433 &&
		hears secret udp $D4 5353 $RESET
}
services_are_hidden() {
	deaf tcp $D4 5432 && deaf tcp $D4 5433 && deaf tcp $D6 5433 &&
		deaf udp $D4 5353 $RESET
}
ssh_is_open() { hears ssh tcp $D4 22 && hears ssh tcp $D6 22; }

own_queries() {
	[ "$(within $SRV $TOOLS/say udp $M4 53 00)" = resolver ] &&
		[ "$(within $SRV $TOOLS/say udp $M6 53 00)" = resolver ] &&
		[ "$(within $SRV $TOOLS/say tcp $M4 80)" = web ] &&
		within $SRV ping -c1 -W1 $M4 && within $NET ping -c1 -W1 $D6
}

# Source port 1194 and all: the answers come back, from nat-ports alone.
masqueraded() {
	[ "$(within $MEMBER $TOOLS/say -p 1194 udp $M4 53 00)" = resolver ] &&
		[ "$(within $MEMBER $TOOLS/say -p 443 tcp $M4 80)" = web ] ||
		return 1
	within $SRV conntrack -L -s 10.8.0.2 | tee "$LAB_DIR/ct"
	[ "$(grep -c . "$LAB_DIR/ct")" = 2 ] &&
		sed 's/.* dport=\([0-9]*\) .*/\1/' "$LAB_DIR/ct" |
		while read -r port; do
			[ "$port" -ge 32768 ] && [ "$port" -le 60999 ] || exit 1
		done
}

door_is_untracked() {
	within $SRV conntrack -F && any_udp_port &&
		[ -z "$(within $SRV conntrack -L -p udp)" ] &&
		[ -z "$(within $SRV conntrack -L -f ipv6 -p udp)" ]
}

# A connection from before the rules, of which conntrack knows nothing.
survives() { # firewall ...
	within $NET bash -c "
		exec 3<>/dev/tcp/$D4/81 4<>/dev/tcp/$D6/81 &&
		read -rt 2 a <&3 && read -rt 2 a <&4 && echo up &&
		read -r go && echo >&3 && echo >&4 &&
		read -rt 2 a <&3 && [ \$a = members ] &&
		read -rt 2 a <&4 && [ \$a = members ] && echo still up" \
		<"$LAB_DIR/go" >"$LAB_DIR/said" &
	local client=$! i
	exec 9>"$LAB_DIR/go"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		grep -q up "$LAB_DIR/said" && break
		sleep 0.2
	done
	"$@" && within $SRV conntrack -F
	echo go >&9
	exec 9>&-
	wait $client
	cat "$LAB_DIR/said"
	grep -q 'still up' "$LAB_DIR/said"
}

by_nft() { within $SRV nft -f conf/firewall.nft; }
by_iptables() { # -legacy, -nft
	RESTORE4=iptables$1-restore RESTORE6=ip6tables$1-restore \
		within $SRV sh conf/firewall-iptables.sh
}
no_rules() {
	local i t
	within $SRV nft flush ruleset
	for i in iptables-legacy ip6tables-legacy; do
		within $SRV $i -P INPUT ACCEPT
		for t in nat raw filter; do
			within $SRV $i -t $t -F
		done
	done
	within $SRV conntrack -F
} >/dev/null 2>&1
status_agrees() { within $SRV build/anyport status; }

setup >"$LAB_DIR/setup" 2>&1 || {
	sed 's/^/# /' "$LAB_DIR/setup"
	echo "Bail out! no namespaces, or no door"
	exit 1
}
mkfifo "$LAB_DIR/go"
services
ok "without a firewall: any TCP port" any_tcp_port
ok "without a firewall: any UDP port" any_udp_port
ok "without a firewall: local services show through" services_are_open
for how in by_nft "by_iptables -legacy" "by_iptables -nft"; do
	# shellcheck disable=SC2086
	ok "$how: connections from before go on" survives $how
	ok "$how: any TCP port, both families" any_tcp_port
	ok "$how: any UDP port, both families" any_udp_port
	ok "$how: local services are hidden" services_are_hidden
	ok "$how: SSH" ssh_is_open
	ok "$how: the host's own queries and ping" own_queries
	ok "$how: masqueraded clients, from nat-ports" masqueraded
	ok "$how: no conntrack entry for the door's UDP" door_is_untracked
	ok "$how: status has nothing to say against it" status_agrees
	echo 2 | within $SRV tee /proc/sys/net/ipv4/tcp_syncookies >/dev/null
	ok "$how: any TCP port with forced SYN cookies" any_tcp_port
	echo 1 | within $SRV tee /proc/sys/net/ipv4/tcp_syncookies >/dev/null
	no_rules
done
# shellcheck disable=SC2086
kill $pids 2>/dev/null
for ns in $SRV $NET $MEMBER; do
	ip netns del $ns
done
tap_done
