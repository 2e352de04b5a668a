#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A kernel that refuses one of the programs: a load that cannot do without it
# fails with one line and leaves nothing, a door that was loaded goes on to
# serve, attach = auto takes tc and says why; and the kernel is asked once.
set -u
. "$(dirname "$0")/../lib/loader.sh"
world
ip -n member address add 198.51.100.7/24 dev e0
TOOLS=$TOP/build/tests/tools
LOG=$LAB_DIR/programs
RESET=3801020304050607080000000000 # HARD_RESET_CLIENT_V2
$IN "$TOOLS/serve" -n openvpn udp :: 1194 members >"$LAB_DIR/pids"
$IN "$TOOLS/serve" -n openvpn tcp :: 1194 members >>"$LAB_DIR/pids"

# With a kernel that refuses PROGRAMS with ERROR.
refusing() { # "PROGRAM ..." error command ...
	local IN="env REFUSE_ERRNO=$2 REFUSE_LOG=$LOG
		LD_PRELOAD=$TOP/build/tests/preload/refuse.so $IN"
	export REFUSE=$1
	rm -f "$LOG"
	shift 2
	"$@"
}

# Program and reason, and what to do next.
refusal() { # program error
	local why="Permission denied"
	[ "$2" = 13 ] || why="Invalid argument"
	echo "the kernel (Linux $(uname -r)) refused program $1: $why: that is a fault of anyport, please report it"
}
refused() { # program error text, of the interface or none, command ...
	local program=$1 error=$2 where=$3
	shift 3
	refusing "$program" "$error" refuses 1 \
		"anyport: $where$(refusal "$program" "$error"); anyport -v load says more" \
		"$@"
}

# attach = auto has a line for each way that it tried.
nothing_works() { # "PROGRAM ..." error, what is said of tc
	local status=0
	refusing "$1" "$2" door load >"$LAB_DIR/said" 2>&1 || status=$?
	[ $status = 1 ] || return
	sed "s/ priority 7: .*/ priority 7/" "$LAB_DIR/said" | diff - <(
		echo "anyport: e0: attach = auto: there is no way to take packets in:"
		echo "anyport:   XDP: $(refusal anyport_xdp "$2")"
		echo "anyport:   tc ingress: $3"
		echo "anyport: one of them has to work; anyport -v load says more"
	)
}

times() { # program: how often the kernel was asked to take it
	grep -cx "$1" "$LOG"
}

# Nothing of anyport's, nor of what libxdp would put XDP behind.
untouched() {
	clean || return
	! $IN ip -d link show dev e0 | grep xdp || return
	! find /sys/fs/bpf/xdp -mindepth 1 2>/dev/null | grep . || return
	! bpftool link show | grep -A1 sk_lookup | grep "netns_ino $(netns_number) "
}

passes() { # a member's packet to a port where nobody listens, and the answer
	[ "$(ip netns exec member timeout 3 "$TOOLS/say" udp 198.51.100.1 443 $RESET)" = members ]
}

whole() { serves && passes; }

listens() { # process: one of its netlink sockets is told of what happens
	ls -l "/proc/$1/fd" | sed -n 's/.*socket:.\([0-9]*\).$/\1/p' >"$LAB_DIR/sockets"
	$IN awk 'NR == FNR { of[$1]; next }
		$NF in of && $4 !~ /^0*$/ { found = 1 }
		END { exit !found }' "$LAB_DIR/sockets" /proc/net/netlink
}
# COMMAND, which succeeds, and no filter of e0 comes or goes meanwhile, not even
# to be put back.
begins_nothing() { # command ...
	local pid status
	$IN tc monitor >"$LAB_DIR/events" &
	pid=$!
	until_true 10 listens $pid
	"$@"
	status=$?
	$IN tc qdisc add dev lo clsact # the last event
	until_true 10 grep "dev lo" "$LAB_DIR/events"
	$IN tc qdisc del dev lo clsact
	kill $pid
	wait $pid 2>/dev/null
	[ $status = 0 ] && grep "dev lo" "$LAB_DIR/events" &&
		! grep "dev e0" "$LAB_DIR/events"
}

kernels_own() { # what the kernel has of the door
	attached e0
	attached e1
	active generation
	slot "$(($(active generation) & 1))"
}

# ---- from nothing ---------------------------------------------------------------
for error in 13 22; do
	for mode in native generic; do
		config "attach = $mode"
		ok "attach = $mode, XDP refused with $error" \
			refused anyport_xdp $error "e0: " door load
		ok "nothing is left" untouched
	done
	once=$(times anyport_xdp)
	config 'attach = tc'
	ok "attach = tc, ingress refused with $error" \
		refused anyport_ingress $error "e0: " door load
	ok "nothing is left" untouched
	config
	for program in anyport_egress anyport_lookup; do
		ok "$program refused with $error" refused $program $error "" door load
		ok "nothing is left" untouched
	done
	ok "attach = auto, XDP and ingress refused with $error" \
		nothing_works "anyport_xdp anyport_ingress" $error \
		"$(refusal anyport_ingress $error)"
	ok "nothing is left" untouched
	ok "XDP was asked for as often as for one mode ($once)" \
		test "$(times anyport_xdp)" = "$once"
done

$IN tc qdisc add dev e0 clsact
$IN tc filter add dev e0 ingress prio 7 protocol ip u32 match u32 0 0 flowid 1:1
ok "attach = auto, XDP refused and the place in tc taken" \
	nothing_works anyport_xdp 13 "cannot attach to tc ingress of e0 at priority 7"
