# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# What sends any port to OpenVPN in the lab. LAB_DOOR chooses it: anyport; dnat,
# the iptables rules that anyport replaces, to compare with; none, with which
# the tests have to fail.

LAB_DOOR=${LAB_DOOR:-anyport}
ANYPORT=$LAB_TREE/build/anyport
DOOR_CONF=${LAB_DIR:?}/anyport.conf

anyport() {
	within srv "$ANYPORT" "$@"
}

# The lab's configuration; $1: more lines for the end of it.
door_conf() {
	cat >"$DOOR_CONF" <<-EOF
	[door]
	interface = eth0
	address = $SRV4
	address = $SRV4B
	address = $SRV6
	address = $SRV6B
	[udp]
	target = 1194
	[tcp]
	target = 1194
	pass = 22
	${1:-}
	EOF
}

door_open() { # [configuration lines]
	case $LAB_DOOR in
	anyport) door_conf "${1:-}" && anyport load -c "$DOOR_CONF" ;;
	dnat) door_dnat ;;
	none) ;;
	*) lab_fail "LAB_DOOR=$LAB_DOOR: anyport, dnat or none" ;;
	esac
}

door_dnat() { # ["-legacy"]
	local a p v=${1:-}
	for a in $SRV4 $SRV4B; do
		within srv "iptables$v" -w -t nat -A PREROUTING -d "$a" -p tcp \
			--dport 22 -j ACCEPT
		for p in udp tcp; do
			within srv "iptables$v" -w -t nat -A PREROUTING -d "$a" \
				-p $p --dport 1:65535 -j DNAT \
				--to-destination "$a:1194"
		done
	done
	for a in $SRV6 $SRV6B; do
		for p in udp tcp; do
			within srv "ip6tables$v" -w -t nat -A PREROUTING -d "$a" \
				-p $p --dport 1:65535 -j DNAT \
				--to-destination "[$a]:1194"
		done
	done
}
