#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# From the iptables rules that anyport replaces to anyport, and back, by the
# very commands of README.md, with members connected and a ping every 10 ms in
# every tunnel.
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
	if [ "$WHEN" = "6: DNAT rules removed" ] && [ "$3" = tcp ]; then
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

# What README says: the N-th code block after the line that begins with TEXT, up
# to the next heading or step.
block() { # text n
	awk -v text="$1" -v n="$2" '
	!code && /^(##|\*\*[0-9])/ { on = index($0, text) == 1; seen += on }
	/^```/ { code = !code; i += on && code; next }
	on && code && i == n
	END { exit seen != 1 }' README.md >"$LAB_DIR/block" &&
		grep . "$LAB_DIR/block"
}
# Typed on the server, whose addresses are the lab's.
type_in() { # [option of bash]
	cat >"$LAB_DIR/typed"
	[ -s "$LAB_DIR/typed" ] || { echo "nothing to type"; return 1; }
	within srv env PATH="$LAB_DIR/bin:$PATH" IP4=$SRV4 IP6=$SRV6 \
		bash "${1:--eu}" "$LAB_DIR/typed"
}
readme() { # text [n [option of bash]]
	block "$1" "${2:-1}" | type_in "${3:--eu}"
}

# Commands of a host that the lab has not: what they are asked is kept.
stubs() {
	mkdir "$LAB_DIR/bin"
	ln -s "$ANYPORT" "$LAB_DIR/bin/anyport"
	printf '#!/bin/sh\nexec "$@"\n' >"$LAB_DIR/bin/sudo"
	printf '#!/bin/sh\necho "$*" >>%s/systemctl\n' "$LAB_DIR" \
		>"$LAB_DIR/bin/systemctl"
	chmod +x "$LAB_DIR"/bin/*
}
# The host's own /etc and /root stay as they are.
cover() { # directory
	mkdir -p "$LAB_DIR/over$1/up" "$LAB_DIR/over$1/work" &&
		mount -t overlay -o "lowerdir=$1,upperdir=$LAB_DIR/over$1/up" \
			-o "workdir=$LAB_DIR/over$1/work" overlay "$1"
}
asked() { # of systemctl
	[ "$(tail -n 1 "$LAB_DIR/systemctl")" = "$*" ]
}

names_addresses() { # that they can be replaced is all there is to it
	[[ $(block "## From iptables to anyport" 1) =~ ^IP4=[0-9.]+\ IP6=[0-9a-f:]+$ ]]
}
not_loaded() {
	anyport status >/dev/null
	[ $? = 3 ]
}
load_undone() {
	block '**4.' 1 | sed '/anyport load/s/--confirm 120/--confirm 1/' |
		type_in && until_true 5 not_loaded
}
load_again() { block '**4.' 1 | grep 'anyport load' | type_in; }
no_rules() { # table
	! within srv iptables-save -t "$1" | grep "^-A.*$SRV4/" &&
		! within srv ip6tables-save -t "$1" | grep "^-A.*$SRV6/"
}
drop_dnat() { readme '**6.' && no_rules nat; }
# An empty table is an error to conntrack.
forget() {
	readme '**7.' 1 -u
	! within srv conntrack -L -p udp --dst-nat 2>/dev/null | grep .
}
serving() {
	readme '**8.' 2 >"$LAB_DIR/said" || return
	cat "$LAB_DIR/said"
	grep -qF "$(block '**8.' 2 | sed -n 's/.*status.*# "\(.*\)"$/\1/p')" \
		"$LAB_DIR/said" && asked enable anyport
}
untrack_again() { { block '**4.' 1; block '**5.' 1; } | grep tables | type_in; }
leave() {
	readme '### And back' 2 && not_loaded && no_rules raw &&
		asked disable anyport
}
# An empty table is none.
rules() {
	local family
	for family in ip ip6; do
		within srv ${family}tables-save |
			awk -v f=$family '/^\*/ { t = $0 } /^-A/ { print f t, $0 }'
	done
}
word_for_word() {
	awk -F'`' '/^Later, at/ { on = 1 } !NF { on = 0 }
		on { for (i = 2; i <= NF; i += 2) print $i }' README.md |
		type_in && diff "$LAB_DIR/rules" <(rules)
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

lab_start && servers_start && door_open && stubs && cover /etc && cover /root ||
	exit
# shellcheck disable=SC2034 # for door_conf
DOOR_CONF=/etc/anyport/anyport.conf
mkdir -p /etc/anyport
door_conf
rules >"$LAB_DIR/rules"
each client_start
WHEN="with iptables"
each connects
ok "the addresses are named once" names_addresses
ok "1: what there is, kept" readme '**1.'
step "3: check" readme '**3.'
step "4: notrack, in; load, not confirmed" load_undone
step "4: load" load_again
newcomers 1
step "5: confirm; notrack, out" readme '**5.'
step "6: DNAT rules removed" drop_dnat
newcomers 2
step "7: old entries forgotten" forget
step "8: without notrack" readme '**8.' 1
ok "8: serving, also at the next boot" serving
newcomers 3
step "notrack again" untrack_again
step "back: DNAT rules" readme '### And back' 1
newcomers 4
# Between the rules and the unload a few replies leave from the wrong port.
ALLOWED=30 step "back: unload" leave
newcomers 5
ok "back: the old rules, word for word" word_for_word
newcomers 6
WHEN="the way back"
each works
tap_done
