#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Configuration and programs are replaced while 20,000 packets a second flow
# both ways in established flows, some of them aliased, and TCP connections come
# and go: nothing is lost, doubled or misrouted, no flow is made anew, and a bad
# configuration does not reach the kernel. REPLACE_RELOADS, REPLACE_LOADS: how
# often, in each mode; REPLACE_SHARE: how much of the rate must be reached, in %.
set -u
. "$(dirname "$0")/../lib/loader.sh"
reloads=${REPLACE_RELOADS:-6} loads=${REPLACE_LOADS:-2}
rate=$((20000 / LAB_PATIENCE))
STREAM=$TOP/build/tests/tools/stream DIAL=$TOP/build/tests/tools/dial
OTHER=$TOP/build/other/anyport # the same sources, other instructions

world
$IN ip address add 198.51.100.2/24 dev e0
ip -n member address add 198.51.100.9/24 dev e0
ip -n member address add 2001:db8::9/64 dev e0 nodad
flows="5000/198.51.100.1/443 5000/198.51.100.1/53 5000/198.51.100.1/1194
	5000/198.51.100.2/443 5001/198.51.100.1/443 5001/198.51.100.2/65535
	5000/2001:db8::1/443 5000/2001:db8::1/1 5000/2001:db8::1/1194
	5001/2001:db8::1/65535"
dialled="198.51.100.1/443 2001:db8::1/443 198.51.100.2/53 2001:db8::1/1
	198.51.100.1/1194 2001:db8::1/65535"

# Two configurations that differ in every section, but not for those ports.
one() {
	config 'address = 198.51.100.2' "attach = $mode"
}
two() {
	printf '%s\n' '[door]' "attach = $mode" 'interface = e0' \
		'address = 2001:db8::1' 'address = 198.51.100.2' \
		'address = 192.0.2.55' 'address = 198.51.100.1' \
		'[udp]' 'pass = 500, 4000-5000' 'map = 8080:8081' \
		'[tcp]' 'pass = 22' '[limits]' 'nat-ports = none' >"$CONF"
}

begin() { # name command ...; until it says that it is ready
	local name=$1
	shift
	rm -f "$LAB_DIR/$name"
	"$@" >"$LAB_DIR/$name" 2>&1 &
	eval "$name=$!"
	until_true $((20 * LAB_PATIENCE)) grep -q ready "$LAB_DIR/$name"
}

finish() { # name
	local pid=${!1} rc
	kill -TERM "$pid"
	wait "$pid"
	rc=$?
	tail -n 1 "$LAB_DIR/$1" | sed "s/^/# $mode: /" >&3
	cat "$LAB_DIR/$1"
	return $rc
}

tags() {
	local id
	for id in $(attached | cut -d' ' -f2) "$(bpftool -j link show pinned \
		"$(pins)/lookup" | jq .prog_id)"; do
		bpftool -j prog show id "$id" | jq -r .tag
	done
}

# What the programs read, as a sum.
told() {
	local map
	{
		active generation
		active instance
		for map in config policy; do
			bpftool map dump pinned "$(pins)/$map"
		done
	} | md5sum
}

counter() { door stats --json | jq ".counters.$1"; }

reload_often() {
	local i
	for ((i = 1; i <= reloads; i++)); do
		if [ $((i % 2)) = 1 ]; then two; else one; fi
		door reload 2>"$LAB_DIR/said" ||
			{ cat "$LAB_DIR/said"; return 1; }
	done
}

# A new build, and the old one again, each with other instructions.
replace_often() {
	local i before after
	one
	for ((i = 1; i <= loads; i++)); do
		before=$(tags)
		if [ $((i % 2)) = 1 ]; then
			ANYPORT=$OTHER door load 2>"$LAB_DIR/said"
		else
			door load 2>"$LAB_DIR/said"
		fi || { cat "$LAB_DIR/said"; return 1; }
		after=$(tags)
		[ "$(printf '%s\n' "$before" "$after" | sort -u | wc -l)" = 6 ] ||
			{ echo "tags: $before, then $after"; return 1; }
		serves || return
	done
}

bad_ones() {
	local before line command
	before=$(told) || return
	for line in 'speed = high' 'address = 198.51.100.300' 'interface = lo' \
		'[udp]
target = 0' '[tcp]
map = 443' '[limits]
established = 70000' '[udp]
pass = 1-70000'; do
		for command in reload load; do
			one
			case $line in
			'['*) printf '%s\n' "$line" >>"$CONF" ;;
			*) sed -i "/^address = 198.51.100.2/a $line" "$CONF" ;;
			esac
			! door $command >"$LAB_DIR/said" 2>&1 ||
				{ echo "taken: $line"; return 1; }
		done
	done
	[ "$(told)" = "$before" ]
}

as_many_flows() {
	local now
	now=$(counter udp_new)
	echo "new flows: $made, then $now; unknown: $(counter out_unknown)"
	[ "$now" = "$made" ] && [ "$(counter out_unknown)" = 0 ] &&
		[ "$(counter udp_alias)" -gt 0 ]
}

# The tool itself held its rate; on slow machines the rate is lower.
fast_enough() {
	local pps
	pps=$(sed -n 's/.* pps \([0-9]*\).*/\1/p' "$LAB_DIR/udp")
	echo "$pps packets a second each way, $rate wanted"
	[ "$pps" -ge $((rate * ${REPLACE_SHARE:-25} / 100)) ]
}

echo_udp="" echo_tcp=""
served() {
	begin echo_udp $IN sh -c 'echo ready; exec "$@"' sh "$STREAM" echo 1194
	begin echo_tcp $IN sh -c 'echo ready; exec "$@"' sh "$DIAL" echo 1194
}

# shellcheck disable=SC2086
try() { # mode
	mode=$1
	one
	door load >/dev/null 2>&1
	ok "$mode: TCP runs" begin tcp ip netns exec member "$DIAL" run $dialled
	ok "$mode: UDP runs" begin udp ip netns exec member "$STREAM" send \
		-r $rate $flows
	made=$(counter udp_new)
	ok "$mode: $reloads reloads" reload_often
	ok "$mode: $loads replacements, each by other programs" replace_often
	[ $mode != native ] ||
		ok "bad configurations change nothing" bad_ones
	ok "$mode: UDP: nothing lost, doubled or misrouted" finish udp
	ok "$mode: at that rate" fast_enough
	ok "$mode: TCP: nothing refused, cut off or changed" finish tcp
	ok "$mode: no flow was made anew" as_many_flows
	door unload
}
exec 3>&1

served
for how in native generic tc; do
	try $how
done
kill "$echo_udp" "$echo_tcp"
tap_done 31
