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

pair "UDP, two ports" udp ipv4 5551 53 $SRV4 443 $SRV4
pair "UDP, two addresses" udp ipv4 5552 53 $SRV4 53 $SRV4B
pair "UDP, IPv6" udp ipv6 5553 53 $SRV6 1194 $SRV6
pair "TCP, two ports" tcp ipv4 5554 443 $SRV4 993 $SRV4
pair "TCP, two addresses" tcp ipv4 5555 443 $SRV4 443 $SRV4B
pair "TCP, the target itself" tcp ipv4 5556 443 $SRV4 1194 $SRV4
pair "TCP, IPv6" tcp ipv6 5557 443 $SRV6 443 $SRV6B
hop hop4 $SRV4 udp
hop hop6 $SRV6 udp
tap_done 5
