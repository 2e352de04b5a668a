#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [quick|full]: UDP through every path, frame by frame.
set -eu
. tests/bench/lib/rig.sh
dir=build/tests/bench/live
EMPTY=$PWD/$dir/empty.bpf.o
figures=${BENCH_FIGURES:-build/bench/figures}
mkdir -p "${figures%/*}"
case ${1:-quick} in
quick) rounds=7 packets=20000 flows=1,10000 families=46 ;;
full) rounds=15 packets=100000 flows=1,10000,100000 families=46 ;;
esac

rig_path nothing none
rig_path iptables iptables
rig_path nft nft
rig_path native door:native
rig_path generic door:generic
rig_path tc door:tc
common=(-o "$figures" -g $dir/gen.bpf.o -r $rounds -n $packets -F $families)
$dir/in "${common[@]}" -f $flows "${RIG_PATHS[@]}"
rig_path limited door_limited:native
rig_path drop drop
$dir/new "${common[@]}" "${RIG_PATHS[@]}"
