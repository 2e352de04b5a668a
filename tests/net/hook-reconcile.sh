#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# reconcile: what crashes, lost events and strangers leave behind is put
# right, and nothing else is touched.
set -u
. tests/lib/hook.sh
hook_start
now=$(($(date +%s) - 60))
account alice 10
account bob 11

reconcile >"$dir/out"
check "nothing to do: exit 0" same $? 0
check "and it says so" same "$(cat "$dir/out")" "in order"

# a route that somebody deleted
connect alice udp $now
ip route del 203.0.113.10 dev tunudp
reconcile --dry-run >"$dir/out"
check "dry run: exit 3" same $? 3
check "dry run: says what" same "$(cat "$dir/out")" \
	"alice: 203.0.113.10 dev tunudp is missing: would be put right"
check "dry run: changes nothing" same "$(ip route show 203.0.113.10)" ""
reconcile --json >"$dir/out"
check "put right: exit 0" same $? 0
check "put right: the route is there" routes_on 10 tunudp
check "JSON" same "$(jq -c . <"$dir/out")" '{"schema":1,"dry_run":false,"changes":[{"what":"route-missing","name":"alice","route":"203.0.113.10","device":"tunudp","error":null,"repaired":true}],"drift":1,"failed":0}'
check "JSON of nothing" same "$(reconcile --json | jq -c .)" \
	'{"schema":1,"dry_run":false,"changes":[],"drift":0,"failed":0}'

# a route on the wrong device
ip route replace 203.0.113.10 dev tuntcp proto static metric 50
reconcile >/dev/null
check "moved back from the wrong device" routes_on 10 tunudp

# orphans, and what is none of ours
ip route add 203.0.113.99 dev tuntcp proto static metric 50
ip -6 route add 2001:db8:199::/48 dev tunudp proto static metric 50
ip route add 203.0.113.98 dev tuntcp proto static metric 51
ip route add 203.0.113.97 dev tuntcp metric 50
ip route add 198.51.100.0/24 dev tuntcp proto static metric 50
ip route add 203.0.113.96 dev lo proto static metric 50
reconcile >/dev/null
check "orphans: exit 0" same $? 0
check "orphans are gone, foreign routes stay" same \
	"$(ip route show | grep -cE '^(203.0.113.9[678]|198.51.100.0)')" 4
check "the IPv6 orphan is gone" same "$(ip -6 route show 2001:db8:199::/48)" ""
check "the IPv4 orphan is gone" same "$(ip route show 203.0.113.99)" ""
for r in "203.0.113.98 dev tuntcp metric 51" "203.0.113.97 dev tuntcp" \
	198.51.100.0/24 "203.0.113.96 dev lo"; do
	# shellcheck disable=SC2086
	ip route del $r
done

# the process that held the device is gone: kill -9
connect bob tcp $now
kill -9 "${pid[tcp]}"; wait "${pid[tcp]}" 2>/dev/null
reconcile >"$dir/out"
check "OpenVPN killed: exit 0" same $? 0
check "its session is gone" same "$(ls "$state" | grep -c bob)" 0
check "the other instance's is not" routes_on 10 tunudp
instance tcp tuntcp

# a persistent device without its process
ip tuntap del dev tunkeep mode tun 2>/dev/null
sed -i 's/^device = tuntcp/&\ndevice = tunkeep/' "$conf"
ip tuntap add dev tunkeep mode tun && ip link set tunkeep up
ip addr add 203.0.113.2/24 dev tunkeep noprefixroute
build/tests/tools/tunhold tunkeep >"$dir/keep.ready" &
pid[keep]=$! started[keep]=$(date +%s)
for _ in $(seq 100); do [ -s "$dir/keep.ready" ] && break; sleep 0.02; done
connect bob keep $now
check "on a persistent device" same "$(ip route show 203.0.113.11 | grep -c tunkeep)" 1
kill -9 "${pid[keep]}"; wait "${pid[keep]}" 2>/dev/null; unset "pid[keep]"
check "the kernel keeps a dead instance's routes" same \
	"$(ip route show 203.0.113.11 | grep -c tunkeep)" 1
reconcile >/dev/null
check "reconcile does not" same "$(ip route show 203.0.113.11)" ""
ip link del tunkeep

# status files
claimed() { # NAME SECONDS: so long ago
	sed -i "s/^\(claim \([^ ]* \)\{8\}\)[0-9]*/\1$(($(date +%s) - $2))/" "$state/$1"
}
disconnect alice udp $now
connect alice udp $now
status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + 5))"
reconcile >"$dir/out"
check "a session that the status file has stays" routes_on 10 tunudp
check "in order" same "$(cat "$dir/out")" "in order"
status udp
claimed alice 60
reconcile >/dev/null
check "one that may be younger than the file before it stays" routes_on 10 tunudp
claimed alice 160
reconcile >/dev/null
check "an older one that it has not is ended" routes_on 10 ""
at=$(($(date +%s) - 5)) status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + 5))"
event up "" udp 0
check "a session without a claim may be over: only noted" routes_on 10 ""
reconcile >/dev/null
check "the same file does not prove more" routes_on 10 ""
at=$(($(date +%s) + 5)) status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + 5))"
reconcile >/dev/null
check "one of later: the session gets its routes" routes_on 10 tunudp
disconnect alice udp $now
check "and its disconnect finds it" routes_on 10 ""
# a status file from before a disconnect must not bring the session back
connect alice tcp $now
at=$(($(date +%s) - 5)) status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + 5))"
reconcile >/dev/null
check "an old status file takes no routes away" routes_on 10 tuntcp
at=$(($(date +%s) + 5)) status udp
reconcile >/dev/null
check "nor is it noted for long" same "$(grep -c "^claim" "$state/alice")" 1
disconnect alice tcp $now
status udp

