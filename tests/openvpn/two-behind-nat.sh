#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Members who reach OpenVPN from one address and one source port, and differ
# only in the port or the address they dialled: all work, none gets what is
# another's.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_start && servers_start && door_open || exit

# For IPv6 the home router translates as well here: without that, no two
# members share an address.
within home nft -f - <<-EOF
table ip6 nat {
	chain out {
		type nat hook postrouting priority srcnat
		oifname wan0 snat to 2001:db8:70::2
	}
}
EOF

up() { # name ...
	local c
	for c; do
		lab_up "$c" || { tail -n 5 "$LAB_DIR/$c.log"; return 1; }
	done
}

# Did the router keep the source port for both? Otherwise nothing is shown.
same_port() { # udp|tcp family port
	[ "$(within home conntrack -L -f "$2" -p "$1" --reply-port-dst "$3" \
		2>/dev/null | wc -l)" = 2 ]
}

# Both at once; what reached the wrong one would not decrypt.
never_crossed() { # name ns name ns
	local failed=0 c lost
	for c in "$1 $2" "$3 $4"; do
		# shellcheck disable=SC2086
		steady_start $c
	done
	lab_sleep 1.5
	for c in "$1" "$3"; do
		lost=$(steady_lost "$c") && [ "$lost" = 0 ] || failed=1
		echo "$c: $lost pings lost"
		grep -H -e 'decrypt' -e 'TLS Error' "$LAB_DIR/$c.log" && failed=1
	done
	grep -H -e 'decrypt' -e 'TLS Error' "$LAB_DIR/udp.log" \
		"$LAB_DIR/tcp.log" && failed=1
	return $failed
}

pair() { # what proto family lport port1 address1 port2 address2
	local a=$2-$3-a-$4 b=$2-$3-b-$4
	client_start "$a" alice "$2" "$5" "$6" --lport "$4"
	client_start "$b" bob "$2" "$7" "$8" --lport "$4"
	ok "$1: both connect" up "$a" "$b"
	ok "$1: the router kept port $4 for both" same_port "$2" "$3" "$4"
	ok "$1: never crossed" never_crossed "$a" alice "$b" bob
}

# One after the other from one port, each killed so that the server still
# holds its session when the next one comes.
hop() { # name address proto
	local p
	for p in 53 443 1194 53; do
		client_start "$1" carol "$3" $p "$2" --lport 6666
		ok "$1: then $p" hop_works "$1"
		lab_end "$1" KILL
	done
}

hop_works() { # name
	up "$1" && tunnel_ping "$1" carol 4 && tunnel_ping "$1" carol 6
}

# OpenVPN itself refuses a second TCP connection from one address and port,
# whatever it was dialled on: multi_create_instance() keeps instances by the
# peer's address. What the door can do is not to make it worse: the first stays
# on, and the second gets in as soon as it comes from another port.
tcp_pair() { # family port1 address1 port2 address2
	local a=tcp-$1-a b=tcp-$1-b
	client_start "$a" alice tcp "$2" "$3" --lport 5554
	ok "TCP, $1: the first connects" up "$a"
	steady_start "$a" alice
	client_start "$b" bob tcp "$4" "$5" --lport 5554
	ok "TCP, $1: the router kept port 5554 for both" \
		until_true 5 same_port tcp "$1" 5554
	lab_end "$b"
	client_start "$b" bob tcp "$4" "$5"
	ok "TCP, $1: the second connects from another port" up "$b"
	ok "TCP, $1: the second's tunnel works" tunnel_ping "$b" bob
	ok "TCP, $1: the first was not disturbed" undisturbed "$a"
}

undisturbed() { # name
	local lost
	lab_sleep 0.7
	lost=$(steady_lost "$1") || return
	echo "$lost pings lost"
	[ "$lost" = 0 ]
}

pair "UDP, two ports" udp ipv4 5551 53 $SRV4 443 $SRV4
pair "UDP, two addresses" udp ipv4 5552 53 $SRV4 53 $SRV4B
pair "UDP, IPv6" udp ipv6 5553 53 $SRV6 1194 $SRV6
tcp_pair ipv4 443 $SRV4 993 $SRV4
tcp_pair ipv6 443 $SRV6 443 $SRV6B
hop hop4 $SRV4 udp
hop hop6 $SRV6 udp
tap_done 5
