#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The ways to attach and from one to another, interfaces that come and go, a
# second namespace, and that many loads leave nothing.
set -u
. "$(dirname "$0")/../lib/loader.sh"
world

# ---- modes ----------------------------------------------------------------------
xdp_mode() {
	$IN ip -j -d link show dev e0 | jq -r '.[0].xdp.mode // "none"'
}
for mode in native generic tc; do
	config "attach = $mode"
	ok "attach = $mode" door load
	ok "it serves" serves
	ok "the state file says so" test "$(state '.uplinks[0].mode')" = $mode
	case $mode in
	native) want=1 ;; # XDP_ATTACHED_DRV
	generic) want=2 ;;
	tc) want=none ;;
	esac
	ok "so does the kernel" test "$(xdp_mode)" = $want
	ok "load over it, from one mode to the same" door load
	ok "it serves" serves
done
config "attach = native"
ok "reload does not change the mode" refuses 1 "attach = native" door reload
ok "load does: tc to native" door load
ok "it serves" serves
ok "the tc ingress filter is gone" test -z "$(attached | grep ingress)"
config "attach = generic"
ok "native to generic" door load
ok "it serves" serves
config "attach = tc"
ok "generic to tc" door load
ok "it serves" serves
ok "XDP is gone" test "$(xdp_mode)" = none
door unload

# Packets larger than a page are no hindrance: the program takes fragments.
config
ip -n member link set e0 mtu 9000
$IN ip link set e0 mtu 9000
ok "auto, MTU 9000" door load
ok "is native" test "$(xdp_mode)" = 1
door unload
ip -n member link set e0 mtu 1500
$IN ip link set e0 mtu 1500

# A bridge has no native XDP.
$IN ip link add br0 type bridge
$IN ip link set br0 up
sed -i 's/= e0/= br0/' "$CONF"
auto_says() {
	door load 2>&1 | tee "$LAB_DIR/said" | grep "br0: generic XDP" &&
		grep -q "native: " "$LAB_DIR/said"
}
ok "auto falls back, and says why" auto_says
ok "it serves" serves br0
ok "the state file says why" grep -q 'native: .' <(state '.uplinks[0].why')
why=$(state '.uplinks[0].why')
door load 2>/dev/null
ok "load again keeps mode and reason" test "$(state '.uplinks[0] | "\(.mode) \(.why)"')" = "generic $why"
config 'attach = native'
sed -i 's/= e0/= br0/' "$CONF"
door unload
ok "attach = native is taken at its word" refuses 1 "cannot attach native XDP to br0" door load
$IN ip link del br0
ok "nothing is left" clean

# ---- an uplink that is deleted and made anew ----------------------------------
config
door load 2>/dev/null
ip -n member link del e0
uplink e0
$IN ip address add 198.51.100.1/24 dev e0
ok "load after the interface was made anew" door load
ok "it serves" serves
$IN ip link set e0 down
$IN ip link set e0 name up0
$IN ip link set up0 up
sed -i 's/= e0/= up0/' "$CONF"
ok "reload after it was renamed" door reload
ok "it serves" serves up0
$IN ip link set up0 down
$IN ip link set up0 name e0
$IN ip link set e0 up
door unload
ok "nothing is left" clean

# ---- a second namespace ---------------------------------------------------------
config
door load 2>/dev/null
printf '%s\n' '[door]' 'interface = e1' 'address = 203.0.113.1' >"$LAB_DIR/other.conf"
ok "a door in another namespace" nsenter --net=/run/netns/member "$ANYPORT" load -c "$LAB_DIR/other.conf"
ok "beside the first" test "$(find /run/anyport/bpf -name lookup | wc -l)" = 2
ok "unload one" nsenter --net=/run/netns/member "$ANYPORT" unload
ok "the other serves" serves
door unload
ok "nothing is left" clean

# A namespace that is gone leaves pins whose number a new one may get.
nsenter --net=/run/netns/member "$ANYPORT" load -c "$LAB_DIR/other.conf" 2>/dev/null
member=$(nsenter --net=/run/netns/member stat -L -c %i /proc/self/ns/net)
mv "/run/anyport/bpf/$member" "/run/anyport/bpf/$(netns_number)"
ok "load where another namespace's pins are" door load
ok "serves" serves
door unload
nsenter --net=/run/netns/member "$ANYPORT" unload
ok "nothing is left" clean

# ---- no leaks ---------------------------------------------------------------------
n=$((LAB_PATIENCE > 1 ? 3 : 20))
entries=$((40000 + $$ % 20000))
config '[limits]' "remembered = $entries"
cycles() {
	local i
	for ((i = 0; i < n; i++)); do
		door load && door reload && door unload || return
	done >/dev/null 2>&1
}
door load 2>/dev/null
ok "the kernel has this test's two maps of $entries" test "$(maps_of_size $entries)" = 2
door unload
ok "$n loads, reloads and unloads" cycles
no_maps() { [ "$(maps_of_size $entries)" = 0 ]; }
ok "none of their maps is left, so no program that uses one" until_true 10 no_maps
ok "nothing else is left" clean

tap_done 30
