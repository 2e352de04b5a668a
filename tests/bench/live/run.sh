#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [quick|full]: UDP and TCP through every path, on one core. A run of the
# benchmark has several of it.
set -eu
. tests/bench/lib/rig.sh
dir=build/tests/bench/live
EMPTY=$PWD/$dir/empty.bpf.o
figures=${BENCH_FIGURES:-build/bench/figures}
mkdir -p "${figures%/*}"
# Many short rounds: what disturbs one of them disturbs all of its paths. In each
# cell calm rounds are waited for, so many seconds.
case ${1:-quick} in
quick) rounds=3 packets=24000 flows=1,10000 price='' tcp=3 wait=1 ;;
full) rounds=7 packets=40000 flows=1,10000,100000 price=1,10000 tcp=5 wait=12 ;;
esac

rig_path nothing none
rig_path iptables iptables
rig_path nft nft
rig_path native door:native
rig_path generic door:generic
rig_path tc door:tc
common=(-o "$figures" -g "$dir/gen.bpf.o" -r "$rounds" -n "$packets" -w "$wait" -F 46)

# One that fails does not take the others with it.
failed=0
measure() { # program option ...
	local program=$1
	shift
	rig_fresh
	sleep 2 # hosts that are new say which multicast groups they want
	$dir/"$program" "${common[@]}" "$@" "${RIG_PATHS[@]}" || failed=1
}

measure in -f "$flows"
measure out -f "$flows" -n $((packets / 2))
doors=("${RIG_PATHS[@]}")

rig_path limited door_limited:native
rig_path drop drop
measure new

# What a program costs those who have no business with it, and of what the door's
# own price is made.
RIG_PATHS=("${doors[0]}" "${doors[3]}")
rig_path empty-native empty:native
rig_path empty-generic empty:generic
rig_path empty-tc empty:tc
empty=("${RIG_PATHS[@]:2}")
if [ -n "$price" ]; then
	rig_path line line
	rig_path other-native other:native
	rig_path other-generic other:generic
	rig_path other-tc other:tc
	rig_path clsact clsact
	rig_path sk_lookup lookup
	measure in -k price -f "$price"
fi

RIG_PATHS=("${doors[@]}" "${empty[@]}")
measure tcp -r "$tcp"
exit $failed
