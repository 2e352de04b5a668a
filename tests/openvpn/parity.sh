#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Real OpenVPN, first with nft's redirect and then with the door: members behind
# one router who share a source port, one who dials another port with the same
# source port, 1194 itself, TCP. What they see is the same, word for word.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_start || exit
lab_offload off

redirect_on() {
	within srv nft -f - <<-EOF
	table inet any {
		chain in {
			type nat hook prerouting priority dstnat
			iifname eth0 tcp dport 22 accept
			iifname eth0 ip daddr { $SRV4, $SRV4B } meta l4proto { tcp, udp } redirect to :1194
			iifname eth0 ip6 daddr { $SRV6, $SRV6B } meta l4proto { tcp, udp } redirect to :1194
		}
	}
	EOF
}

redirect_off() {
	within srv nft delete table inet any
	within srv conntrack -F 2>/dev/null
}

# Addresses and ports that answered the member's port $2.
answers() { # capture local-port
	tcpdump -nn -r "$LAB_DIR/$1.pcap" "src host ($SRV4 or $SRV4B or $SRV6 \
		or $SRV6B) and dst port $2" 2>/dev/null |
		awk '{ print $3 }' | sort -u | paste -sd ' '
}

# One line for each thing that a member or OpenVPN can tell.
tell() { # world name ns proto lport
	local name=$2-$1 peer
	lab_up "$name" || { tail -n 5 "$LAB_DIR/$name.log" >&2; }
	log_has "$name" "Initialization Sequence Completed" &&
		echo "$2 is connected"
	tunnel_ping "$name" "$3" 4 >/dev/null && echo "$2 pings over IPv4"
	tunnel_ping "$name" "$3" 6 >/dev/null && echo "$2 pings over IPv6"
	peer=$(server_saw "$4" "$name")
	echo "OpenVPN sees $2 as ${peer%:*}"
	[ "${peer##*:}" = "$5" ] && echo "with the port $5" ||
		echo "with another port"
}

# dial WORLD NAME NS PROTO LPORT PORT ADDRESS
dial() {
	client_start "$2-$1" "$3" "$4" "$6" "$7" --lport "$5"
}

scenario() { # world
	local w=$1 ns
	servers_start || return
	for ns in home carol; do
		lab_run "dump-$ns-$w" $ns tcpdump -nn -U --immediate-mode \
			-i "$([ $ns = home ] && echo wan0 || echo eth0)" \
			-w "$LAB_DIR/$ns-$w.pcap"
		until_true 5 log_has "dump-$ns-$w" "listening on" || return
	done
	# Who comes first with a port keeps it.
	dial "$w" first alice udp 5551 53 $SRV4
	dial "$w" third carol udp 6661 1194 $SRV6
	tell "$w" first alice udp 5551
	dial "$w" second bob udp 5551 443 $SRV4
	dial "$w" fourth carol udp 6662 65535 $SRV4B
	dial "$w" fifth alice tcp 5552 443 $SRV4B
	dial "$w" sixth carol tcp 6663 8443 $SRV6
	tell "$w" third carol udp 6661
	lab_end "third-$w" KILL
	dial "$w" hopped carol udp 6661 443 $SRV6B
	tell "$w" second bob udp 5551
	tell "$w" fourth carol udp 6662
	tell "$w" fifth alice tcp 5552
	tell "$w" sixth carol tcp 6663
	tell "$w" hopped carol udp 6661
	# The first two once more, now that all are there.
	tunnel_ping "first-$w" alice 4 >/dev/null && echo "first still pings"
	tunnel_ping "second-$w" bob 6 >/dev/null && echo "second still pings"
	lab_sleep 0.2
	lab_end "dump-home-$w"
	lab_end "dump-carol-$w"
	for ns in "home 5551" "home 5552" "carol 6661" "carol 6662" \
		"carol 6663"; do
		# shellcheck disable=SC2086
		echo "to ${ns#* } come answers from" \
			"$(answers "${ns% *}-$w" ${ns#* })"
	done
	echo "$(grep -c -e decrypt -e 'TLS Error' "$LAB_DIR/udp.log") errors"
	for ns in first second third fourth fifth sixth hopped; do
		lab_end "$ns-$w"
	done
	lab_end udp
	lab_end tcp
}

same() {
	diff -u "$LAB_DIR/nft" "$LAB_DIR/door"
}

whole() { # world
	[ "$(grep -c 'is connected$' "$LAB_DIR/$1")" = 7 ] &&
		[ "$(grep -c 'pings' "$LAB_DIR/$1")" = 16 ]
}

redirect_on || exit
scenario nft >"$LAB_DIR/nft"
redirect_off || exit
door_open >"$LAB_DIR/door.log" 2>&1 || exit
scenario door >"$LAB_DIR/door"
ok "with nft's redirect all members are on" whole nft
ok "with the door all members are on" whole door
ok "members and OpenVPN see the same with both" same
sed 's/^/# /' "$LAB_DIR/door"
tap_done 5 6
