#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Real members move between the instances: wherever a member is, its addresses
# are, whatever order the instances' disconnects come in.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/hook.sh
. tests/lab/hook.sh
trap 'umount /etc' EXIT

KEEP="--keepalive 1 4"
# shellcheck disable=SC2086
lab_start && hook_install && hook_server udp $KEEP && hook_server tcp --keepalive 1 60 &&
	door_open || exit
# The stock firewall, and a service that it has to hide
sed "s/2001:db8:ffff::1/$SRV6/" conf/firewall.nft >"$LAB_DIR/firewall.nft"
within srv nft -f "$LAB_DIR/firewall.nft" || exit
lab_run service srv socat TCP4-LISTEN:5432,fork,reuseaddr "SYSTEM:echo secret"
hook_account alice 10
hook_account bob 11
ip -n alice address add 2001:db8:10a::1/128 dev lo
ip -n bob address add 2001:db8:10b::1/128 dev lo

up() { ok "$1 is connected" lab_up "$1" "${2:-20}"; }
on() { ok "$1" until_true "${4:-5}" hook_on "$2" "$3"; }
stays() { ok "$1" hook_on "$2" "$3"; }
# The UDP instance has given up the session that was left
left() { # INSTANCE
	ok "$1 has noticed" until_true 25 log_has "$1" " left $1: routes"
	: >"$LAB_DIR/$1.log"
}
forget() { : >"$LAB_DIR/udp.log"; : >"$LAB_DIR/tcp.log"; }

HOOK_BIND="--lport 5555" hook_client au alice alice udp 443
hook_client bt bob bob tcp 443
up au; up bt
stays "alice on udp" 10 tunudp
stays "bob on tcp" 11 tuntcp
for a in 203.0.113.10 2001:db8:2::a 2001:db8:10a::1 203.0.113.11 2001:db8:2::b 2001:db8:10b::1; do
	ok "from the Internet to $a" far_ping $a
done
asks() { # NS ADDRESS
	local line=
	# shellcheck disable=SC2016
	line=$(within "$1" timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/5432" && read -r line <&3 && echo "$line"' "$2" 2>/dev/null)
	[ "$line" = secret ]
}
not() { ! "$@"; }
ok "a service listens on 0.0.0.0:5432" asks srv 127.0.0.1
ok "from the Internet nobody gets to it" not asks carol "$SRV4"
ok "nor from inside the tunnel" not asks alice "$TUN4"
ok "alice on udp reaches bob on tcp" within alice ping -q -c 3 -i 0.2 -W 3 203.0.113.11
ok "and by IPv6" within alice ping -q -c 3 -i 0.2 -W 3 2001:db8:2::b
ok "the ledger is OpenVPN's user's" test "$(stat -c %U /run/anyport/sessions/alice)" = openvpn

# udp -> tcp, late disconnect of udp
lab_end au KILL
hook_client at alice alice tcp 443
up at
stays "moved to tcp" 10 tuntcp
ok "from the Internet to alice on tcp" far_ping 203.0.113.10
left udp
stays "the late disconnect of udp changes nothing" 10 tuntcp
ok "alice is still reached" far_ping 2001:db8:10a::1

# tcp -> udp, tcp closes first
forget
lab_end at KILL
on "tcp closed: no session, no routes" 10 ""
HOOK_BIND="--lport 5555" hook_client au alice alice udp 53
up au
stays "on udp again" 10 tunudp

# udp -> tcp -> udp from the same port, while udp still has the old session:
# no connect event comes, and tcp closes at once. OpenVPN answers a second request
# for the configuration in one session only after 30 s.
forget
lab_end au KILL
hook_client at alice alice tcp 53
up at
stays "moved to tcp" 10 tuntcp
lab_end at KILL
HOOK_BIND="--lport 5555" hook_client au alice alice udp 53
up au 50
on "back on udp without a connect event" 10 tunudp
ok "there was none" test "$(grep -c 'alice from .* on udp' "$LAB_DIR/udp.log")" = 0
ok "alice is reached" far_ping 203.0.113.10

# the same, but tcp does not notice: its client is only stopped
forget
lab_end au KILL
hook_client at alice alice tcp 53
up at
stays "moved to tcp" 10 tuntcp
kill -STOP "${LAB_PID[at]}"
ip -n alice link set tun-at down
HOOK_BIND="--lport 5555" hook_client au alice alice udp 53
up au 50
ok "udp reset in place: no connect event" test "$(grep -c 'alice from .* on udp' "$LAB_DIR/udp.log")" = 0
member_talks() {
	within alice ping -q -c 1 -W 1 203.0.113.1
	within srv setpriv --reuid=openvpn --regid=openvpn --clear-groups \
		$HOOK reconcile >>"$LAB_DIR/reconcile" 2>&1
	hook_on 10 tunudp && return
	lab_sleep 2
	false
}
ok "reconcile gives udp the routes, by what it says" until_true 60 member_talks
ok "reconcile says why" grep -q "alice: on udp the member is back there" "$LAB_DIR/reconcile"
ok "alice is reached" far_ping 203.0.113.10
kill -CONT "${LAB_PID[at]}"; lab_end at KILL
left tcp
stays "the late disconnect of tcp changes nothing" 10 tunudp

# OpenVPN is killed and comes back
forget
lab_end udp KILL
on "killed: no routes, no device" 10 ""
# shellcheck disable=SC2086
hook_server udp $KEEP
ok "alice comes back by herself" until_true 40 hook_on 10 tunudp
ok "and is reached" until_true 10 far_ping 203.0.113.10

# two clients fight over one name
forget
hook_client carol alice carol tcp 993
up carol
stays "the newer one has the routes" 10 tuntcp
lab_end carol KILL
on "when it goes, the other has them again" 10 tunudp
hook_client carol alice carol udp 500
up carol
stays "on one instance: the newer one's" 10 tunudp
lab_end au KILL
lab_end carol TERM
on "both gone: no routes" 10 "" 25

# hostile names, unknown names, addresses in use
for name in dora '../a b$x"q' mallory; do
	[ "$name" != mallory ] || cp /etc/openvpn/users/bob /etc/openvpn/users/mallory
	dir=$LAB_DIR/member/refused
	rm -rf "$dir"; mkdir -p "$dir"
	cp "$LAB_DIR/pki/ca-servers.crt" "$LAB_DIR/pki/tls-crypt.key" "$dir"
	(cd "$dir" && pki_cert ca-members "${name//\//\\/}" member clientAuth)
	forget
	hook_client refused refused carol udp 1194
	ok "$name is refused" until_true 20 log_has refused AUTH_FAILED
	ok "$name: a line says why" grep -q 'anyport-hook: .*refused' "$LAB_DIR/udp.log"
	lab_end refused
done
stays "bob, whose address mallory wanted, has it" 11 tuntcp
lab_end bt TERM
on "bob left" 11 "" 15
lab_end udp TERM; lab_end tcp TERM
ok "nothing is left" test -z "$(ls -A /run/anyport/sessions | grep -v '^[@.]')"
ok "OpenVPN took every line" test "$(grep -cE 'cannot be used in this context|Unrecognized option|RESOLVE' "$LAB_DIR"/udp.log "$LAB_DIR"/tcp.log | grep -vc ':0$')" = 0
tap_done 43 44
