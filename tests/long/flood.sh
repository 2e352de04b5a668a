#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A minute of spoofed packets at the full rate of one processor, while 100
# members are on: real OpenVPN clients with "keepalive 1 5", each pinging once a
# second. With the door nobody notices; without its limiter and its two tiers,
# and with iptables-legacy's DNAT, see the table that this prints. tests/long/
# flood.md keeps one.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/flood.sh
. tests/lab/flood.sh

SECONDS_EACH=${FLOOD_SECONDS:-60}
MEMBERS=${FLOOD_MEMBERS:-100}
SCENARIOS=${FLOOD_SCENARIOS:-quiet door unlimited one-tier dnat}
FORMAT='%-22s %8s %8s %7s %7s %7s %7s %7s %6s %7s %8s %9s %9s %9s\n'
ONE_TIER=$LAB_DIR/one-tier/build/anyport

# The processor that makes the flood does nothing else.
[ "$(nproc --all)" = 1 ] || taskset -cp "1-$(($(nproc --all) - 1))" $$ >/dev/null

# An anyport that never promotes a flow: all are in one table, as in a simple
# design. A copy of the sources with one word changed.
one_tier_build() {
	local ovpn=$LAB_DIR/one-tier/bpf/ovpn.h
	mkdir -p "$LAB_DIR/one-tier" &&
		cp -r Makefile CHANGES bpf user "$LAB_DIR/one-tier" &&
		sed -i '/case OVPN_DATA_V2: return/s/AP_ESTABLISHED/AP_NEW/' \
			"$ovpn" &&
		! cmp -s "$ovpn" bpf/ovpn.h &&
		make -s -C "$LAB_DIR/one-tier" -j2 build/anyport
}

NO_LIMITER='[limits]
resets = off
control = off
data = off'

door_for() { # scenario
	LAB_DOOR=anyport ANYPORT=$LAB_TREE/build/anyport
	case $1 in
	unlimited) door_open "$NO_LIMITER" ;;
	one-tier)
		# shellcheck disable=SC2034 # of door.sh
		ANYPORT=$ONE_TIER
		door_open "$NO_LIMITER"
		;;
	dnat)
		LAB_DOOR=dnat
		door_dnat -legacy
		;;
	*) door_open ;;
	esac
}

door_shut() {
	if [ "$LAB_DOOR" = anyport ]; then
		anyport unload
	else
		within srv iptables-legacy -t nat -F
		within srv ip6tables-legacy -t nat -F
		within srv conntrack -F 2>/dev/null
	fi
}

row() { # scenario
	local name=$1
	[ "$name" != dnat ] || name="dnat, max $(within srv \
		sysctl -n net.netfilter.nf_conntrack_max)"
	# shellcheck disable=SC2059
	printf "$FORMAT" "$name" "${FLOOD[rate]}" "${FLOOD[restarts]}" \
		"${FLOOD[loss]}" "${FLOOD[worst]}" "${FLOOD[wrong]}" \
		"${FLOOD[new]}" "${FLOOD[back]}" "${FLOOD[tier_established]}" \
		"${FLOOD[tier_half]}" "${FLOOD[drop_reset]:--}" \
		"$((FLOOD[drop_control] + FLOOD[drop_data]))" \
		"${FLOOD[full]}" "${FLOOD[evicted]}" >>"$LAB_DIR/table"
}

scenario() { # name
	FLOOD=()
	door_for "$1" && flood_server && flood_members "$MEMBERS" &&
		flood_run "$SECONDS_EACH" \
			"$([ "$1" = quiet ] && echo none || echo mixed)" &&
		row "$1"
	local rc=$?
	flood_over
	door_shut
	return $rc
}

at_most() { # number limit
	echo "$1, at most $2; lost pings, each with how many members lost it:" \
		"${FLOOD[lost]}"
	awk -v n="$1" -v most="$2" 'BEGIN { exit !(n <= most) }'
}
flooded() { # more than all tables hold
	echo "${FLOOD[rx]} packets"
	[ "${FLOOD[rx]}" -gt 1000000 ]
}
limited() {
	echo "dropped: ${FLOOD[drop_reset]} ${FLOOD[drop_control]} ${FLOOD[drop_data]}"
	((FLOOD[drop_reset] && FLOOD[drop_control] && FLOOD[drop_data]))
}
noticed() {
	echo "${FLOOD[restarts]} restarts, loss ${FLOOD[loss]} %"
	[ "${FLOOD[restarts]}" -gt 0 ] || ! at_most "${FLOOD[loss]}" 1
}

# One whose network was known; its first packet may get lost once and is repeated
# after 2 s.
back_soon() {
	echo "in after ${FLOOD[back]} ms"
	[ "${FLOOD[back]}" != never ] &&
		[ "${FLOOD[back]}" -le $((3000 * LAB_PATIENCE)) ]
}

served() {
	ok "$1: no session restarts" test "${FLOOD[restarts]}" = 0
	ok "$1: at most 1 % of the pings is lost" at_most "${FLOOD[loss]}" 1
	ok "$1: every reply comes from what was dialled" \
		test "${FLOOD[wrong]}" = 0
	ok "$1: all members are in the established tier" \
		test "${FLOOD[tier_established]}" -ge "$MEMBERS"
	ok "$1: one from a known network gets in within 3 s" back_soon
}

lab_start && flood_network || exit
cpu=$(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo)
echo "$(date +%F), Linux $(uname -r), $(nproc --all) x $cpu;" \
	"$MEMBERS members, $SECONDS_EACH s" >"$LAB_DIR/table"
# shellcheck disable=SC2059
printf "$FORMAT" scenario "pps in" restarts "loss %" "worst %" wrong "new ms" \
	"back ms" estab. half dropped "control," socket conntrack \
	"" "" "" "" "" "" "" "" "" "" resets data full full \
	>>"$LAB_DIR/table"
[[ $SCENARIOS != *one-tier* ]] ||
	ok "an anyport with one tier can be built" one_tier_build
for s in $SCENARIOS; do
	ok "$s: $MEMBERS members, $SECONDS_EACH s" scenario "$s" || continue
	[ "$s" = quiet ] || ok "$s: the flood arrives" flooded
	case $s in
	quiet) served quiet ;;
	door)
		ok "door: the limiter drops" limited
		served door
		;;
	unlimited | one-tier) ok "$s: members notice" noticed ;;
	esac
done
sed 's/^/# /' "$LAB_DIR/table"
cp "$LAB_DIR/table" build/flood.txt

# Only the whole of it shows the requirement.
if [[ $SCENARIOS == *door*one-tier* ]] && [ "$MEMBERS" -ge 100 ] &&
	[ "$SECONDS_EACH" -ge 60 ]; then
	tap_done 24
fi
tap_done
