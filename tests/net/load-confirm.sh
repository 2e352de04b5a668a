#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# load and reload --confirm: undone when nobody confirms, kept when somebody
# does, superseded by what comes later.
set -u
. "$(dirname "$0")/../lib/loader.sh"
world

# Long enough for a slow machine to look before it is undone.
S=$((LAB_PATIENCE > 2 ? 30 : 6 * LAB_PATIENCE))

# Processes that wait for a confirmation, in this test's process namespace.
waiting() {
	grep -lx anyport-confirm /proc/[0-9]*/comm 2>/dev/null | wc -l
}
none_waits() { [ "$(waiting)" = 0 ]; }
# What goes by the rules of an installed one: the file that is loaded again.
mkdir "$LAB_DIR/etc.up" "$LAB_DIR/etc.work"
mount -t overlay -o "lowerdir=/etc,upperdir=$LAB_DIR/etc.up,workdir=$LAB_DIR/etc.work" \
	overlay /etc || { echo "Bail out! cannot lay over /etc"; exit 1; }
mkdir -p /etc/anyport
# shellcheck disable=SC2034 # for config and door
CONF=/etc/anyport/anyport.conf
config

json=/run/anyport/$(netns_number).json
confirm=/run/anyport/$(netns_number).confirm

# A note is all that is left, for who would load again by himself.
undone() {
	[ "$(cat "$confirm")" = undone ] || return
	mv "$confirm" "$LAB_DIR/undone" && rmdir /run/anyport && clean
	local rc=$?
	mkdir -p /run/anyport && mv "$LAB_DIR/undone" "$confirm" && return $rc
}

# ---- load ------------------------------------------------------------------------
begun=$SECONDS
ok "load --confirm $S" door load --confirm $S
ok "does not wait itself" test $((SECONDS - begun)) -lt $S
ok "the door serves" serves
ok "one process waits" test "$(waiting)" = 1
ok "until then" test "$(cat "$confirm")" -le $(($(date +%s) + S))
ok "nobody confirms: a note is left" until_true $((8 * S)) undone
ok "no process waits" until_true $S none_waits
ok "confirm is too late" refuses 1 "nothing waits" door confirm
ok "whoever loads by himself is told not to" \
	refuses 1 "was undone or unloaded: put its" door confirm --wait
ok "status does not call it wrong" \
	refuses 3 "not loaded" $IN "$ANYPORT" status
ok "the note stays" undone
ok "until an unload" door unload
ok "nothing is left" clean

ok "load --confirm $S" door load --confirm $S
ok "confirm" door confirm
ok "no process waits" until_true $S none_waits
sleep $((S + 1))
ok "the door serves after the time" serves
ok "confirm again" refuses 1 "nothing waits" door confirm

# ---- reload -----------------------------------------------------------------------
before=$(attached) addresses=$(jq -c .addresses "$json")
config 'interface = e1' 'address = 198.51.100.9'
ok "reload --confirm $S: one more uplink and address" door reload --confirm $S
ok "the door is on the uplink" serves e1
address_count() {
	in_force | jq .n4
}
ok "and has the address" test "$(address_count)" = 2
off() { [ -z "$(attached e1)" ] && [ ! -e "$confirm" ]; }
ok "nobody confirms: off the uplink" until_true $((8 * S)) off
ok "whose clsact is gone" test "$($IN tc qdisc show dev e1 | grep -c clsact)" = 0
ok "the address is gone" test "$(address_count)" = 1
ok "the same programs are attached" test "$before" = "$(attached)"
ok "the state file is as before" test "$addresses" = "$(jq -c .addresses "$json")"
ok "the door serves" serves

door reload 2>/dev/null # both uplinks, for good
on_both=$(attached e0; attached e1)
config
ok "reload --confirm $S: one uplink less" door reload --confirm $S
ok "the door is off it" test -z "$(attached e1)"
on_again() { [ "$(attached e0; attached e1)" = "$on_both" ] && [ ! -e "$confirm" ]; }
ok "nobody confirms: the same programs are back" until_true $((8 * S)) on_again
ok "the second uplink serves" serves e1
ok "with a clsact that is ours to remove" test -e "/run/anyport/$(netns_number).clsact.$($IN cat /proc/net/dev_snmp6/e1 | awk '$1 == "ifIndex" { print $2 }')"
config
door reload 2>/dev/null

# ---- load over a loaded door --------------------------------------------------------
before=$(attached)
ok "load --confirm $S over the door" door load --confirm $S
differs() { [ "$before" != "$(attached)" ]; }
ok "other programs" differs
same() { [ "$before" = "$(attached)" ] && [ ! -e "$confirm" ]; }
ok "nobody confirms: the old programs are back" until_true $((8 * S)) same
ok "the door serves" serves