$IN tc qdisc del dev e0 clsact
ok "nothing is left" untouched

# ---- attach = auto goes on to tc ------------------------------------------------
why="XDP: the kernel refused program anyport_xdp: Permission denied; with attach = native, anyport -v load says more"
auto_says() {
	refusing anyport_xdp 13 door load >"$LAB_DIR/said" 2>&1 || return
	grep -xF "anyport: e0: tc ingress ($why)" "$LAB_DIR/said"
}
status_says() { # what follows the uplink
	door status
	door status | grep -F "e0: up; $1"
}
config 'interface = e1'
ok "attach = auto for two uplinks, XDP refused: tc, and why" auto_says
ok "XDP was asked for as often as for one" test "$(times anyport_xdp)" = "$once"
door unload
config
ok "attach = auto, XDP refused: tc, and why" auto_says
ok "XDP was asked for as often as for one mode" test "$(times anyport_xdp)" = "$once"
ok "it serves" whole
ok "by tc" test "$(attached | cut -d' ' -f1 | tr '\n' ' ')" = "ingress egress "
ok "status says it" status_says "tc ingress ($why)"
ok "and finds nothing wrong" door status
why_is() { [ "$(door status --json | jq -r '.door.uplinks[0] | "\(.mode) \(.why)"')" = "$1" ]; }
ok "so does status --json" why_is "tc $why"
ok "load again says it, too" auto_says
ok "without asking for XDP" test "$(times anyport_xdp)" = 0
ok "reload" door reload
ok "status still says it" status_says "tc ingress ($why)"

# ---- a door that serves ---------------------------------------------------------
config 'attach = native' 'address = 198.51.100.9'
before=$(kernels_own)
ok "native over it, XDP refused before anything is changed" \
	begins_nothing refused anyport_xdp 13 "e0: " door load
ok "it serves" whole
ok "nothing has changed" test "$before" = "$(kernels_own)"
config 'attach = tc'
ok "attach = tc is no choice of ours" door reload
ok "so there is no reason" why_is "tc "
config 'attach = native'
ok "native over it, XDP taken" door load
ok "it serves" whole
config 'attach = tc' 'address = 198.51.100.9'
before=$(kernels_own)
ok "tc over it, ingress refused" refused anyport_ingress 22 "e0: " door load
ok "it serves" whole
ok "nothing has changed" test "$before" = "$(kernels_own)"

for mode in native generic tc auto; do
	config "attach = $mode" 'address = 198.51.100.9'
	door unload
	door load 2>/dev/null
	before=$(kernels_own) program=anyport_xdp
	[ $mode != tc ] || program=anyport_ingress
	config "attach = $mode"
	for error in 13 22; do
		ok "$mode, $program refused with $error in a load over it" \
			refused $program $error "e0: " door load
		ok "the door serves" whole
		ok "nothing has changed" test "$before" = "$(kernels_own)"
	done
done
for program in anyport_egress anyport_lookup; do
	ok "$program refused in a load over it" refused $program 13 "" door load
	ok "the door serves" whole
	ok "nothing has changed" test "$before" = "$(kernels_own)"
done
config 'attach = native' 'interface = e1'
ok "XDP refused in a reload with one more uplink" \
	refused anyport_xdp 13 "e1: " door reload
ok "the door serves" whole
ok "nothing has changed" test "$before" = "$(kernels_own)"
ok "there is no clsact on the other" \
	test "$($IN tc qdisc show dev e1 | grep -c clsact)" = 0
config

# ---- what waits for its confirmation --------------------------------------------
config 'attach = native'
ok "load --confirm" door load --confirm 600
ok "XDP refused in the next load" refused anyport_xdp 13 "e0: " door load
config 'attach = native' 'interface = e1'
ok "XDP refused in a reload with one more uplink" \
	refused anyport_xdp 13 "e1: " door reload
ok "what waited waits" door confirm
ok "the door serves" whole
door unload

# ---- behind a dispatcher with another's program ---------------------------------
theirs() {
	$IN xdp-loader status e0 | awk '/=>/ { printf "%s ", $3 }'
}
$IN xdp-loader load -m native -p /sys/fs/bpf/theirs e0 \
	"$TOP/build/tests/bpf/beside.bpf.o" >/dev/null 2>&1
if [ "$(theirs)" = "beside " ]; then
	config 'attach = native'
	ok "XDP refused beside another's program" refused anyport_xdp 13 "e0: " door load
	ok "nothing is left" clean
	ok "but theirs" test "$(theirs)" = "beside "
	ok "load --confirm beside it" door load --confirm 600
	ok "XDP refused in the next load" refused anyport_xdp 13 "e0: " door load
	ok "what waited waits" door confirm
	ok "the door serves" whole
	door unload
	config
	ok "attach = auto goes on to tc" auto_says
	ok "it serves" whole
	ok "beside theirs" test "$(theirs)" = "beside "
	door unload
else
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N # SKIP this kernel refuses programs of type ext, which libxdp's dispatcher needs"
fi
$IN xdp-loader unload -a e0 >/dev/null 2>&1
rm -rf /sys/fs/bpf/theirs

# ---- what a door can do without -------------------------------------------------
peers_say() {
	refusing anyport_peer4 13 door load >"$LAB_DIR/said" 2>&1 &&
		grep "warning: .*the kernel refused the program: Permission denied" "$LAB_DIR/said" &&
		passes && door status | grep "the kernel refused the program"
}
ok "getpeername refused: a warning, and a door that serves" peers_say
door unload
ok "nothing is left" untouched

xargs kill <"$LAB_DIR/pids"
tap_done
