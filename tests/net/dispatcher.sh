#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The door beside other XDP programs on its uplink, behind libxdp's dispatcher:
# one that runs before it and one that runs after it keep seeing the packets,
# and stay when the door is replaced and removed. The first sees the port that
# was dialled, the last the target's.
set -u
. tests/lab/lab.sh
OBJECT=$LAB_TREE/build/tests/bpf/beside.bpf.o
OTHER=$LAB_TREE/build/other/anyport # the same sources, other instructions

# beside NAME PRIORITY: its counters get pinned under NAME
beside() {
	within srv xdp-loader load -m native -P "$2" -p "/sys/fs/bpf/$1" eth0 "$OBJECT"
}

# How many packets to UDP port $2 the program named $1 has seen.
seen() {
	bpftool -j map lookup pinned "/sys/fs/bpf/$1/ports" \
		key $(($2 & 255)) $(($2 >> 8)) 0 0 | jq .formatted.value
}

# Programs on the uplink in the order in which they run.
order() {
	within srv xdp-loader status eth0 | awk '/=>/ { printf " %s", $3 }'
}

order_is() {
	echo "order:$(order)"
	[ "$(order)" = "$1" ]
}

kernel_refuses() {
	ip link add probe0 type veth peer name probe1
	xdp-loader load -m native -p /sys/fs/bpf/probe probe0 "$OBJECT"
	xdp-loader status probe0 | grep -q xdp_dispatcher
	local chained=$?
	xdp-loader unload -a probe0
	ip link delete probe0
	[ $chained != 0 ]
}

door_joins() {
	beside before 10 && door_open && order_is " beside anyport_xdp"
}

other_joins() {
	beside after 90 && order_is " beside anyport_xdp beside"
}

# A client comes in by the door; both others saw it, each with its own port.
client_passes() {
	client_start alice alice udp 53 $SRV4 && lab_up alice &&
		tunnel_ping alice alice
	local up=$?
	echo "before: 53 $(seen before 53), 1194 $(seen before 1194);" \
		"after: 53 $(seen after 53), 1194 $(seen after 1194)"
	[ $up = 0 ] && [ "$(seen before 53)" -gt 0 ] &&
		[ "$(seen before 1194)" = 0 ] && [ "$(seen after 53)" = 0 ] &&
		[ "$(seen after 1194)" -gt 0 ]
}

replaced() {
	local first second
	first=$(within srv bpftool -j prog show name anyport_xdp | jq .id)
	within srv "$OTHER" load -c "$DOOR_CONF" &&
		order_is " beside anyport_xdp beside" &&
		tunnel_ping alice alice || return
	second=$(within srv bpftool -j prog show name anyport_xdp | jq .id)
	echo "program $first, then $second"
	[ "$first" != "$second" ]
}

other_leaves() {
	local id
	id=$(within srv xdp-loader status eth0 |
		awk '/=> +10 / { print $4 }')
	within srv xdp-loader unload -i "$id" eth0 &&
		order_is " anyport_xdp beside" && tunnel_ping alice alice
}

sees_more_than() { [ "$(seen after 53)" -gt "$1" ]; }

# As ip netns exec runs it: the dispatcher's pins are hidden, so is what is behind.
hidden() {
	local out
	out=$(unshare --mount sh -c 'mount -t sysfs sysfs /sys && exec "$@"' sh \
		nsenter --net=/run/netns/srv "$ANYPORT" unload 2>&1) && return 1
	echo "$out"
	[[ $out = *"nsenter --net"* ]] && order_is " anyport_xdp beside"
}

door_leaves() {
	local n
	anyport unload && order_is " beside" || return
	n=$(seen after 53)
	within alice bash -c "echo >/dev/udp/$SRV4/53"
	until_true 3 sees_more_than "$n"
}

if kernel_refuses >/dev/null 2>&1; then
	echo "ok 1 # SKIP this kernel refuses programs of type ext, which libxdp's dispatcher needs"
	echo 1..1
	exit 0
fi
lab_start && servers_start || exit 1
ok "the door joins a program that was there" door_joins
ok "another program joins the door" other_joins
ok "a client comes in; each program sees its packets" client_passes
ok "another build replaces the door's program alone" replaced
ok "another program leaves, the door stays" other_leaves
ok "unload does not leave it there in silence" hidden
ok "the door leaves, the other program stays" door_leaves
tap_done
