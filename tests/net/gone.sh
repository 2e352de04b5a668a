#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A network namespace that is deleted without unload: what its door has left is
# named and removed, and nobody else's is.
set -u
. "$(dirname "$0")/../lib/loader.sh"
world
status() { $IN "$ANYPORT" status; }

# A door in a namespace of its own: other_door NAME, then NUMBER is its number.
other_door() {
	ip netns add "$1"
	ip -n "$1" link add x0 type veth peer name x1
	ip -n "$1" link set x0 up
	ip -n "$1" link set x1 up
	printf '%s\n' '[door]' 'interface = x0' 'address = 203.0.113.1' \
		>"$LAB_DIR/$1.conf"
	nsenter --net="/run/netns/$1" "$ANYPORT" load -c "$LAB_DIR/$1.conf" \
		2>/dev/null || return
	NUMBER=$(nsenter --net="/run/netns/$1" stat -L -c %i /proc/self/ns/net)
}
is_there() { [ -e "/run/anyport/bpf/$NUMBER/$LAYOUT/lookup" ] && [ -e "/run/anyport/$NUMBER.json" ]; }
nothing_of_it() {
	! find /run/anyport | grep "/$NUMBER"
}
# The kernel takes a namespace apart a moment after its name is gone.
taken_apart() {
	[ "$(bpftool -j link show pinned "/run/anyport/bpf/$NUMBER/$LAYOUT/lookup" |
		jq .netns_ino)" = 0 ]
}

other_door first
echo "1700000000" >"/run/anyport/$NUMBER.confirm"
ok "a door in another namespace" is_there
ok "status here does not mind" refuses 3 "not loaded" status
ip netns del first
ok "the namespace goes" until_true 10 taken_apart
ok "what it left is there" is_there
named() { # exit-status mend
	local out rc=0
	out=$(status) || rc=$?
	echo "$out"
	[ $rc = "$1" ] && grep -q "note: .*/$NUMBER is left of a network namespace" <<<"$out" &&
		grep -q "mend: anyport $2$" <<<"$out"
}
ok "status here names it" named 3 unload
ok "load here" door load
ok "has removed it" nothing_of_it
ok "the door serves" serves
not_named() {
	! status | grep "is left of"
}
ok "status: nothing of it" not_named

# Held by nothing but its name; its sk_lookup was detached by hand.
other_door second
bpftool link detach pinned "/run/anyport/bpf/$NUMBER/$LAYOUT/lookup"
ok "of a namespace that exists" is_there
ok "load here" door load
ok "removes nothing" is_there
# Held by a process in another mount namespace, which has no name for it.
sleeper=$(nsenter --net=/run/netns/second unshare --mount sh -c \
	'sleep 60 >/dev/null 2>&1 & echo $!')
ip netns del second
ok "nor when a process alone holds it" door load
ok "removes nothing" is_there
kill "$sleeper"
left_here() { named 1 load; }
ok "status names it when that ends" until_true 10 left_here

# An unload that was interrupted when only the directories were left.
mkdir -p /run/anyport/bpf/4026599999/$LAYOUT
ok "unload here" door unload
ok "has removed all" clean
tap_done
