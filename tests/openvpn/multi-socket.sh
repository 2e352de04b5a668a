#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# OpenVPN 2.7 with UDP and TCP in one process, from the shipped file, behind the
# door and with the hook: members on both at once, one who moves from UDP to TCP
# and back. Without the kernel's data channel, and with it where the kernel has
# the module ovpn.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/hook.sh
. tests/lab/hook.sh
trap 'umount /etc 2>/dev/null' EXIT
OPENVPN=$LAB_TREE/build/vm/openvpn/openvpn
BOTH=/run/anyport/status/udp-tcp.log
SEEN=0	# characters of the server's log that were there before

skip() {
	echo "ok 1 # SKIP $1"
	echo 1..1
	exit 0
}

both_start() { # [OPTION ...]
	install -m 0640 -o openvpn /dev/null $BOTH
	: >"$LAB_DIR/both.log"
	SEEN=0
	cp "$LAB_TREE/conf/openvpn/udp-tcp.conf" "$LAB_DIR/server/"
	# shellcheck disable=SC2016
	lab_run both srv sh -c 'cd "$0" && exec "$@"' "$LAB_DIR/server" \
		setpriv --bounding-set=-all,+ipc_lock,+net_admin,+net_bind_service,+net_raw,+setgid,+setuid,+setpcap,+sys_chroot,+dac_override,+sys_nice,+audit_write \
		prlimit --nproc=20 \
		"$OPENVPN" --config udp-tcp.conf \
		--machine-readable-output --tmp-dir "$LAB_DIR/tmp" \
		--script-security 2 --setenv OVPN_INSTANCE udp-tcp \
		--client-connect $HOOK --client-disconnect $HOOK --up $HOOK \
		--down $HOOK --status $BOTH 1 "$@"
	lab_up both 15
}

# In the kernel, OpenVPN's device is of the type ovpn and there is no /dev/net/tun.
device_is() { # tun|ovpn
	ip -n srv -d link show tunvpn
	ip -n srv -d -j link show tunvpn |
		jq -e --arg kind "$1" '.[0].linkinfo.info_kind == $kind'
}

one_process() {
	within srv ss -lntup 'sport = 1194'
	[ "$(within srv ss -lntupH 'sport = 1194' | sed 's/.*pid=\([0-9]*\).*/\1/' |
		sort | uniq -c | awk '{ print $1 }')" = 2 ]
}

serving() {
	anyport status
	local rc=$?
	[ $rc -le 1 ] && anyport status | grep -q 'udp 1194: openvpn listens' &&
		anyport status | grep -q 'tcp 1194: openvpn listens'
}

# Both ways between the member and a host on the Internet, by both families:
# answers to the member's own, and what is forwarded to the member.
both_ways() { # ID NS N
	local to
	for to in "203.0.113.$3" "$(printf 2001:db8:2::%x "$3")" \
		"$(printf 2001:db8:1%02x::1 "$3")"; do
		far_ping "$to" || return
	done
	for to in $FAR4 $FAR6; do
		within "$2" ping -n -q -I "tun-$1" -c 3 -i 0.2 -W 3 "$to" || return
	done
}

# How the member came, in the status file's own words.
status_says() { # NAME PREFIX
	cat $BOTH
	awk -F'\t' -v name="$1" -v want="$2" '
	$1 == "CLIENT_LIST" && $2 == name { found = index($3, want) == 1 }
	END { exit !found }' $BOTH
}

# What the hook has said since the last call
hook_said() { # TEXT
	local text
	text=$(tail -c +$((SEEN + 1)) "$LAB_DIR/both.log")
	grep 'anyport-hook' <<<"$text"
	grep -q "$1" <<<"$text"
}
forget() { SEEN=$(stat -c %s "$LAB_DIR/both.log"); }

# The routes, after the hook has heard of it.
on() { # WHAT TEXT
	ok "$1: the hook was told" until_true 10 hook_said "$2"
	ok "$1: the routes are on the one device" until_true 5 hook_on 10 tunvpn
}

