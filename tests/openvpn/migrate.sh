#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# From the iptables rules that anyport replaces to anyport, and back, by the
# steps of README.md, with members connected and a ping every 10 ms in every
# tunnel.
set -u
export LAB_DOOR=dnat
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

MEMBERS="alice:udp:443:$SRV4 bob:tcp:443:$SRV4 carol:udp:500:$SRV6
	carol-tcp:tcp:993:$SRV6"
each() { # function: called with name, ns, proto, port, address
	local m name proto port address
	for m in $MEMBERS; do
		IFS=: read -r name proto port address <<<"$m"
		"$1" "$name" "${name%-*}" "$proto" "$port" "$address"
	done
}

connects() { ok "$WHEN: $1 connects to $3 $4" lab_up "$1"; }
pings() { steady_start "$1" "$2"; }
count_lost() {
	local lost
	lost=$(steady_lost "$1") || return
	echo "$lost pings lost"
	[ "$lost" -le "${ALLOWED:-10}" ] # of 120: the machine may be busy
}
# TCP that NAT redirected ends with the last NAT rule: those members come back.
nothing_lost() {
	if [ "$WHEN" = "DNAT rules removed" ] && [ "$3" = tcp ]; then
		lab_end "ping-$1" INT
		works "$1" "$2"
		return
	fi
	ok "$WHEN: $1 lost at most ${ALLOWED:-10} pings" count_lost "$1"
}
works() { ok "$WHEN: $1 works" until_true 20 tunnel_ping "$1" "$2"; }

# A step of the README, in the server's namespace, and what it cost.
step() { # NAME COMMAND ...
	WHEN=$1
	shift
	each pings
	lab_sleep 0.5
	ok "$WHEN" "$@"
	lab_sleep 0.7
	each nothing_lost
}

both() { # ARG ...: with iptables and ip6tables, @ being the address
	within srv iptables -w "${@//@/$SRV4}" &&
		within srv ip6tables -w "${@//@/$SRV6}"
}
untrack_in() { both -t raw "$1" PREROUTING -d @ -p udp --dport 1194 -j CT --notrack; }
untrack_out() { both -t raw "$1" OUTPUT -s @ -p udp --sport 1194 -j CT --notrack; }
forget() {
	within srv conntrack -D -f ipv4 -p udp --orig-dst $SRV4 --dst-nat
	within srv conntrack -D -f ipv6 -p udp --orig-dst $SRV6 --dst-nat
	! within srv conntrack -L -p udp --dst-nat 2>/dev/null | grep .
}
drop_dnat() {
	within srv iptables -w -t nat -F PREROUTING &&
		within srv ip6tables -w -t nat -F PREROUTING
}
dnat_back() {
	within srv iptables -w -t nat -A PREROUTING -d $SRV4 -p tcp --dport 22 -j ACCEPT
	within srv iptables -w -t nat -A PREROUTING -d $SRV4 -p udp \
		--dport 1:65535 -j DNAT --to-destination $SRV4:1194 &&
	within srv iptables -w -t nat -A PREROUTING -d $SRV4 -p tcp --syn \
		--dport 1:65535 -j DNAT --to-destination $SRV4:1194 &&
	within srv ip6tables -w -t nat -A PREROUTING -d $SRV6 -p udp \
		--dport 1:65535 -j DNAT --to-destination "[$SRV6]:1194" &&
	within srv ip6tables -w -t nat -A PREROUTING -d $SRV6 -p tcp --syn \
		--dport 1:65535 -j DNAT --to-destination "[$SRV6]:1194"
}
load_undone() {
	anyport load --confirm 1 -c "$DOOR_CONF" && until_true 5 not_loaded
}
not_loaded() {
	anyport status >/dev/null
	[ $? = 3 ]
}
leave() {
	untrack_out -D && anyport unload && untrack_in -D
}
newcomers() {
	local n
	for n in udp:53:alice:$SRV4 tcp:80:alice:$SRV4 udp:123:carol:$SRV6 tcp:8443:carol:$SRV6; do
		local proto port ns address
		IFS=: read -r proto port ns address <<<"$n"
		client_start "new$1-$proto$port" "$ns" "$proto" "$port" "$address"
		ok "$WHEN: a new member gets in by $proto $port" \
			lab_up "new$1-$proto$port"
	done
}

lab_start && servers_start && door_open || exit
door_conf
each client_start
WHEN="with iptables"
each connects
step "check" anyport check -c "$DOOR_CONF"
step "notrack, in" untrack_in -I
step "load --confirm 1, not confirmed" load_undone
step "load --confirm" anyport load --confirm 120 -c "$DOOR_CONF"
newcomers 1
step "confirm" anyport confirm
step "notrack, out" untrack_out -I
step "DNAT rules removed" drop_dnat
newcomers 2
step "old entries forgotten" forget
ok "status: serving" anyport status
newcomers 3
step "DNAT rules back" dnat_back
newcomers 4
# Between the rules and the unload a few replies leave from the wrong port.
ALLOWED=30 step "unload" leave
newcomers 5
WHEN="the way back"
each works
tap_done
