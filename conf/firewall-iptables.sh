#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Example: firewall.nft in the language of iptables, for hosts that still use
# it. Adapt the definitions. It REPLACES the tables raw, nat and filter, IPv4
# and IPv6, each in one step; "sh firewall-iptables.sh --test" only tries them.
set -eu
UPLINK=eth0			# [door] interface
DOOR4=198.51.100.1		# [door] address, IPv4
DOOR6=2001:db8:ffff::1		# [door] address, IPv6
UDP_PORT=1194			# [udp] target
MEMBERS4=10.8.0.0/16		# private range, masqueraded
RESTORE4=${RESTORE4:-iptables-restore}
RESTORE6=${RESTORE6:-ip6tables-restore}

# Why each rule is there stands in firewall.nft.
rules() { # ADDRESS ICMP
	cat <<EOF
*raw
:PREROUTING ACCEPT
:OUTPUT ACCEPT
-A PREROUTING -d $1 -p udp --dport $UDP_PORT -j CT --notrack
-A OUTPUT -s $1 -p udp --sport $UDP_PORT -j CT --notrack
COMMIT
*filter
:INPUT DROP
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp ! --syn -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p $2 -j ACCEPT
-A INPUT -p udp -m multiport --dports 68,546 -j ACCEPT
-A INPUT -p tcp -m socket --nowildcard --restore-skmark -m mark --mark 0xa9 -j ACCEPT
-A INPUT -d $1 -p udp --dport $UDP_PORT -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
EOF
}

masquerade() {
	cat <<EOF
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A POSTROUTING -o $UPLINK -s $MEMBERS4 -p tcp -j MASQUERADE --to-ports 32768-60999
-A POSTROUTING -o $UPLINK -s $MEMBERS4 -p udp -j MASQUERADE --to-ports 32768-60999
-A POSTROUTING -o $UPLINK -s $MEMBERS4 -j MASQUERADE
COMMIT
EOF
}

{ rules "$DOOR4" icmp; masquerade; } | "$RESTORE4" "$@"
rules "$DOOR6" ipv6-icmp | "$RESTORE6" "$@"
