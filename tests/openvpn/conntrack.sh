#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The server also masquerades what is behind it, so it tracks connections; SYN
# cookies are forced. Members get in on any port all the same, replies to
# masqueraded clients find their way, and the door's flows are not tracked.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_start || exit
within srv sysctl -qw net.ipv4.tcp_syncookies=2
# As in the firewall example: masquerading keeps to nat-ports, and what the
# door rewrites is not tracked.
within srv nft -f - <<-EOF
table inet door {
	chain in {
		type filter hook prerouting priority raw
		iifname eth0 udp dport 1194 notrack
	}
	chain out {
		type filter hook output priority raw
		oifname eth0 udp sport 1194 notrack
	}
	chain nat {
		type nat hook postrouting priority srcnat
		iifname "tun*" oifname eth0 meta l4proto { tcp, udp } masquerade to :32768-60999
	}
}
EOF
servers_start && door_open || exit

up_and_pings() { # name ns
	lab_up "$1" && tunnel_ping "$1" "$2" 4 && tunnel_ping "$1" "$2" 6
}

for m in udp:53 udp:443 tcp:80 tcp:443 tcp:8443; do
	n=${m/:/-}
	client_start "$n-alice" alice "${m%:*}" "${m#*:}" $SRV4
	client_start "$n-carol" carol "${m%:*}" "${m#*:}" $SRV6
	ok_begin "$m over IPv4" up_and_pings "$n-alice" alice
	ok_begin "$m over IPv6" up_and_pings "$n-carol" carol
done
ok_all

# alice, in the tunnel, asks carol's public address: masqueraded by the server,
# whose replies to those ports come from the Internet like a member's packets.
lab_run echo-udp carol socat UDP6-RECVFROM:5353,fork,reuseaddr EXEC:cat
lab_run echo-tcp carol socat TCP6-LISTEN:5353,fork,reuseaddr EXEC:cat
listens() { # tcp|udp
	[ -n "$(within carol ss -Hln --"$1" 'sport = :5353')" ]
}
until_true 5 listens udp && until_true 5 listens tcp || exit
tun=$(client_tun udp-53-alice)
ip -n alice route add $CAROL4 dev "$tun"
ip -n alice route add $CAROL6 dev "$tun"

echoes() { # socat-address
	[ "$(echo hello | within alice timeout $((5 * LAB_PATIENCE)) \
		socat -t "$((LAB_PATIENCE / 2)).5" - "$1")" = hello ]
}
masqueraded() { # how many connections of the server's are translated now
	[ "$(within srv conntrack -L -n 2>/dev/null | wc -l)" -ge "$1" ]
}
# Also from a port of a member's OpenVPN, which the masquerade would keep.
for p in 40000 1194 5000; do
	ok "a masqueraded UDP client (port $p) gets its reply over IPv4" \
		echoes "UDP4:$CAROL4:5353,sourceport=$p"
	ok "a masqueraded UDP client (port $p) gets its reply over IPv6" \
		echoes "UDP6:[$CAROL6]:5353,sourceport=$p"
done
ok "a masqueraded TCP client gets its reply over IPv4" \
	echoes "TCP4:$CAROL4:5353"
ok "a masqueraded TCP client gets its reply over IPv6" \
	echoes "TCP6:[$CAROL6]:5353"
ok "they were masqueraded" masqueraded 4

untracked() {
	{ within srv conntrack -L; within srv conntrack -L -f ipv6; } 2>/dev/null |
		awk -v door=" $SRV4 $SRV4B $SRV6 $SRV6B " '
		/^udp/ {
			src = dst = ""
			for (i = NF; i > 0; i--) {
				if ($i ~ /^src=/) src = " " substr($i, 5) " "
				if ($i ~ /^dst=/) dst = " " substr($i, 5) " "
			}
			if (index(door, src) || index(door, dst)) { print; bad = 1 }
		}
		END { exit bad }'
}
ok "no flow of the door's is tracked" untracked

again() {
	up_and_pings udp-443-alice alice && up_and_pings tcp-443-carol carol
}
ok "tunnels work on" again
# 27: what the door handles does not make conntrack grow
tap_done 16 27
