#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Real OpenVPN clients on a dozen ports, UDP and TCP, IPv4 and IPv6, both of the
# server's addresses; and on the wire every reply comes from the address and
# port that the member dialled.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

UDP="1 53 123 443 500 1194 4500 51820 65535"
TCP="1 80 443 993 1194 8443 65535"

# 22 is the server's own, and so is what has a listener.
TCP_OWN="22 8080"

lab_start && servers_start && door_open || exit
lab_offload off
for p in $TCP_OWN; do
	lab_run "own-$p" srv socat "TCP6-LISTEN:$p,fork,reuseaddr" \
		"SYSTEM:echo own $p"
done
for ns in alice carol; do
	lab_run "dump-$ns" "$ns" tcpdump -nn -U --immediate-mode -i eth0 \
		-w "$LAB_DIR/$ns.pcap" \
		"host $SRV4 or $SRV4B or $SRV6 or $SRV6B"
	until_true 5 log_has "dump-$ns" "listening on" || exit
done

# The second address takes turns with the first.
dial() { # proto ports
	local p n=0 v4 v6
	for p in $2; do
		n=$((n + 1)) v4=$SRV4 v6=$SRV6
		[ $((n % 3)) != 0 ] || v4=$SRV4B v6=$SRV6B
		client_start "$1-$p-alice" alice "$1" "$p" "$v4"
		client_start "$1-$p-carol" carol "$1" "$p" "$v6"
	done
}

works() { # name ns
	lab_up "$1" || { tail -n 5 "$LAB_DIR/$1.log"; return 1; }
	tunnel_ping "$1" "$2" 4 && tunnel_ping "$1" "$2" 6
}

check() { # proto ports
	local p
	for p in $2; do
		ok_begin "$1 $p over IPv4" works "$1-$p-alice" alice
		ok_begin "$1 $p over IPv6" works "$1-$p-carol" carol
	done
	ok_all
}

# What came back to the member: to each of its ports from the very address and
# port that it had dialled from there.
replies() { # ns udp|tcp
	tcpdump -nn -r "$LAB_DIR/$1.pcap" "$2" 2>/dev/null | awk -v \
		us=" $SRV4 $SRV4B $SRV6 $SRV6B " '
	function host(s) { sub(/\.[0-9]+$/, "", s); return s }
	{
		from = $3; to = $5; sub(/:$/, "", to)
		if (index(us, " " host(to) " ")) { dialled[from] = to; next }
		if (!(to in dialled) || dialled[to] != from) {
			print "reply to " to " from " from ", dialled " \
				dialled[to]
			bad = 1
		}
		if (!(from in seen)) n++
		seen[from] = 1
	}
	END { print n + 0 " ports answered"; exit bad || n < '"$3"' }'
}

banner() { # ns address port
	# shellcheck disable=SC2016
	[ "$(within "$1" timeout $((5 * LAB_PATIENCE)) bash -c \
		'exec 3<>"/dev/tcp/$0/$1" && read -r l <&3 && echo "$l"' \
		"$2" "$3")" = "own $3" ]
}

# In two waves, so that two cores keep up with the handshakes.
dial udp "$UDP"
check udp "$UDP"
dial tcp "$TCP"
check tcp "$TCP"
lab_sleep 0.2	# for what was captured last
lab_end dump-alice
lab_end dump-carol
for ns in alice carol; do
	ok "UDP replies to $ns come from what was dialled" replies $ns udp 9
	ok "TCP replies to $ns come from what was dialled" replies $ns tcp 7
done
for p in $TCP_OWN; do
	ok "tcp $p over IPv4 is the server's own" banner alice $SRV4 "$p"
	ok "tcp $p over IPv6 is the server's own" banner carol $SRV6 "$p"
done
ok "no checksum was wrong" test "$(checksum_errors srv)" = 0
tap_done 1 2