# not complete, or old: no proof of anything
connect alice udp $now
claimed alice 160
sed -i '/^END/d' "$dir/status.udp"
reconcile >/dev/null
check "an incomplete status file ends nothing" routes_on 10 tunudp
# OpenVPN is stopped when it has written a new client's row over alice's.
row="$now,203.0.113.10,2001:db8:2::a,$now"
at=$((now + 50)) status udp "alice,$row"
cp "$dir/status.udp" "$dir/before"
status udp "carol,$row" "alice,$row"
head -n 4 "$dir/status.udp" >"$dir/half"
tail -c +$(($(stat -c %s "$dir/half") + 1)) "$dir/before" >>"$dir/half"
mv "$dir/half" "$dir/status.udp"
check "half a new status file" same "$(grep -c -e alice -e END "$dir/status.udp")" 2
: >"$dir/log"
reconcile >"$dir/out"
check "ends nothing" routes_on 10 tunudp
check "and is not believed" same "$(cat "$dir/log" "$dir/out")" \
	"anyport-hook: status file $dir/status.udp of udp: it is not whole (a comma in a name needs status-version 3), ignoring it
in order"
at=$((now - 1000)) status udp
reconcile >/dev/null
check "nor does an old one" routes_on 10 tunudp

# an address that passed to another member while the first one's session, which
# ended, still awaits the end of its routes
disconnect alice udp $now
inherited() {
	account alice 10; rm -f "$users/heir"
	connect alice udp $now
	sed -i 's/^\(claim \([^ ]* \)\{12\}\)0/\11/' "$state/alice"
	rm "$users/alice"; account heir 10
	connect heir udp $now
}
status udp
for by in reconcile "disconnect alice udp $now"; do
	inherited
	check "to be ended by ${by%% *}" same "$(ls "$state" | grep -c -e '^alice$' -e '^heir$')" 2
	$by >/dev/null
	check "it is" test ! -e "$state/alice"
	check "the routes are the heir's, and stay" routes_on 10 tunudp
	check "and are not put back" same "$(reconcile)" "in order"
	disconnect heir udp $now
	check "who takes them along" routes_on 10 ""
done
rm "$users/heir"; account alice 10
connect alice udp $now

# reset in place: only packets tell
connect alice tcp $((now + 10))
status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + 8))"
status tcp "alice,$((now + 10)),203.0.113.10,2001:db8:2::a,$((now + 12))"
reconcile >/dev/null
check "the newest owner saw the last packet: stays" routes_on 10 tuntcp
status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + 40))"
reconcile >/dev/null
check "packets on udp again: the routes follow" routes_on 10 tunudp
disconnect alice tcp $((now + 10))
check "the late disconnect of tcp changes nothing" routes_on 10 tunudp
disconnect alice udp $now
status udp; status tcp

# reset in place with traffic both ways: the answers refresh the session that
# has the routes, only what a session receives tells
connect alice udp $now
connect alice tcp $((now + 10))
sound() { # SECONDS UDP-BYTES TCP-BYTES
	at=$((now + $1)) status udp "alice,$now,203.0.113.10,2001:db8:2::a,$((now + $1)),$2"
	at=$((now + $1)) status tcp "alice,$((now + 10)),203.0.113.10,2001:db8:2::a,$((now + $1)),$3"
	reconcile >/dev/null
}
sound 20 1000 1000
sound 40 1000 2000
check "tcp is heard, udp is not: stays" routes_on 10 tuntcp
sound 50 2000 2000
check "a short silence of tcp: stays" routes_on 10 tuntcp
sound 80 3000 2000
check "tcp is silent, udp is not: the routes follow" routes_on 10 tunudp
sound 90 3000 3000
sound 100 4000 4000
check "both are heard: stays" routes_on 10 tunudp
disconnect alice tcp $((now + 10))
disconnect alice udp $now
status udp; status tcp

# hostile ledgers: another's routes, another's addresses
connect alice udp $now
sed -e 's/203.0.113.10/203.0.113.1/; s|/32|/24|' "$state/alice" >"$state/mallory"
sed -i 's|^route 203.0.113.1/24.*|route 0.0.0.0/0 -|' "$state/mallory"
reconcile >/dev/null
check "no default route from a forged ledger" same "$(ip route show default)" ""
rm -f "$state/mallory"
disconnect alice udp $now

# unreachable
reconcile >/dev/null
check "no unreachable routes unless asked" same "$(ip route show type unreachable)" ""
sed -i 's/^users = /unreachable = yes\n&/' "$conf"
reconcile >/dev/null
check "unreachable: exit 0" same $? 0
check "an absent member's address does not loop" same \
	"$(ip route get 203.0.113.50 2>&1 | grep -c 'No route to host')" 1
check "nor a prefix" same "$(ip -6 route get 2001:db8:1ff::1 2>&1 | grep -c 'No route to host')" 1
connect alice udp $now
check "a present one's is routed" same "$(ip route get 203.0.113.10 | grep -c tunudp)" 1
check "twice is once" same "$(reconcile)" "in order"
reconcile --remove >/dev/null
check "--remove takes them away" same "$(ip route show type unreachable; ip -6 route show type unreachable)" ""
check "and leaves the members alone" routes_on 10 tunudp
reconcile >/dev/null
sed -i '/^unreachable/d' "$conf"
reconcile >/dev/null
check "no longer configured: gone" same "$(ip route show type unreachable)" ""
disconnect alice udp $now

reconcile --nonsense 2>/dev/null >&2
check "misuse: exit 2" same $? 2
"$hook" reconcile -c /nonexistent/x 2>/dev/null
check "no configuration: exit 1" same $? 1
check "nothing is left" same "$(ls "$state" | grep -v '^@')" ""
finish
