# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# The second part of the demo: a member with fixed addresses moves from UDP to
# TCP while somebody on the Internet pings it. To be sourced by demo.sh.

# shellcheck source=tests/lab/hook.sh
. tests/lab/hook.sh

# Of pings every 10 ms: replies, replies lost, the longest run of those in ms.
move_count() { # ping's output
	awk -F'icmp_seq=' '/icmp_seq=/ { split($2, a, " "); n++; s = a[1] + 0
		if (s > last + 1 && s - last - 1 > gap) gap = s - last - 1
		if (s > last) last = s }
		END { print n + 0, last - n, gap * 10 }' "$1"
}

move_start() {
	hook_install && hook_account alice 10 && hook_server udp &&
		hook_server tcp && hook_client move-udp alice alice udp 443 &&
		lab_up move-udp 20 && until_true 5 far_ping 203.0.113.10
}

move_show() {
	ip -n srv route show 203.0.113.10 | sed 's/^/  /'
	ip -n srv -6 route show 2001:db8:2::a | sed 's/^/  /'
	ip -n srv -6 route show 2001:db8:10a::/48 | sed 's/^/  /'
}

# With the door open and no OpenVPN servers running.
move() {
	local got lost gap
	step "A member with fixed addresses moves from UDP 443 to TCP 443"
	if ! move_start >"$LAB_DIR/move.log" 2>&1; then
		sed 's/^/  /' "$LAB_DIR/move.log" | tail -n 5
		failed+=("moving: alice did not get online")
		return
	fi
	move_show
	lab_run ping net ping -n -i 0.01 -I "$FAR4" 203.0.113.10
	lab_sleep 1
	hook_client move-tcp alice alice tcp 443
	lab_up move-tcp 20 || failed+=("moving: no connection on TCP 443")
	lab_sleep 0.5
	lab_end move-udp
	lab_sleep 1
	lab_end ping
	grep -h 'alice .*: ' "$LAB_DIR/udp.log" "$LAB_DIR/tcp.log" |
		sed -n 's/^anyport-hook: /  /p'
	move_show
	read -r got lost gap < <(move_count "$LAB_DIR/ping.log")
	echo "  a ping every 10 ms from $FAR4: $got answered, $lost lost;" \
		"the longest gap $gap ms"
	hook_on 10 tuntcp || failed+=("moving: the routes are not on tcp")
	if [ "$got" -lt 100 ] || [ "$gap" -gt 3000 ]; then
		failed+=("moving: $got replies, a gap of $gap ms")
	fi
	umount /etc
}