moves() { # MODE
	ok "$1: alice on UDP 443" lab_up au 20
	on "$1: alice on UDP" 'alice from .* on udp-tcp: .* routed to tunvpn'
	ok "$1: bob on TCP 443" lab_up bt 20
	ok "$1: bob's routes" until_true 5 hook_on 11 tunvpn
	ok "$1: carol on UDP 53, IPv6" lab_up carol 20
	ok "$1: alice and the Internet, both ways" both_ways au alice 10
	ok "$1: bob and the Internet, both ways" both_ways bt bob 11
	ok "$1: carol and the server" server_answers
	ok "$1: carol and the Internet, both ways" both_ways carol carol 12
	ok "$1: alice on UDP reaches bob on TCP" within alice ping -q -c 3 \
		-i 0.2 -W 3 203.0.113.11
	ok "$1: the status file says udp" until_true 5 status_says alice udp
	ok "$1: and tcp" until_true 5 status_says bob tcp
	ok "$1: reconcile has nothing to do" in_order

	forget
	hook_client at alice alice tcp 443
	ok "$1: UDP to TCP: connected" lab_up at 20
	on "$1: UDP to TCP" 'alice from .* on udp-tcp: .* routed to tunvpn'
	ok "$1: UDP to TCP: the old session was ended first" hook_said \
		'alice from .* left udp-tcp'
	lab_end au KILL
	ok "$1: UDP to TCP: both ways" both_ways at alice 10

	forget
	hook_client au2 alice alice udp 500
	ok "$1: TCP to UDP: connected" lab_up au2 20
	on "$1: TCP to UDP" 'alice from .* on udp-tcp: .* routed to tunvpn'
	lab_end at KILL
	ok "$1: TCP to UDP: both ways" both_ways au2 alice 10

	lab_end au2; lab_end bt; lab_end carol
	ok "$1: all gone: no routes" until_true 20 gone
	lab_end both
	ok "$1: nothing is left" nothing_left
}

server_answers() {
	within carol ping -n -q -I tun-carol -c 3 -i 0.2 -W 3 $TUN4 &&
		within carol ping -n -q -I tun-carol -c 3 -i 0.2 -W 3 $TUN6
}

not_yet() { # NAME REASON
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $1 # SKIP $2"
}

in_order() {
	within srv setpriv --reuid=openvpn --regid=openvpn --clear-groups \
		$HOOK reconcile --dry-run
}

gone() { hook_on 10 "" && hook_on 11 "" && hook_on 12 ""; }

nothing_left() {
	ls -A /run/anyport/sessions
	! ls -d /run/anyport/sessions/[a-z]*
}

members() {
	hook_client au alice alice udp 443
	hook_client bt bob bob tcp 443
	HOOK_TO=$SRV6 hook_client carol carol carol udp 53
}

[ -x "$OPENVPN" ] ||
	skip "OpenVPN 2.7 is not here: tests/vm/openvpn.sh build/vm/openvpn brings it"
# shellcheck disable=SC2119 # the hook wants no more lines
lab_start && hook_install && lab_offload off || exit
sed -i 's/^device = tunudp/device = tunvpn/; /^device = tuntcp/d
	s/^status = udp .*/status = udp-tcp \/run\/anyport\/status\/udp-tcp.log/
	/^status = tcp /d' /etc/anyport/anyport.conf
hook_account alice 10; hook_account bob 11; hook_account carol 12
for n in "alice a" "bob b" "carol c"; do
	ip -n "${n% *}" address add "2001:db8:10${n#* }::1/128" dev lo
done
door_open || exit

ok "OpenVPN 2.7 starts" both_start --disable-dco
ok "one process listens on both" one_process
ok "the door sees it" serving
ok "its device is a tun" device_is tun
members
moves "tun"
# The module answers to OpenVPN's family of netlink, not to "ip link".
modprobe -q ovpn 2>/dev/null
if ip link add probe type ovpn 2>/dev/null; then
	ip link delete probe
	ok "OpenVPN 2.7 starts with the kernel's data channel" both_start
	ok "its device is the kernel's" device_is ovpn
	members
	moves "kernel"
else
	not_yet kernel "this kernel has no data channel for OpenVPN (ovpn, 6.16)"
fi
tap_done
