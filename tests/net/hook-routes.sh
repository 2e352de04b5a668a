#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The hook's events with real routes: connect, move, late disconnects in every
# order, fall back, refusals, accounts that change, reconcile.
set -u
. tests/lib/hook.sh
hook_start
now=$(date +%s)
account alice 10
account bob 11

connect alice udp $now
check "connect: exit 0" same $? 0
check "connect: routes on udp" routes_on 10 tunudp
check "connect: what OpenVPN is told" same "$(cat "$dir/push.alice.udp")" \
	'ifconfig-push 203.0.113.10 255.255.255.0
ifconfig-ipv6-push 2001:db8:2::a/64 2001:db8:2::1
iroute-ipv6 2001:db8:10a::/48
push "setenv-safe DELEGATED_IPV6_PREFIX 2001:db8:10a::/48"'
check "metric 50, protocol static" same "$(ip route show 203.0.113.10)" \
	"203.0.113.10 dev tunudp proto static scope link metric 50 "
check "prefix by way of IP6" same "$(ip -6 route show 2001:db8:10a::/48)" \
	"2001:db8:10a::/48 via 2001:db8:2::a dev tunudp proto static metric 50 pref medium"

connect alice tcp $now
check "moved to tcp" routes_on 10 tuntcp
disconnect alice udp $now
check "late disconnect of udp changes nothing" routes_on 10 tuntcp
disconnect alice tcp $now
check "last disconnect: no route" routes_on 10 ""
check "nothing left in the state directory" same "$(ls "$state" | grep -v '^@')" ""

# udp, tcp, back to udp from the same port: the reset calls no hook
connect alice udp $now
connect alice tcp $((now + 1))
disconnect alice tcp $((now + 1))
check "falls back to the session on udp" routes_on 10 tunudp
disconnect alice udp $((now + 9))
check "a disconnect of another time is not this session's" routes_on 10 tunudp
disconnect alice udp $now

# an address has one live owner
cp "$users/alice" "$users/carol"
connect alice udp $now
connect carol tcp $now
check "carol may not have alice's address" same $? 1
disconnect carol tcp $now
check "nor do away with it" routes_on 10 tunudp
check "carol has left nothing" test ! -e "$state/carol"
printf 'IP4=203.0.113.77\nIP6=2001:db8:2::77\nPREFIX=2001:db8:10a:5500::/56' >"$users/carol"
connect carol tcp $now
check "nor a part of alice's prefix" same $? 1
disconnect alice udp $now
connect carol tcp $now
check "carol may when alice is gone" same $? 0
disconnect carol tcp $now
rm "$users/carol"

# what was installed is deleted, whatever the account says by now
connect alice udp $now
account alice 20
disconnect alice udp $now
check "deletes the recorded routes" routes_on 10 ""
account alice 10
connect alice udp $now
account alice 20
connect alice tcp $now
check "the new account's are in" routes_on 20 tuntcp
check "the old account's are out" routes_on 10 ""
disconnect alice tcp $now
check "falls back to what that session has" routes_on 10 tunudp
check "and no other" routes_on 20 ""
disconnect alice udp $now
account alice 10

# foreign routes stay
ip route add 203.0.113.10 dev tuntcp metric 7
connect alice udp $now
disconnect alice udp $now
check "a route that is not ours stays" same "$(ip route show 203.0.113.10)" \
	"203.0.113.10 dev tuntcp scope link metric 7 "
ip route del 203.0.113.10 dev tuntcp metric 7

# up and down
connect alice udp $now
connect bob udp $now
event up "" udp 0
check "up: exit 0" same $? 0
event down "" udp 0
check "down: exit 0" same $? 0
check "down: alice has no routes" routes_on 10 ""
check "down: bob neither" routes_on 11 ""

# refusals
for why in '203.0.114.1' '203.0.113.999' ''; do
	printf 'IP4=%s\n' "$why" >"$users/dora"
	connect dora udp $now
	check "IP4=$why is refused" same $? 1
done
connect nobody udp $now
check "no account: refused" same $? 1
sed -i 's/^device = tuntcp/device = other/' "$conf"
connect alice tcp $now
check "a device that is not listed is refused" same $? 1
sed -i 's/^device = other/device = tuntcp/' "$conf"
check "refused members have no routes" same "$(ip route show proto static)" ""

# the configuration changed under a member who is on: what is left is said
for by in "disconnect alice udp $now" reconcile; do
	connect alice udp $now
	sed -i 's/^users = /metric = 51\n&/' "$conf"
	[ "$by" != reconcile ] ||
		sed -i 's/^\(claim \([^ ]* \)\{12\}\)0/\11/' "$state/alice"
	: >"$dir/log"
	$by >/dev/null
	check "${by%% *}: another metric's are not deleted" routes_on 10 tunudp
	sed -n 's/.* changed: ip \(.*route del .*\)/\1/p' "$dir/log" >"$dir/rest"
	check "each with the command that does" same "$(grep -c "^\(-6 \)\?route del [^ ]* \(via [^ ]* \)\?dev tunudp metric 50 table 254 proto 4$" "$dir/rest")" 3
	while read -r words; do
		# shellcheck disable=SC2086
		ip $words
	done <"$dir/rest"
	check "which works" routes_on 10 ""
	sed -i '/^metric/d' "$conf"
	rm -f "$state/alice"
done

# the ledger is hostile
connect alice udp $now
sed -i 's|203.0.113.10/32|198.51.100.7/32|' "$state/alice"
ip route add 198.51.100.7 dev tunudp proto static metric 50
disconnect alice udp $now
check "a route outside the ranges is not deleted" same \
	"$(ip route show 198.51.100.7)" \
	"198.51.100.7 dev tunudp proto static scope link metric 50 "
ip route del 198.51.100.7 dev tunudp
ip route flush proto static
rm -f "$state"/*
connect alice udp $now
for text in garbage 'anyport-sessions 1
claim 99999999999999999999 udp tunudp 1 1 1 1 1 1 254 50 4 0 0' \
	"$(head -c 40000 /dev/zero | tr '\0' x)"; do
	printf '%s\n' "$text" >"$state/alice"
	connect alice tcp $now
	check "a damaged ledger keeps nobody out" same $? 0
	check "and the routes are where the member is" routes_on 10 tuntcp
done
rm -f "$state/alice"; ln -s /etc/passwd "$state/alice"
connect alice tcp $now
check "a ledger that is a link is not followed" same $? 1
rm -f "$state"/*
ip route flush proto static; ip -6 route flush proto static
finish
