#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Who may read the door: a user of the group anyport reads status, stats and
# flows without any privilege, although the kernel denies BPF to ordinary
# users, and cannot change a thing. Nobody else reads it.
set -u
. tests/lab/lab.sh

# The group, in this sandbox alone, and a program that others can reach.
people() {
	if ! getent group anyport >/dev/null; then
		{ cat /etc/group && echo "anyport:x:60900:"; } >/run/group &&
			mount --bind /run/group /etc/group || return
	fi
	GROUP=$(getent group anyport | cut -d: -f3)
	install -m 755 "$ANYPORT" /run/anyport-copy &&
		install -m 755 "$LAB_TREE/build/tests/tools/mapread" $READ
}

# as reader|stranger COMMAND ...: without root's identity and capabilities
as() {
	local groups=--clear-groups
	[ "$1" = stranger ] || groups=--groups=$GROUP
	shift
	within srv setpriv --reuid=60901 --regid=60901 "$groups" \
		--inh-caps=-all --bounding-set=-all --no-new-privs "$@"
}

asks() { # who exit-status pattern command ...
	local who=$1 want=$2 pattern=$3 out rc
	shift 3
	out=$(as "$who" /run/anyport-copy "$@" 2>&1)
	rc=$?
	echo "exit status $rc: $out"
	[ $rc = "$want" ] && grep -qE -- "$pattern" <<<"$out"
}

bpf_is_denied() {
	sysctl kernel.unprivileged_bpf_disabled
	[ "$(sysctl -n kernel.unprivileged_bpf_disabled)" != 0 ]
}

# Each directory and pin below anyport's file system; *.debug are the kernel's.
modes() {
	local wrong
	find /run/anyport/bpf ! -name '*.debug' -printf '%m %G %y %p\n'
	wrong=$(find /run/anyport/bpf ! -name '*.debug' ! -name secret -printf '%m %G %y\n' |
		grep -cvxE "(750 $GROUP d|640 $GROUP f)")
	[ "$wrong" = 0 ] && [ -e "$(echo /run/anyport/bpf/*/*/flows4)" ]
}

client_is_seen() {
	client_start alice alice udp 53 $SRV4 && lab_up alice &&
		asks reader 0 "$HOME4:.* $SRV4:53 " flows
}

json_too() {
	local what
	for what in status stats flows; do
		echo "$what"
		as reader /run/anyport-copy $what --json |
			jq -e '.schema == 1' || return
	done
}

# Through the pinned map itself: the kernel must refuse, not the program.
writes_nothing() {
	local map before after
	map=$(echo /run/anyport/bpf/*/*/policy)
	before=$(bpftool map lookup pinned "$map" key 80 0 0 0)
	! as reader bpftool map update pinned "$map" key 80 0 0 0 \
		value 1 0 0 0 0 0 0 0 || return
	after=$(bpftool map lookup pinned "$map" key 80 0 0 0)
	[ -n "$before" ] && [ "$before" = "$after" ]
}

# Through what the kernel gives a reader, and not through anyport.
READ=/run/mapread-copy
pin() { echo /run/anyport/bpf/*/*/"$1"; }

key_is_roots() {
	[ "$(stat -c '%a %u %g' "$(pin secret)")" = "600 0 0" ] &&
		as reader $READ "$(pin config)" >/dev/null &&
		! as reader $READ "$(pin secret)" || return
	! as reader $READ "$(bpftool -j map show pinned "$(pin secret)" | jq .id)"
}

# Neither half of either key, in any array that a reader can open. (Where flows
# are says something of the second one: tests/THREATS.md.)
key_is_nowhere_else() {
	local half found=0 map
	for map in config active aliased budgets prefixes known listeners policy; do
		as reader $READ "$(pin $map)" || return
	done >/run/all-that-is-read
	[ "$(wc -c </run/all-that-is-read)" -gt 1000000 ] || return
	for half in $($READ "$(pin secret)" | fold -w 16); do
		found=$((found + 1))
		! grep -q "$half" /run/all-that-is-read || return
	done
	[ $found = 4 ]
}

# Whatever is below /run/anyport, by the kernel's own word.
nothing_is_writable() { # who
	local found
	found=$(as "$1" find /run/anyport -writable 2>/dev/null)
	echo "writable for a $1: $found"
	[ -z "$found" ]
}

changes_nothing() {
	asks reader 1 root unload && asks reader 1 root load -c "$DOOR_CONF" &&
		asks reader 0 serving status
}

lab_start && people && servers_start && door_open || exit 1
ok "the kernel denies BPF to ordinary users" bpf_is_denied
ok "pins are the group's to read" modes
ok "a user of the group reads status" asks reader 0 serving status
ok "and stats" asks reader 0 udp_new stats
ok "and flows, with a member on" client_is_seen
ok "and all three as JSON" json_too
ok "a user of the group cannot write to a map" writes_nothing
ok "nor load or unload" changes_nothing
ok "nor to any file of the door" nothing_is_writable reader
ok "nor does he get at the key of the hashes" key_is_roots
ok "which is in nothing that he can read" key_is_nowhere_else
ok "a stranger does not read status" asks stranger 1 "for root and the group" status
ok "nor flows" asks stranger 1 "for root and the group" flows
ok "nor writes to anything" nothing_is_writable stranger
tap_done
