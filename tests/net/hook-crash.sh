#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# SIGKILL at system calls of an event that change something, then the event
# again, or what OpenVPN does when its script has died: routes, ledger and the
# file for OpenVPN are as if nothing had been. And the netlink socket failing at
# each step. KILL_POINTS: at how many calls of each event (6; 0: at every one).
set -u
. tests/lib/hook.sh
. tests/lib/kill.sh
hook_start
now=$(date +%s)

# env -i has no PATH: the whole path of what is put before the hook
strace=$(command -v strace)
strace_event() { # TYPE INSTANCE STRACE-OPTION...
	local type=$1 instance=$2
	shift 2
	if [ "$type" = reconcile ]; then
		"$strace" -qq -f -o "$dir/trace" "$@" "$hook" reconcile \
			-c "$conf" >/dev/null 2>>"$dir/log"
	else
		event "$type" alice "$instance" $now "$strace" -qq -f \
			-o "$dir/trace" "$@"
	fi
}
again() { # TYPE INSTANCE
	if [ "$1" = reconcile ]; then
		reconcile >/dev/null
	else
		event "$1" alice "$2" $now
	fi
}
clean() {
	ip route flush proto static 2>/dev/null
	ip -6 route flush proto static 2>/dev/null
	rm -rf "${state:?}"; mkdir "$state"
	rm -f "$dir"/push.*
	account alice 10
}
# Where alice is before: nobody, tcp, udp, both (the newer is udp), renumbered
# (on tcp, other addresses in the account), lost (both, but no route is left)
scene() {
	clean
	case $1 in tcp | both | lost | renumbered) connect alice tcp $now ;; esac
	case $1 in udp | both | lost) connect alice udp $now ;; esac
	case $1 in
	renumbered) account alice 12 ;;
	lost)
		ip route flush proto static
		ip -6 route flush proto static ;;
	esac
}

# The device of every destination of both sets of addresses, or "-"
where() {
	local n six at
	for n in 10 12; do
		six=$(printf %x $n)
		for at in "203.0.113.$n" "2001:db8:2::$six" "2001:db8:10$six::/48"; do
			case $at in
			*:*) ip -6 route show table main "$at" proto static ;;
			*) ip route show table main "$at" proto static ;;
			esac | sed -n 's/.* dev \([^ ]*\).*/\1/p; $!d' | grep . || echo -
		done
	done | tr '\n' ' '
}
# The ledger, but for the time of a claim and for what numbers order them by
ledger() {
	local f
	for f in "$state"/[^@=]*; do
		[ -e "$f" ] || continue
		echo "${f##*/}"
		awk '$1 == "claim" { $2 = ++n; $10 = "" } { print }' "$f"
	done
}
# An index of who has which address. What a death leaves there is harmless;
# reconcile, which comes every minute, removes it.
links() { find "$state" -name "=*" -printf "%f %l\n" | sort; }
all() { where; echo; ledger; cat "$dir"/push.alice.* 2>/dev/null; }

# What each destination has is what it had, or what it is to have.
between() { # HAVE BEFORE AFTER
	local -a have before after
	local i
	read -ra have <<<"$1"
	read -ra before <<<"$2"
	read -ra after <<<"$3"
	for i in "${!before[@]}"; do
		[ "${have[i]}" = "${before[i]}" ] ||
			[ "${have[i]}" = "${after[i]}" ] || return
	done
}

wrong() { echo "# $what killed at $call $n: $*"; bad=$((bad + 1)); }

killed() { # SCENE TYPE INSTANCE
	scene "$1"
	strace_event "$2" "$3" -e "inject=$call:signal=SIGKILL:when=$n" 2>/dev/null
	[ $? = 137 ] || wrong "it lives"
	kills=$((kills + 1))
}

# Every point: then the event again.
repeated() { # SCENE TYPE INSTANCE
	local before after want held
	scene "$1"
	before=$(where)
	strace_event "$2" "$3"
	want=$(all) held=$(links)
	after=$(where)
	kill_points "$dir/trace" | kill_choose "$points" >"$dir/points"
	while read -r call n; do
		killed "$@"
		between "$(where)" "$before" "$after" ||
			wrong "half: $(where)"
		again "$2" "$3" || wrong "again: exit status"
		same "$(all)" "$want" || wrong "and again"
		[ "$(reconcile)" = "in order" ] || wrong "reconcile found more"
		same "$(links)" "$held" || wrong "and reconcile"
	done <"$dir/points"
}

