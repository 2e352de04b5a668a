#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# LEAK_CYCLES (5) times load, replacement, reload and unload: of programs, maps,
# links, pins, files, descriptors and the kernel's memory there are as many in
# every cycle, and none afterwards.
set -u
. "$(dirname "$0")/../lib/loader.sh"
n=${LEAK_CYCLES:-5}
[ "$LAB_PATIENCE" = 1 ] || n=$(((n + 1) / 2))
OTHER=$TOP/build/other/anyport
world
room=$((40000 + RANDOM % 20000))
settings() {
	config "$@" '[limits]' "established = $room"
}

# ---- memory: a control group of the cycles' own -----------------------------------
group="" home=""
memory_group() {
	local top
	top=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
	if [ -z "$top" ]; then
		top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
		if [ -z "$top" ]; then
			top=$LAB_DIR/cgroup
			mkdir "$top" && mount -t cgroup2 cgroup2 "$top" || return
		fi
		echo +memory >"$top/cgroup.subtree_control" || return
	fi
	group=$top/anyport-leaks.$$.$RANDOM
	mkdir "$group" && home=$top
}
# What the kernel holds on our behalf, in bytes.
memory() {
	if [ -e "$group/memory.kmem.usage_in_bytes" ]; then
		cat "$group/memory.kmem.usage_in_bytes"
	else
		awk '$1 == "kernel" { print $2 }' "$group/memory.stat"
	fi
}
leaks_done() {
	[ -z "$group" ] || { echo $$ >"$home/cgroup.procs"; rmdir "$group"; }
	loader_done
} 2>/dev/null
trap leaks_done EXIT

# ---- objects -----------------------------------------------------------------------
ids() { # kind; all there are
	bpftool -j "$1" show | jq '.[].id'
}
# Ours, of a loaded door: lines "map N", "prog N", "link N".
ours() {
	local pin config
	for pin in "$(pins)"/*; do
		case $pin in
		*/lookup | */peer[46]) bpftool -j link show pinned "$pin" | jq -r '"link \(.id)"' ;;
		*) bpftool -j map show pinned "$pin" | jq -r '"map \(.id)"' ;;
		esac
	done
	config=$(bpftool -j map show pinned "$(pins)/config" | jq .id)
	bpftool -j prog show | jq -r --argjson m "$config" \
		'.[] | select(.map_ids // [] | index($m)) | "prog \(.id)"'
}
kinds() { cut -d' ' -f1 "$LAB_DIR/ours" | sort | uniq -c | tr -s ' \n' ' '; }
files() { find /run/anyport /sys/fs/bpf -type f ! -name "*.debug" 2>/dev/null | wc -l; }
gone() {
	local kind
	for kind in map prog link; do
		ids $kind | sed "s/^/$kind /"
	done | sort | comm -12 - <(sort -u "$LAB_DIR/seen") >"$LAB_DIR/left"
	[ ! -s "$LAB_DIR/left" ] || { cat "$LAB_DIR/left"; return 1; }
}
descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }

run() { "$@" >"$LAB_DIR/said" 2>&1 || { cat "$LAB_DIR/said"; return 1; }; }

# What a loaded door consists of, the same in every cycle.
cycle() { # number
	local waits now
	settings
	run door load || return
	settings 'interface = e1'
	ANYPORT=$OTHER run door load && run door reload || return
	settings
	run door reload --confirm 60 || return
	waits=$(pgrep -x anyport-confirm | head -n 1)
	ours >"$LAB_DIR/ours"
	cat "$LAB_DIR/ours" >>"$LAB_DIR/seen"
	now="$(kinds)files $(files), $(descriptors "$waits") descriptors wait"
	[ "$1" -gt 1 ] || first=$now
	[ "$now" = "$first" ] ||
		{ echo "cycle 1: $first"; echo "cycle $1: $now"; return 1; }
	run door confirm && run door unload && clean &&
		until_true 5 no_process
}
no_process() { ! pgrep -x 'anyport.*'; }
cycles() {
	local i
	: >"$LAB_DIR/seen"
	for ((i = 1; i <= n; i++)); do
		cycle $i || return
	done
	echo "# $n cycles, in each: $first" >&3
}

# Two readings alike: what is freed late has been freed.
memory_settled() {
	local before now i
	now=$(memory)
	for ((i = 0; i < 20; i++)); do
		before=$now
		sleep 0.5
		now=$(memory)
		[ "$now" -lt "$before" ] || break
	done
	echo "$now"
}
# What is not freed again after two rounds of it is a leak; a kernel caches, so
# a page for each cycle is none. The smallest map takes more.
memory_same() {
	local begin end
	cycle 1 && cycle 1 || return
	run door load
	loaded=$(memory)
	run door unload
	begin=$(memory_settled)
	cycles || return
	end=$(memory_settled)
	echo "# kernel memory: $begin bytes before, $end after; $((loaded - begin)) more while loaded" >&3
	[ "$loaded" -gt $((begin + 1000000)) ] &&
		[ $((end - begin)) -lt $((n * 4096 + 262144)) ]
}

# A command that stays: it holds what it reads no longer than it reads it.
watcher() {
	local pid before after
	settings
	run door load || return
	$IN "$ANYPORT" stats --watch 1 >/dev/null 2>&1 &
	pid=$!
	sleep 1.5
	before=$(descriptors $pid)
	run door reload && ANYPORT=$OTHER run door load && sleep 2.5
	after=$(descriptors $pid)
	ours >>"$LAB_DIR/seen"
	run door unload && until_true 5 gone
	local rc=$?
	kill $pid
	wait $pid 2>/dev/null
	echo "descriptors: $before, then $after"
	[ $rc = 0 ] && [ "$before" = "$after" ]
}
exec 3>&1

mounts=$(wc -l </proc/mounts) before=$(files) shown=34
if memory_group 2>/dev/null && echo $$ >"$group/cgroup.procs"; then
	ok "$n cycles, and the kernel's memory is as before" memory_same
else
	shown=
	ok "$n cycles" cycles
	tap_result "the kernel's memory is as before # SKIP no control group for memory" 0 /dev/null
fi
ok "programs, maps and links are gone" until_true 10 gone
ok "a reader that stays holds nothing" watcher
ok "files and mounts are as before" \
	test "$(wc -l </proc/mounts) $(files)" = "$mounts $before"
# shellcheck disable=SC2086 # none, when memory was not looked at
tap_done $shown
