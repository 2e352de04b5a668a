#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Real members through the door over a line that loses their first answers, and
# over a bad one: 5 % of all packets are lost and a quarter overtakes others, in
# both directions. They get in, by UDP and TCP, IPv4 and IPv6; what they transfer
# inside the tunnel arrives as it was.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

MEMBERS=("udp 443 $SRV4 4" "udp 53 $SRV6 6" "tcp 443 $SRV4 4" "tcp 993 $SRV6 6")

# The first answer to each member's port. The door has made a flow by then, and
# the same first packet comes again. OpenVPN repeats its own after two seconds and
# gives up after four: to lose its first packet as well would be too much.
lose_answers() {
	within net nft -f - <<-EOF
	table inet line {
		set answered {
			type inet_proto . inet_service . inet_service
			size 1024
			flags dynamic
		}
		counter lost { }
		chain forward {
			type filter hook forward priority filter
			oifname carol0 meta l4proto { tcp, udp } \
				meta l4proto . th sport . th dport != @answered \
				add @answered { meta l4proto . th sport . th dport } \
				counter name lost drop
		}
	}
	EOF
}

# For each of them at least; who tries again is answered at another port.
answers_lost() {
	within net nft list counter inet line lost
	[ "$(within net nft -j list counter inet line lost |
		jq '.nftables[].counter | select(.).packets')" -ge ${#MEMBERS[@]} ]
}

without_answers() {
	local n=0 proto port address family member
	ok "the line loses first answers" lose_answers
	for member in "${MEMBERS[@]}"; do
		read -r proto port address family <<<"$member"
		n=$((n + 1))
		client_start "a$n" carol "$proto" "$port" "$address"
		ok_begin "$proto $port, IPv$family: connected without the first answer" \
			lab_up "a$n" 40
	done
	ok_all
	ok "first answers were lost" answers_lost
	for ((n = 1; n <= ${#MEMBERS[@]}; n++)); do
		lab_end "a$n"
	done
	within net nft delete table inet line
}

has_netem() {
	ip link add probe0 type veth peer name probe1 &&
		tc qdisc add dev probe0 root netem loss 5% 2>/dev/null &&
		ip link delete probe0
}

# On the Internet's side of the line, so that what the door sees has lost and
# reordered packets already, and what it sends loses them afterwards.
bad_line() {
	within net tc qdisc add dev srv0 root netem delay 4ms reorder 75% 50% loss 5% &&
		within net tc qdisc add dev carol0 root netem delay 4ms \
			reorder 75% 50% loss 5%
}

# Packets that netem has dropped on the way in (srv0) or out (carol0).
dropped() { # DEVICE
	within net tc -s -j qdisc show dev "$1" | jq '.[0].drops'
}

line_is_bad() {
	within net tc -s qdisc show dev srv0
	within net tc -s qdisc show dev carol0
	[ "$(dropped srv0)" -gt 0 ] && [ "$(dropped carol0)" -gt 0 ]
}

# Of 100 pings through the tunnel at least 70 come back: 5 % each way.
pings() { # NAME 4|6
	local to=$TUN4 out got
	[ "$2" = 4 ] || to=$TUN6
	out=$(within carol ping -n -q -I "$(client_tun "$1")" -c 100 -i 0.05 \
		-w $((20 * LAB_PATIENCE)) "$to")
	echo "$out"
	got=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' <<<"$out")
	[ "${got:-0}" -ge 70 ]
}

# 64 KiB by TCP inside the tunnel, compared.
arrives() { # NAME
	local sum
	sum=$(sha256sum <"$LAB_DIR/data")
	: >"$LAB_DIR/got"
	lab_run take srv socat -u TCP4-LISTEN:7777,reuseaddr \
		"OPEN:$LAB_DIR/got,trunc"
	until_true 5 listens
	within carol timeout $((40 * LAB_PATIENCE)) socat -u "$LAB_DIR/data" \
		"TCP4:$TUN4:7777,so-bindtodevice=$(client_tun "$1")"
	until_true 10 eval '! lab_runs take'
	lab_end take
	ls -l "$LAB_DIR/got"
	[ "$(sha256sum <"$LAB_DIR/got")" = "$sum" ]
}

listens() { [ -n "$(within srv ss -ltnH 'sport = 7777')" ]; }

on_a_bad_line() {
	local n=0 name proto port address family member
	ok "the line loses 5 % and reorders" bad_line
	for member in "${MEMBERS[@]}"; do
		read -r proto port address family <<<"$member"
		n=$((n + 1)) name="$proto $port, IPv$family"
		client_start "m$n" carol "$proto" "$port" "$address"
		ok "$name: connected" lab_up "m$n" 60
		ok "$name: pings" pings "m$n" "$family"
		ok "$name: 64 KiB arrive as they were" arrives "m$n"
		ok "$name: still the same session" test \
			"$(grep -c 'Initialization Sequence Completed' "$LAB_DIR/m$n.log")" = 1
		lab_end "m$n"
	done
	ok "packets were lost both ways" line_is_bad
}

lab_start && servers_start && door_open || exit
head -c 65536 /dev/urandom >"$LAB_DIR/data"
without_answers
if has_netem; then
	on_a_bad_line
else
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N # SKIP this kernel has no netem (sch_netem)"
fi
ok "the server's kernel saw no wrong checksum" test "$(checksum_errors srv)" = 0
tap_done