# ---- superseded -----------------------------------------------------------------------
ok "reload --confirm 60" door reload --confirm 60
ok "a later reload" door reload
ok "supersedes it" until_true $S none_waits
ok "reload --confirm 60" door reload --confirm 60
ok "a later one with --confirm" door reload --confirm 50
one_waits() { [ "$(waiting)" = 1 ]; }
ok "supersedes it, and waits itself" until_true $S one_waits
config 'speed = high'
ok "a reload that is refused" refuses 1 speed door reload
ok "supersedes nothing" test "$(waiting)" = 1
config
ok "confirm" door confirm

before=$(attached)
config 'address = 198.51.100.9'
ok "load --confirm $((3 * S)): other programs and one more address" \
	door load --confirm $((3 * S))
programs=$(attached)
$IN tc qdisc add dev e1 ingress
config 'address = 198.51.100.9' 'interface = e1'
for command in reload load; do
	ok "a $command with an uplink that has no room" \
		refuses 1 "e1 has an ingress qdisc" door $command
	ok "changes no program" test "$programs" = "$(attached)"
	ok "nor the addresses" test "$(address_count)" = 2
	ok "nor that one waits" test "$(waiting)" = 1
done
$IN tc qdisc del dev e1 ingress
as_before() { same && [ "$(address_count)" = 1 ]; }
ok "nobody confirms: undone all the same" until_true $((12 * S)) as_before
ok "the door serves" serves
config
ok "reload --confirm 60" door reload --confirm 60
ok "unload" door unload
ok "supersedes it" until_true $S none_waits
ok "nothing is left" clean

# ---- waited for ------------------------------------------------------------------------
ok "confirm --wait of what is not loaded" door confirm --wait
ok "leaves nothing" clean
door load 2>/dev/null
ok "confirm --wait, and nothing waits" door confirm --wait
await() { # seconds given to confirm
	ok "reload --confirm $1" door reload --confirm "$1"
	door confirm --wait >"$LAB_DIR/waited" 2>&1 &
	waiter=$!
	sleep 2
	ok "confirm --wait waits" kill -0 $waiter
	ok "and keeps nothing" test "$(waiting)" = 1
}
await 60
ok "confirm" door confirm
ok "it ends well" wait $waiter
await $S
ok "nobody confirms, and the file is the same: it ends well" wait $waiter
edit() { # line ...: as config, a second later at least
	config "$@" && touch -d "+$((edits += 5)) seconds" "$CONF"
}
edits=0
not_in_force() {
	refuses 1 "is not what is in force" door confirm --wait
}
ends_badly() {
	! wait $waiter && cat "$LAB_DIR/waited" && [ "$(address_count)" = 1 ] &&
		grep -q "is not what is in force" "$LAB_DIR/waited"
}
edit 'address = 198.51.100.9'
await $S
ok "nobody confirms another configuration: it fails" ends_badly
ok "so it does for every event after that" not_in_force
edit
ok "and before a person has reloaded" not_in_force
door reload 2>/dev/null
ok "not afterwards" door confirm --wait

# B waits, an event comes, C takes B's place.
edit 'address = 198.51.100.9'
await 60
edit 'address = 198.51.100.9' 'address = 198.51.100.8'
ok "reload --confirm $S of a third one" door reload --confirm $S
undone_to_second() { [ ! -e "$confirm" ] && [ "$(address_count)" = 2 ]; }
ok "nobody confirms: the second one is back" until_true $((8 * S)) undone_to_second
fails() {
	! wait $waiter && grep "is not what is in force" "$LAB_DIR/waited"
}
ok "the third one, still in the file, is not brought back" fails
edit 'address = 198.51.100.9'
door reload 2>/dev/null
edit
await 60
edit 'address = 198.51.100.9' 'address = 198.51.100.8'
ok "reload --confirm 60 of a third one" door reload --confirm 60
ok "confirm" door confirm
ok "it is in force, so that it ends well" wait $waiter
door unload
config
ok "load --confirm $S" door load --confirm $S
ok "nobody confirms, nothing is loaded: it fails" \
	refuses 1 "was undone" $IN "$ANYPORT" confirm --wait
ok "a note is left" undone
door load 2>/dev/null
ok "until a load" door confirm --wait
ok "unload" door unload
ok "nothing is left" clean

