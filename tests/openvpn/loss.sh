#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Real members through the door over a bad line: 5 % of all packets are lost and
# a quarter overtakes others, in both directions. They get in, by UDP and TCP,
# IPv4 and IPv6; what they transfer inside the tunnel arrives as it was.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

if ! ip link add probe0 type veth peer name probe1 ||
	! tc qdisc add dev probe0 root netem loss 5% 2>/dev/null; then
	echo "ok 1 # SKIP this kernel has no netem (sch_netem)"
	echo 1..1
	exit 0
fi
ip link delete probe0

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

lab_start && servers_start && door_open || exit
head -c 65536 /dev/urandom >"$LAB_DIR/data"
ok "the line loses 5 % and reorders" bad_line
n=0
for member in "udp 443 $SRV4 4" "udp 53 $SRV6 6" "tcp 443 $SRV4 4" "tcp 993 $SRV6 6"; do
	read -r proto port address family <<<"$member"
	n=$((n + 1))
	client_start "m$n" carol "$proto" "$port" "$address"
	ok "$proto $port, IPv$family: connected" lab_up "m$n" 60
	ok "$proto $port, IPv$family: pings" pings "m$n" "$family"
	ok "$proto $port, IPv$family: 64 KiB arrive as they were" arrives "m$n"
	ok "$proto $port, IPv$family: still the same session" test \
		"$(grep -c 'Initialization Sequence Completed' "$LAB_DIR/m$n.log")" = 1
	lab_end "m$n"
done
ok "packets were lost both ways" line_is_bad
ok "the server's kernel saw no wrong checksum" test "$(checksum_errors srv)" = 0
tap_done
