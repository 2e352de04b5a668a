# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# Servers of the live rig, each in a network namespace of its own behind a veth
# of this one, so that all of them exist at the same time. To be sourced inside
# tests/sandbox.sh, which takes everything away.
#
# Members' packets arrive with whatever source; answers to them go to a router
# that is not there: its link-layer address is nobody's, and the frame is thrown
# away as soon as it has left the server's side.

RIG_N=0
declare -a RIG_PATHS=()	# as lib/path.h has them
RIG_ROUTER=02:00:00:00:ff:ff
ANYPORT=$PWD/build/anyport

# For the generator to be attached to; see lib/generator.c.
ip link add hold type veth peer name hold-peer

# Whoever else sends into a veth may take its NAPI to the other processor, where
# it stays as long as frames come; then they are more than it can take.
sysctl -qw net.ipv6.conf.default.router_solicitations=0 \
	net.ipv6.conf.default.mldv2_unsolicited_report_interval=100 \
	net.ipv6.conf.default.mldv1_unsolicited_report_interval=100

within() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}

rig_server() { # number
	local n=$1 ns=s$1
	ip netns add "$ns" &&
	ip link add "g$n" type veth peer name eth0 netns "$ns" \
		address 02:00:00:00:00:01 &&
	within "$ns" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 \
		net.ipv6.conf.default.mldv2_unsolicited_report_interval=100 \
		net.ipv4.tcp_rmem="4096 4194304 8388608" \
		net.ipv4.tcp_wmem="4096 4194304 8388608" || return
	# A card's driver has GRO; in a veth it switches NAPI on, which takes
	# redirected frames.
	within "$ns" ethtool -K eth0 gro on &&
	ip -b - <<-EOF && ip -n "$ns" -b - <<-EOF2
	address add 198.18.$n.254/24 dev g$n
	address add 2001:db8:51:$n::fe/64 dev g$n nodad
	link set g$n up
	EOF
	address add 198.18.$n.1/24 dev eth0
	address add 2001:db8:51:$n::1/64 dev eth0 nodad
	link set lo up
	link set eth0 up
	neigh add 198.18.$n.253 dev eth0 lladdr $RIG_ROUTER nud permanent
	neigh add 2001:db8:51:$n::fd dev eth0 lladdr $RIG_ROUTER nud permanent
	route add default via 198.18.$n.253
	route add default via 2001:db8:51:$n::fd
	EOF2
}

# rig_path NAME HOW: adds a path; HOW is a function below.
rig_path() {
	local name=$1 how=$2 port=443 keeper n
	RIG_N=$((RIG_N + 1))
	n=$RIG_N
	case $how in
	none) keeper=none port=1194 ;;
	iptables | nft) keeper=conntrack ;;
	door_limited*) keeper=limited ;;
	door*) keeper=door ;;
	drop) keeper=drop ;;
	*) keeper=none port=1194 ;;
	esac
	if ! rig_server $n || ! "how_${how%%:*}" $n "${how#*:}"; then
		echo "rig: $name cannot be had" >&2
		return 1
	fi
	RIG_PATHS+=("$name,s$n,g$n,$keeper,198.18.$n.1,2001:db8:51:$n::1,$port")
}

how_none() { :; }

# As the README's way back has it.
how_iptables() { # number
	local t to
	for t in iptables-legacy ip6tables-legacy; do
		to=198.18.$1.1 at=$to
		[ $t = iptables-legacy ] ||
			{ to="[2001:db8:51:$1::1]" at=2001:db8:51:$1::1; }
		within "s$1" $t -t nat -A PREROUTING -d "$at" -p tcp --dport 22 -j ACCEPT &&
		within "s$1" $t -t nat -A PREROUTING -d "$at" -p tcp --dport 1:65535 \
			-j DNAT --to-destination "$to:1194" &&
		within "s$1" $t -t nat -A PREROUTING -d "$at" -p udp --dport 1:65535 \
			-j DNAT --to-destination "$to:1194" || return
	done
}

how_nft() { # number
	within "s$1" nft -f - <<-EOF
	table inet door {
		chain in {
			type nat hook prerouting priority dstnat
			ip daddr 198.18.$1.1 tcp dport 22 accept
			ip6 daddr 2001:db8:51:$1::1 tcp dport 22 accept
			ip daddr 198.18.$1.1 meta l4proto { tcp, udp } redirect to :1194
			ip6 daddr 2001:db8:51:$1::1 meta l4proto { tcp, udp } redirect to :1194
		}
	}
	EOF
}

# Room for as many members as conntrack's table has by default; MORE: lines of
# [limits].
rig_load() { # number attach interface more [host]
	local conf=/run/rig-$1.conf
	cat >"$conf" <<-EOF
	[door]
	interface = $3
	address = 198.18.$1.${5:-1}
	address = 2001:db8:51:$1::${5:-1}
	attach = $2
	[udp]
	target = 1194
	[tcp]
	target = 1194
	pass = 22
	[limits]
	established = 262144
	$4
	EOF
	within "s$1" "$ANYPORT" load -c "$conf" >"$conf.log" 2>&1 ||
		{ cat "$conf.log" >&2; return 1; }
}

how_door() { # number attach
	rig_load "$1" "$2" eth0 'resets = off
control = off
data = off'
}

how_door_limited() { # number attach
	rig_load "$1" "$2" eth0 ''
}

# A program that does nothing, or one that drops.
how_empty() { # number native|generic|tc
	case $2 in
	native) within "s$1" ip link set eth0 xdpdrv object "$EMPTY" sec xdp ;;
	generic) within "s$1" ip link set eth0 xdpgeneric object "$EMPTY" sec xdp ;;
	tc) within "s$1" tc qdisc add dev eth0 clsact &&
		within "s$1" tc filter add dev eth0 ingress bpf da object "$EMPTY" sec tc ;;
	esac
}

# What the egress program hangs on; ingress passes by it, too.
how_clsact() { # number
	within "s$1" tc qdisc add dev eth0 clsact
}

# One that reads a line of a table.
how_line() { # number
	within "s$1" ip link set eth0 xdpdrv object "$EMPTY" sec xdp/line
}

how_drop() { # number
	within "s$1" ip link set eth0 xdpdrv object "$EMPTY" sec xdp/drop
}

# A door on another address than the one that is dialled.
how_other() { # number attach
	ip -n "s$1" address add "198.18.$1.2/24" dev eth0 &&
	ip -n "s$1" address add "2001:db8:51:$1::2/64" dev eth0 nodad &&
	rig_load "$1" "$2" eth0 '' 2
}

# A door on another interface: of it sk_lookup alone sees what is sent here.
how_lookup() { # number
	ip -n "s$1" link add eth1 type veth peer name eth2 &&
	ip -n "s$1" link set eth1 up && ip -n "s$1" link set eth2 up &&
	rig_load "$1" native eth1 ''
}

# Every door anew: the flows that it had are gone.
rig_fresh() {
	local conf n
	for conf in /run/rig-*.conf; do
		[ -e "$conf" ] || continue
		n=${conf#/run/rig-}
		n=${n%.conf}
		within "s$n" "$ANYPORT" unload || return
		within "s$n" "$ANYPORT" load -c "$conf" >"$conf.log" 2>&1 || {
			cat "$conf.log" >&2
			return 1
		}
	done
}