# ---- undoing fails ---------------------------------------------------------------------
# A /dev of the test's own, whose log is a file.
own_log() {
	mkdir "$LAB_DIR/dev.up" "$LAB_DIR/dev.work" &&
		mount -t overlay -o "lowerdir=/dev,upperdir=$LAB_DIR/dev.up,workdir=$LAB_DIR/dev.work" \
			overlay /dev && rm -f /dev/log || return
	socat -u UNIX-RECV:/dev/log "CREATE:$LAB_DIR/log" &
	logger=$!
	until_true 5 test -S /dev/log
}
logged() { grep -a "$1" "$LAB_DIR/log"; }
status_says() {
	local rc=0
	door status >"$LAB_DIR/status" || rc=$?
	[ $rc = "$1" ] && grep "$2" "$LAB_DIR/status"
}
hushed() { ! door status | grep "undoing it failed"; }
ok "a log to look into" own_log
door load 2>/dev/null
cp "$json" "$LAB_DIR/state.json"
config 'address = 198.51.100.9'
ok "reload --confirm $S" door reload --confirm $S
rm "$json" && mkdir "$json" # no state file can take its place
ok "nobody confirms, it cannot be undone: the log says so" \
	until_true $((8 * S)) logged "undoing failed: Is a directory: anyport unload"
ok "no process waits" until_true $S none_waits
rmdir "$json" && cp "$LAB_DIR/state.json" "$json"
ok "so does status, with exit status 1" status_says 1 "wrong: .*undoing it failed"
ok "nor does it advise to load what was undone" \
	refuses 1 "" grep -E "mend: .*anyport load" "$LAB_DIR/status"
ok "confirm says it" refuses 1 "that failed: anyport unload" door confirm
ok "and ends nothing" status_says 1 "wrong: .*undoing it failed"
ok "whoever loads by himself is told" \
	refuses 1 "that failed: anyport unload" door confirm --wait
ok "until the next command" door reload
ok "that has done it" hushed
ok "unload" door unload
ok "nothing is left" clean

: >"$LAB_DIR/log"
ok "load --confirm $S" door load --confirm $S
rm "$json" && mkdir "$json"
ok "nobody confirms, the load cannot be undone: the log says so" \
	until_true $((8 * S)) logged "undoing failed: Is a directory: anyport unload"
ok "so does status, with exit status 3" status_says 3 "wrong: .*undoing it failed"
ok "confirm says it" refuses 1 "that failed: anyport unload" door confirm
rmdir "$json"
ok "and ends nothing" status_says 3 "wrong: .*undoing it failed"
ok "until a load" door load
ok "that has done it" hushed
config

# ---- an interface vanishes --------------------------------------------------------------
: >"$LAB_DIR/log"
for mode in native tc; do
	door unload
	config "attach = $mode"
	door load 2>/dev/null
	config "attach = $mode" 'interface = e1'
	ok "$mode: reload --confirm $S: one more uplink" door reload --confirm $S
	$IN ip link del e1
	gone() { [ ! -e "$confirm" ]; }
	ok "it is gone, nobody confirms: undone" until_true $((8 * S)) gone
	uplink e1
	door reload 2>/dev/null
	config "attach = $mode"
	ok "$mode: reload --confirm $S: one uplink less" door reload --confirm $S
	$IN ip link del e1
	ok "it is gone, nobody confirms: undone" until_true $((8 * S)) gone
	ok "the door serves" serves
	uplink e1
done
ok "each was undone" test "$(grep -ao "nobody confirmed in time" "$LAB_DIR/log" | wc -l)" = 4
ok "none failed" refuses 1 "" logged "undoing failed"
config
ok "unload" door unload
ok "nothing is left" clean
kill $logger
umount -l /dev

# ---- the session that typed it ends ----------------------------------------------------
hang_up() {
	setsid -w bash -c "$IN $ANYPORT load -c $CONF --confirm $S; kill -HUP 0"
	[ "$(waiting)" = 1 ]
}
ok "the terminal hangs up: it goes on waiting" hang_up
ok "the door serves" serves
ok "and undoes it in time" until_true $((8 * S)) undone

output=$(door load --confirm 60 2>&1 | cat)
ok "it keeps no pipe open" test -n "$output"
pid=$(basename "$(dirname "$(grep -lx anyport-confirm /proc/[0-9]*/comm)")")
ok "nor the lock" door reload -c "$CONF" --confirm 60
kill -9 "$pid" 2>/dev/null
pid=$(basename "$(dirname "$(grep -lx anyport-confirm /proc/[0-9]*/comm)")")
kill -9 "$pid"
ok "killed, it is not waited for" until_true $S refuses 1 "nothing waits" door confirm
ok "the door serves" serves
door unload
ok "nothing is left" clean

tap_done
