#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# SIGKILL at each system call of an event, then the event again; and the
# netlink socket failing at each step.
set -u
. tests/lib/hook.sh
hook_start
now=$(date +%s)
account alice 10

# env -i has no PATH: the whole path of what is put before the hook
strace=$(command -v strace)
strace_event() { # TYPE INSTANCE STRACE-OPTION...
	local type=$1 instance=$2
	shift 2
	event "$type" alice "$instance" $now "$strace" -qq -o "$dir/trace" "$@"
}
clean() {
	ip route flush proto static 2>/dev/null
	ip -6 route flush proto static 2>/dev/null
	rm -rf "${state:?}"; mkdir "$state"
}
# Alice is on tcp; for disconnect on udp after that
scene() {
	clean
	connect alice tcp $now
	[ "$1" = client-connect ] || connect alice udp $now
}

bad=0 kills=0
for type in client-connect client-disconnect; do
	scene $type
	strace_event $type udp
	n=$(wc -l <"$dir/trace")
	want=tunudp
	[ $type = client-connect ] || want=tuntcp
	# From the first system call of main() on; those before are the loader's
	first=$(grep -n close_range "$dir/trace" | head -n 1 | cut -d: -f1)
	for i in $(seq "$first" "$n"); do
		# the i-th call of the trace: by name and how often before
		name=$(sed -n "${i}s/^\([a-z0-9_]*\)(.*/\1/p" "$dir/trace.$type" 2>/dev/null)
		[ -s "$dir/trace.$type" ] || { cp "$dir/trace" "$dir/trace.$type"
			name=$(sed -n "${i}s/^\([a-z0-9_]*\)(.*/\1/p" "$dir/trace.$type"); }
		[ -n "$name" ] && [ "$name" != exit_group ] || continue
		when=$(sed -n "1,${i}p" "$dir/trace.$type" | grep -c "^$name(")
		scene $type
		strace_event $type udp -e "inject=$name:signal=SIGKILL:when=$when" 2>/dev/null
		rc=$?
		[ $rc -ne 0 ] || { echo "# $type: $name $when did not kill"; bad=$((bad + 1)); }
		kills=$((kills + 1))
		# never without a route in between: alice was on before
		half=$(routes 10)
		for d in $half; do
			case $d in tunudp | tuntcp) ;; *) bad=$((bad + 1)) ;; esac
		done
		[ "$(wc -w <<<"$half")" = 3 ] || { echo "# $type killed at $name $when: $half"; bad=$((bad + 1)); }
		event $type alice udp $now || bad=$((bad + 1))
		routes_on 10 $want >/dev/null || { echo "# $type killed at $name $when, again: $(routes 10)"; bad=$((bad + 1)); }
		[ "$(reconcile)" = "in order" ] || { echo "# $type killed at $name $when: reconcile found more"; bad=$((bad + 1)); }
		[ $type = client-connect ] && disconnect alice udp $now
		disconnect alice tcp $now
		rest=$(ls "$state" | grep -v '^@'; ip route show proto static)
		[ -z "$rest" ] || { echo "# $type killed at $name $when, left: $rest"; bad=$((bad + 1)); }
	done
done
echo "# $kills kills"
check "killed at any system call, then again: the same state" same "$bad" 0
check "there were kills" test "$kills" -gt 80

# the same, with reconcile instead of the event again
bad=0
for type in client-connect client-disconnect; do
	for i in $(grep -nE '^(sendmsg|renameat|symlinkat|unlinkat|write)\(' "$dir/trace.$type" | cut -d: -f1); do
		name=$(sed -n "${i}s/^\([a-z0-9_]*\)(.*/\1/p" "$dir/trace.$type")
		when=$(sed -n "1,${i}p" "$dir/trace.$type" | grep -c "^$name(")
		scene $type
		strace_event $type udp -e "inject=$name:signal=SIGKILL:when=$when" 2>/dev/null
		reconcile >/dev/null || bad=$((bad + 1))
		owner=$(awk '$1 == "claim" && $2 > max { max = $2; dev = $4 } END { print dev }' "$state/alice")
		routes_on 10 "$owner" >/dev/null || { echo "# $type killed at $name $when: owner $owner, routes $(routes 10)"; bad=$((bad + 1)); }
	done
done
check "killed, then reconcile: the routes are the owner's" same "$bad" 0

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
		scene client-connect
		strace_event client-connect udp -e "inject=sendmsg:error=$err:when=$step"
		same $? 0 >/dev/null || bad=$((bad + 1))
		routes_on 10 tunudp >/dev/null || { echo "# $err at $step: $(routes 10)"; bad=$((bad + 1)); }
	done
done
check "one failure: tried again, all moved" same "$bad" 0
bad=0
for what in sendmsg recvmsg; do
	for step in 1 2 3; do
		scene client-connect
		strace_event client-connect udp -e "inject=$what:error=ENOBUFS:when=$step+"
		same $? 0 >/dev/null || { echo "# $what $step: member thrown out"; bad=$((bad + 1)); }
		have=$(routes 10)
		[ "$(wc -w <<<"$have")" = 3 ] || { echo "# $what $step: $have"; bad=$((bad + 1)); }
		grep -q 'claim .* 0 1 0 0$' "$state/alice" || { echo "# $what $step: not marked"; bad=$((bad + 1)); }
		reconcile >/dev/null || bad=$((bad + 1))
		routes_on 10 tunudp >/dev/null || { echo "# $what $step: not repaired"; bad=$((bad + 1)); }
		grep -q 'claim .* 0 0 0 0$' "$state/alice" || { echo "# $what $step: mark stays"; bad=$((bad + 1)); }
	done
done
check "lasting failure: before or after, marked, repaired" same "$bad" 0
bad=0
for step in 1 2 3; do
	scene client-disconnect
	disconnect alice tcp $now
	strace_event client-disconnect udp -e "inject=sendmsg:error=ENOBUFS:when=$step+"
	same $? 0 >/dev/null || bad=$((bad + 1))
	reconcile >/dev/null || bad=$((bad + 1))
	routes_on 10 "" >/dev/null || { echo "# delete $step: $(routes 10)"; bad=$((bad + 1)); }
	rest=$(ls "$state" | grep -v '^@')
	[ -z "$rest" ] || { echo "# delete $step: left $rest"; bad=$((bad + 1)); }
done
check "a delete that fails is made up for" same "$bad" 0
scene client-connect
strace_event client-connect udp -e inject=socket:error=EMFILE:when=1+
check "no socket at all: the member is let in" same $? 0
shows 41
finish