# A script that died is a client refused: OpenVPN calls client-disconnect.
refused() { # SCENE INSTANCE
	local want held
	scene "$1"
	want=$(where; ledger) held=$(links)
	while read -r call n; do
		killed "$1" client-connect "$2"
		again client-disconnect "$2"
		same "$(where; ledger)" "$want" || wrong "and disconnect"
		reconcile >/dev/null
		same "$(links)" "$held" || wrong "and reconcile"
	done <"$dir/points"
}

# Nothing comes but the timer: the routes are the owner's.
reconciled() { # SCENE TYPE INSTANCE
	local owner
	while read -r call n; do
		killed "$@"
		reconcile >/dev/null || wrong "reconcile failed"
		owner=$(awk '$1 == "claim" && $2 > max { max = $2; dev = $4 }
			END { print dev }' "$state/alice" 2>/dev/null)
		routes_on 10 "$owner" >/dev/null ||
			wrong "owner $owner, routes $(routes 10)"
	done <"$dir/points"
}

total=0
points=${KILL_POINTS:-6}
while read -r what before type instance; do
	bad=0 kills=0
	repeated "$before" "$type" "$instance"
	case $what in
	first | move | renumber) refused "$before" "$instance" ;;
	esac
	case $what in
	move | back) reconciled "$before" "$type" "$instance" ;;
	esac
	check "$what: $kills times killed, and then as if nothing had been" \
		same "$bad" 0
	total=$((total + kills))
done <<EOT
first nobody client-connect udp
move tcp client-connect udp
renumber renumbered client-connect udp
back both client-disconnect udp
late both client-disconnect tcp
last udp client-disconnect udp
down both down udp
up lost up udp
reconcile lost reconcile udp
EOT
check "$total kills" test $total -gt $((10 * (points ? points : 6)))

# kill -9 of OpenVPN itself
clean
connect alice tcp $now
connect alice udp $now
kill -9 "${pid[udp]}"; wait "${pid[udp]}" 2>/dev/null
check "OpenVPN killed: its routes go with its device" routes_on 10 ""
reconcile >/dev/null
check "reconcile: the other session has them" routes_on 10 tuntcp
instance udp tunudp
shows 42

# 41: a netlink request that fails
bad=0
for err in ENOBUFS ENOMEM EIO; do
	for step in 1 2 3; do
		scene tcp
		strace_event client-connect udp -e "inject=sendmsg:error=$err:when=$step"
		same $? 0 >/dev/null || bad=$((bad + 1))
		routes_on 10 tunudp >/dev/null || { echo "# $err at $step: $(routes 10)"; bad=$((bad + 1)); }
	done
done
check "one failure: tried again, all moved" same "$bad" 0
bad=0
for what in sendmsg recvmsg; do
	for step in 1 2 3; do
		scene tcp
		strace_event client-connect udp -e "inject=$what:error=ENOBUFS:when=$step+"
		same $? 0 >/dev/null || { echo "# $what $step: member thrown out"; bad=$((bad + 1)); }
		left=$(routes 10)
		[ "$(wc -w <<<"$left")" = 3 ] || { echo "# $what $step: $left"; bad=$((bad + 1)); }
		grep -q 'claim .* 0 1 0 0$' "$state/alice" || { echo "# $what $step: not marked"; bad=$((bad + 1)); }
		reconcile >/dev/null || bad=$((bad + 1))
		routes_on 10 tunudp >/dev/null || { echo "# $what $step: not repaired"; bad=$((bad + 1)); }
		grep -q 'claim .* 0 0 0 0$' "$state/alice" || { echo "# $what $step: mark stays"; bad=$((bad + 1)); }
	done
done
check "lasting failure: before or after, marked, repaired" same "$bad" 0
bad=0
for step in 1 2 3; do
	scene both
	disconnect alice tcp $now
	strace_event client-disconnect udp -e "inject=sendmsg:error=ENOBUFS:when=$step+"
	same $? 0 >/dev/null || bad=$((bad + 1))
	reconcile >/dev/null || bad=$((bad + 1))
	routes_on 10 "" >/dev/null || { echo "# delete $step: $(routes 10)"; bad=$((bad + 1)); }
	rest=$(ls "$state" | grep -v '^@')
	[ -z "$rest" ] || { echo "# delete $step: left $rest"; bad=$((bad + 1)); }
done
check "a delete that fails is made up for" same "$bad" 0
scene tcp
strace_event client-connect udp -e inject=socket:error=EMFILE:when=1+
check "no socket at all: the member is let in" same $? 0
shows 41
finish
