#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# load, reload and unload as they should be used: what is attached afterwards,
# in which mode, what stays the same, and that nothing is left.
set -u
. "$(dirname "$0")/../lib/loader.sh"
world

has_all_pins() {
	local name
	for name in config active spread policy flows4 flows6 half4 half6 nat4 nat6 \
		aliased budgets prefixes known listeners sockets peers looking counters secret; do
		bpftool map show pinned "$(pins)/$name" >/dev/null || return
	done
	[ "$(find "$(pins)" -type f | wc -l)" = 23 ] || { ls "$(pins)"; return 1; }
}

# What bpftool lists must use the pinned maps and nobody else's.
programs_use_pins() {
	local id name
	id=$(bpftool -j map show pinned "$(pins)/config" | jq .id)
	for name in anyport_xdp anyport_egress anyport_lookup anyport_peer4 \
		anyport_peer6; do
		bpftool -j prog show | jq -e --arg n $name --argjson m "$id" \
			'[.[] | select(.name == $n and (.map_ids // [] | index($m)))] |
			length == 1' >/dev/null || { echo "$name"; return 1; }
	done
	$IN bpftool -j net show | jq -e '.[0] | (.xdp | length == 1) and
		(.tc | length == 1) and
		(.tc[0].name | startswith("anyport_egress"))'
}

modes_are() { # mode...
	[ "$(stat -c '%a %U:%G' /run/anyport/bpf)" = "750 root:$1" ] &&
		[ "$(stat -c '%a %U:%G' "$(pins)")" = "750 root:$1" ] &&
		[ "$(find "$(pins)" -type f ! -name secret ! -perm 640 | wc -l)" = 0 ] &&
		[ "$(find "$(pins)" -type f ! -name secret ! -group "$1" | wc -l)" = 0 ] &&
		[ "$(stat -c "%a %U:%G" "$(pins)/secret")" = "600 root:root" ] &&
		[ "$(stat -c '%a %U:%G' "/run/anyport/$(netns_number).json")" = "640 root:$1" ] ||
		{ ls -la /run/anyport /run/anyport/bpf "$(pins)"; return 1; }
}

# Ids of the links: a program is replaced, never taken off and put on again.
link_ids() {
	local name
	for name in lookup peer4 peer6; do
		bpftool -j link show pinned "$(pins)/$name" | jq .id
	done
}

ok "load" door load
ok "everything is attached" serves
ok "every map is pinned, and nothing else" has_all_pins
ok "bpftool: five programs, on the pinned maps" programs_use_pins
ok "readable by root's group alone" modes_are root
ok "the state file names what is attached" \
	test "xdp $(state '.uplinks[0].ingress_id')" = "$(attached | grep xdp)"
ok "a key was made, for root alone" \
	test "$(stat -c '%a %s' /var/lib/anyport/secret)" = "600 16"

# ---- again -------------------------------------------------------------------
links=$(link_ids)
before=$(attached) maps=$(bpftool -j map show pinned "$(pins)/flows4" | jq .id)
secret="$(key hash) $(key place)"
# An established flow in the first entry of the first segment; no hash puts it
# there, but nobody who reads or empties the table asks.
first=192
entry=(0xc6 0x33 0x64 0x07 0xd4 0x31 0x04 0xaa)
flow_of_id() { # id of the address dialled
	local value=() i
	for ((i = 0; i < 4096; i++)); do value+=(0); done
	for i in "${!entry[@]}"; do value[first + i]=${entry[i]}; done
	for i in 1 0xbb 0xd4 0x31 "$1" 2 0 0 1 0 0 0; do
		value[first++ + 8]=$i
	done
	first=192
	bpftool map update pinned "$(pins)/flows4" key 0 0 0 0 value "${value[@]}"
}
first_entry() {
	bpftool -j map lookup pinned "$(pins)/flows4" key 0 0 0 0 |
		jq -r ".value[$first:$first + 8] | join(\" \")"
}
has_flow() { [ "$(first_entry)" = "${entry[*]}" ] || { first_entry; return 1; }; }
has_no_flow() { [ "$(first_entry | cut -d' ' -f7-)" = "0x00 0x00" ] || { first_entry; return 1; }; }
flow_of_id 0
ok "load again" door load
ok "still everything is attached, once" serves
differs() { [ "$1" != "$2" ] || { echo "$1"; return 1; }; }
ok "by new programs" differs "$before" "$(attached)"
ok "on the same maps" test "$maps" = "$(bpftool -j map show pinned "$(pins)/flows4" | jq .id)"
ok "by the same links" test "$links" = "$(link_ids)"
ok "with the flows that were there" has_flow
ok "generation 2 after two loads" test "$(active generation)" = 2
before=$(attached)
ok "reload" door reload
ok "by the same programs" test "$before" = "$(attached)"
ok "generation 3" test "$(active generation)" = 3
ok "the flows are there" has_flow
ok "the keys are the same" test "$secret" = "$(key hash) $(key place)"

