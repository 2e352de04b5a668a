#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Kernel memory of a flow when the tables are full. The door's tables have their
# memory from the start: what the kernel charges for those of a family, half-open
# ones and remembered tuples too, by the entries that they hold. conntrack takes
# an entry's objects when it comes: those slab caches count that grow by at least
# one object for every second entry; and its share of the two hash tables (by
# tuple, by source for NAT) of which the kernel makes one for all.
set -eu
. tests/bench/lib/rig.sh
. tests/bench/lib/put.sh
live=build/tests/bench/live
# Of a family, as configured by default: established, half-open, remembered.
ENTRIES=$((3 * 65536))

door_maps() { # JSON of each pinned map
	local pin
	find /run/anyport/bpf -type f | while read -r pin; do
		bpftool -j map show pinned "$pin" 2>/dev/null || :
	done | jq -c 'select(.bytes_memlock != null)'
}

door() {
	local maps family
	within "s$RIG_N" "$ANYPORT" unload
	sed -i '/^established = /d' "/run/rig-$RIG_N.conf" # the defaults
	rig_fresh
	maps=$(door_maps)
	for family in 4 6; do
		jq -s "map(select(.name | endswith(\"$family\"))) |
			(map(.bytes_memlock) | add) / $ENTRIES" \
			<<<"$maps" | put bytes "memory/door/v$family"
	done
	jq -s '(map(.bytes_memlock) | add) / 1024' <<<"$maps" |
		put kB "memory/door/fixed"
}

# Entries as many as conntrack takes; what is thrown out came first.
tracked() { # 4|6
	local entries buckets max
	within "s$RIG_N" conntrack -F 2>/dev/null
	cat /proc/slabinfo >/run/slabs
	$live/new -o /dev/null -g $live/gen.bpf.o -r 1 -n 5 -F "$1" \
		"${RIG_PATHS[-1]}" >/dev/null
	entries=$(within "s$RIG_N" conntrack -C)
	buckets=$(within "s$RIG_N" sysctl -n net.netfilter.nf_conntrack_buckets)
	max=$(within "s$RIG_N" sysctl -n net.netfilter.nf_conntrack_max)
	awk -v n="$entries" -v hash=$((buckets * 16)) -v max="$max" '
		FNR == NR { was[$1] = $2; next }
		$2 - was[$1] > n / 2 {
			bytes += ($2 - was[$1]) / n * $6 * 4096 / $5
			print $1 ": " ($2 - was[$1]) / n " an entry" >"/dev/stderr"
		}
		END { print bytes + hash / max }' /run/slabs /proc/slabinfo |
		put bytes "memory/conntrack/v$1"
	[ "$1" = 6 ] || echo $((buckets * 16 / 1024)) |
		put kB memory/conntrack/fixed
}

ratio() { # 4|6
	jq -s "map({(.name): .samples[0]?}) | add |
		.[\"memory/door/v$1\"] / .[\"memory/conntrack/v$1\"]" "$FIGURES" |
		put ratio "memory/door:conntrack/v$1"
}

rig_path native door:native
door
rig_path iptables iptables
tracked 4
tracked 6
ratio 4
ratio 6
