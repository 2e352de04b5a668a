#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Ten seconds of spoofed packets, far more than the tables hold, while four
# members are on: they notice nothing, and who was on lately gets back in. The
# whole of it, with 100 members and what it is compared with, is
# tests/long/flood.sh.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/flood.sh
. tests/lab/flood.sh

MEMBERS=4 LENGTH=10
ROOM=9216	# in each family's half-open tier

# What gets past the limiter waits in one socket buffer with what members send.
# Small budgets, so that the buffer also lasts while the machine is busy with
# something else; for the same reason the flood takes what others leave.
BUDGET=100
FLOOD_NICE=19

lab_start && flood_network && flood_server && door_open "[limits]
half-open = $ROOM
resets = $BUDGET
control = $BUDGET
data = $BUDGET" || exit

on() { # how many members
	local established
	read -r established _ < <(flood_tiers)
	[ "${established:-0}" -ge "$1" ]
}
lost_little() {
	echo "${FLOOD[loss]} %: ${FLOOD[lost]}"
	awk -v n="${FLOOD[loss]}" 'BEGIN { exit !(n <= 5) }'
}
flooded() {
	echo "${FLOOD[rx]} packets"
	[ "${FLOOD[rx]}" -gt $((8 * ROOM)) ]
}
dropped() {
	echo "${FLOOD[drop_reset]} ${FLOOD[drop_control]} ${FLOOD[drop_data]}"
	((FLOOD[drop_reset] && FLOOD[drop_control] && FLOOD[drop_data]))
}
# The three budgets for the time that it took, and what is there at the start.
within_budget() {
	echo "${FLOOD[udp_new]} in ${FLOOD[seconds]}/10 s"
	[ "${FLOOD[udp_new]}" -le $((3 * BUDGET * (FLOOD[seconds] + 10) / 10)) ]
}
got_back() {
	echo "connected after ${FLOOD[back]} ms"
	[ "${FLOOD[back]}" != never ]
}

ok "$MEMBERS members connect" flood_members $MEMBERS
ok "they are in the established tier" until_true 10 on $MEMBERS
ok "$LENGTH s of spoofed packets" flood_run $LENGTH mixed
ok "many times what the tables hold arrived" flooded
ok "the limiter dropped resets, control and data" dropped
ok "no more new flows than the budgets allow" within_budget
ok "no session was restarted" test "${FLOOD[restarts]}" = 0
ok "at most 5 % of the pings was lost" lost_little
ok "every reply came from what was dialled" test "${FLOOD[wrong]}" = 0
ok "the members are in the established tier still" \
	test "${FLOOD[tier_established]}" -ge $MEMBERS
ok "a member whose network was known got in" got_back
tap_done
