#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Networks that let out one port only: the shipped profile, as it is, finds it.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_start && servers_start && door_open || exit

# In this mount namespace only.
hosts=$LAB_DIR/hosts
printf '%s localhost\n' 127.0.0.1 ::1 >"$hosts"
printf '%s vpn.example.net\n' $SRV4 $SRV6 >>"$hosts"
mount --bind "$hosts" /etc/hosts

# guest is in the hotel; carol's provider is strict, too.
hotel_allows "tcp dport 443"
within net nft -f - <<-EOF
table inet filter {
	chain forward {
		type filter hook forward priority filter
		iifname carol0 udp dport != 53 drop
		iifname carol0 meta l4proto tcp drop
	}
}
EOF

profile() { # name
	client_run "$1" "$1" "$LAB_TREE/conf/openvpn/client.conf"
}

gets_in() { # name
	lab_up "$1" 60 && tunnel_ping "$1" "$1" 4 && tunnel_ping "$1" "$1" 6
}

profile guest
profile carol
ok_begin "a network that lets out 443/tcp only" gets_in guest
ok_begin "a network that lets out 53/udp only" gets_in carol
ok_all
over() { # name text
	grep -E "$2" "$LAB_DIR/$1.log"
}
ok "over TCP 443 indeed" over guest 'TCP connection established with .*:443$'
ok "over UDP 53 indeed" over carol 'Peer Connection Initiated with .*:53$'
tap_done