two() { # command
	local a b
	door "$1" &
	a=$!
	door "$1" &
	b=$!
	wait $a && wait $b
}
ok "two loaders at once" two load
ok "leave one door" serves
ok "bpftool: one program of each" programs_use_pins

# ---- unload -------------------------------------------------------------------
ok "unload" door unload
ok "nothing is left" clean
ok "unload again" door unload
ok "nothing is left" clean
two_unloaders() { door load && two unload; }
ok "two unloaders at once" two_unloaders
ok "nothing is left" clean
ok "a load beside a load, from nothing" two load
ok "leave one door" serves
new_layout() { [ "$(key hash)" = "${secret% *}" ] && [ "$(key place)" != "${secret#* }" ]; }
ok "by the key of this host, and a new one for the tables" new_layout
ok "unload" door unload
ok "nothing is left" clean

# ---- the group ----------------------------------------------------------------
as_group() {
	setpriv --reuid=65534 --regid=4242 --clear-groups "$@"
}
# /etc/group of this test's own: the group exists on installed hosts only.
cp /etc/group "$LAB_DIR/group"
echo "anyport:x:4242:" >>"$LAB_DIR/group"
mount --bind "$LAB_DIR/group" /etc/group
door load >/dev/null 2>&1
ok "pins belong to the group" modes_are anyport
ok "the group lists the pins" as_group ls "$(pins)"
ok "nobody else does" refuses 2 "Permission denied" \
	setpriv --reuid=65534 --regid=65534 --clear-groups ls "$(pins)"
door unload
umount /etc/group

# ---- two uplinks, addresses come and go ----------------------------------------
config 'interface = e1'
ok "load on two uplinks" door load
ok "the first serves" serves e0
ok "the second serves" serves e1
config
ok "reload without the second" door reload
ok "it is off the second" test -z "$(attached e1)"
ok "whose clsact is gone" test "$($IN tc qdisc show dev e1 | grep -c clsact)" = 0
ok "it is on the first" serves e0
config 'interface = e1' 'address = 198.51.100.2'
ok "reload with it, and a third address" door reload
ok "the second serves" serves e1
ids() {
	state '[.addresses[] | "\(.id)=\(.address)\(if .in_use then "" else "-" end)"] | join(" ")'
}
ok "ids are given in order" test "$(ids)" = "0=198.51.100.1 1=2001:db8::1 2=198.51.100.2"
printf '%s\n' '[door]' 'interface = e0' 'address = 198.51.100.3' 'address = 198.51.100.2' >"$CONF"
door reload 2>/dev/null
ok "an address that stays keeps its id, a new one gets a new one" test "$(ids)" = \
	"0=198.51.100.1- 1=2001:db8::1- 2=198.51.100.2 3=198.51.100.3"
config
door reload 2>/dev/null
ok "one that comes back has its own again" test "$(ids)" = \
	"0=198.51.100.1 1=2001:db8::1 2=198.51.100.2- 3=198.51.100.3-"
id_in_kernel() {
	in_force |
		jq ".n4 == 1 and .n6 == 1 and .addr4[0].id == 0 and .addr6[0].id == 1"
}
ok "as the programs see it" test "$(id_in_kernel)" = true

# 64 ids, 32 in a configuration: three of these sets need some anew.
many() { # first
	local i
	printf '%s\n' '[door]' 'interface = e0'
	for ((i = $1; i < $1 + 32; i++)); do
		echo "address = 192.0.2.$i"
	done
}
many 1 >"$CONF"
door reload 2>/dev/null
many 101 >"$CONF"
flow_of_id 0
door reload 2>/dev/null
ok "ids run out: one that nobody uses is given again" test "$(state '[.addresses[] |
	select(.in_use)] | length')" = 32
ok "after its flows are gone" has_no_flow
many 1 >"$CONF"
door reload 2>/dev/null
ok "and the door still serves" serves
door unload

ok "nothing is left" clean

tap_done 30
