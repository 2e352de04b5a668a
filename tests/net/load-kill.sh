#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# load, reload and unload die by kill -9 at system calls that change something:
# afterwards the old door serves, or the new one, or none does; the next
# command cleans up. KILL_POINTS: how many points of each system call (0: all,
# and of more calls; that takes an hour).
set -u
. "$(dirname "$0")/../lib/loader.sh"
world
points=${KILL_POINTS:-$((LAB_PATIENCE > 1 ? 2 : 3))}
calls="bpf sendto rename"
[ "$points" != 0 ] || calls="$calls mkdir unlink rmdir chown mount umount2 write"

run() { # command
	door "$1" >/dev/null 2>&1
}

# "call count" for each call that the command makes.
count_calls() { # command
	$IN strace -f -o "$LAB_DIR/trace" "$ANYPORT" "$1" -c "$CONF" >/dev/null 2>&1
	local call
	for call in $calls; do
		echo "$call $(grep -cE "^[0-9]+ +$call\(" "$LAB_DIR/trace")"
	done
}

# Which of N to die at: all, or POINTS of them, the first and the last too.
choose() { # n
	local i n=$1 p=$points
	if [ "$p" = 0 ] || [ "$n" -le "$p" ]; then
		seq 1 "$n"
		return
	fi
	for ((i = 0; i < p; i++)); do
		echo $((1 + i * (n - 1) / (p - 1)))
	done
}

die_at() { # command call n
	$IN strace -f -o /dev/null -e trace="$2" \
		-e inject="$2":signal=SIGKILL:when="$3" \
		"$ANYPORT" "$1" -c "$CONF" >"$LAB_DIR/said" 2>&1
}

closed() { # no door is in force
	local g
	[ -e "$(pins)/active" ] || return 0
	g=$(active generation)
	[ "$g" = 0 ]
}

whole_or_none() {
	closed || serves
}

# The next command is a load and an unload, or an unload alone, in turn.
turn=0
recovers() {
	turn=$((turn + 1))
	if [ $((turn % 2)) = 0 ]; then
		door load || return
		serves || return
	fi
	door unload && clean
}

sweep() { # command before-state
	local command=$1 before=$2 call n bad=0 deaths=0 at
	[ "$before" = none ] || run load
	counts=$(count_calls "$command")
	run unload
	while read -r call n; do
		for at in $(choose "$n"); do
			[ "$before" = none ] || run load
			die_at "$command" "$call" "$at"
			deaths=$((deaths + 1))
			case $command in
			reload) serves ;;
			load) if [ "$before" = none ]; then whole_or_none; else serves; fi ;;
			unload) whole_or_none ;;
			esac || { echo "killed at $call $at: neither old nor new"; bad=1; }
			recovers || { echo "killed at $call $at: not cleaned up"; bad=1; }
		done
	done <<<"$counts"
	echo "# $command, before: $before: $deaths deaths" >&3
	[ $deaths -gt 3 ] && [ $bad = 0 ]
}
exec 3>&1

ok "load from nothing, killed anywhere" sweep load none
ok "load over a door, killed anywhere" sweep load door
ok "reload, killed anywhere" sweep reload door
ok "unload, killed anywhere" sweep unload door
tap_done
