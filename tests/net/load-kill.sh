#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# load, reload and unload die by kill -9 at system calls that change something:
# afterwards the old door serves, or the new one, or none does, for UDP and TCP,
# IPv4 and IPv6 alike; status tells the truth; the next command cleans up.
# KILL_POINTS: at how many calls of each command (0: at every one, twice; that
# takes half an hour).
set -u
. "$(dirname "$0")/../lib/loader.sh"
. "$TOP/tests/lib/kill.sh"
points=${KILL_POINTS:-$((LAB_PATIENCE > 1 ? 2 : 4))}
SAY=$TOP/build/tests/tools/say
ROOM=$((60000 + RANDOM % 5000)) # entries of no other door's tables here
RESET=38414243444546474800000000000000000000000000

world
for end in server member; do
	ip netns exec $end sysctl -qw net.ipv4.icmp_ratelimit=0 \
		net.ipv6.icmp.ratelimit=0
done
$IN ip address add 192.0.2.1/24 dev e1
ip -n member address add 198.51.100.9/24 dev e0
ip -n member address add 2001:db8::9/64 dev e0 nodad
ip -n member address add 192.0.2.9/24 dev e1

# Doors: one leaves port 53 alone, one is on the second uplink too.
door_of() { # plain, pass or both
	config 'address = 192.0.2.1' '[limits]' "remembered = $ROOM"
	case $1 in
	pass) printf '[udp]\npass = 53\n[tcp]\npass = 53\n' >>"$CONF" ;;
	both) sed -i 's/^interface.*/&\ninterface = e1/' "$CONF" ;;
	esac
}

# OpenVPN's sockets; serve ends by itself after ten minutes.
served=0 openvpn=
openvpn() {
	[ $served = 0 ] || [ $((SECONDS - served)) -gt 300 ] || return 0
	served=$((SECONDS + 1))
	# shellcheck disable=SC2086
	kill $openvpn 2>/dev/null
	openvpn=
	for proto in udp tcp; do
		until openvpn="$openvpn $($IN "$TOP/build/tests/tools/serve" $proto :: 1194 yes)"; do
			sleep 0.1
		done
	done
}

# Who gets an answer: "+" or "-" for UDP and TCP to port 443 and 53 in both
# families, then for the second uplink.
looks() {
	nsenter --net=/run/netns/member bash -c '
	for to in 198.51.100.1/443 2001:db8::1/443 198.51.100.1/53 \
		2001:db8::1/53 192.0.2.1/443; do
		for proto in udp tcp; do
			if "$0" $proto "${to%/*}" "${to#*/}" "$1"; then
				printf + >&3
			else
				printf - >&3
			fi
		done
	done' "$SAY" "$RESET" 3>&1 >/dev/null 2>&1
}
# While an uplink has the programs and the configuration lacks it, UDP alone is
# served there: no order of the two is whole, and the next command ends it.
declare -A look=([none]=---------- [plain]=++++++++-- [pass]=++++------
	[both]=++++++++++ [half]=+++++++++-)
STRAY="^wrong: e1 has anyport's programs but is no uplink of the door"

# What it looks like is one of the STATES, and status says the same.
is_one_of() { # state ...
	local now state
	now=$(looks)
	door status >"$LAB_DIR/status" 2>&1
	status=$?
	for state; do
		[ "$now" = "${look[$state]}" ] || continue
		case $state/$status in
		none/1 | none/3) return 0 ;;
		none/*) ;;
		half/1) names_stray && return 0 ;;
		half/*) ;;
		*/0 | */1) return 0 ;;
		esac
		echo "$state, but status $status"
		cat "$LAB_DIR/status"
		return 1
	done
	echo "looks like $now, not $*; status $status:"
	cat "$LAB_DIR/status"
	return 1
}

# The interface, and on the next line what mends it.
names_stray() {
	awk -v p="$STRAY" '
	$0 ~ p { found = NR }
	found && NR == found + 1 && /mend: anyport reload -c / { mend = 1 }
	END { exit !mend }' "$LAB_DIR/status" && touch "$LAB_DIR/named"
}

whole() { # state: it serves, and whoever asks is told so
	is_one_of "$1" || return
	[ "$1" = none ] || [ $status = 0 ] || { cat "$LAB_DIR/status"; return 1; }
}

no_maps() {
	[ "$(maps_of_size $ROOM)" = 0 ] ||
		{ bpftool map show | grep -B1 "max_entries $ROOM "; false; }
}
nothing() { # not even what the kernel keeps for itself
	clean && until_true 5 no_maps
}

# The state before, made from nothing.
make() { # state
	[ "$1" != none ] || return 0
	door_of "$1"
	door load >/dev/null 2>&1
}

# The shell's own word on a death is no news.
die_at() { # command call n
	{
		$IN strace -f -o /dev/null -e trace="$2" \
			-e inject="$2":signal=SIGKILL:when="$3" \
			"$ANYPORT" "$1" -c "$CONF" >"$LAB_DIR/said" 2>&1
	} 2>/dev/null
	[ $? = 137 ] || { echo "it lives:"; cat "$LAB_DIR/said"; return 1; }
}

# NEXT cleans up: the same command again, or an unload.
one() { # command before after call n next
	local command=$1 before=$2 after=$3
	local between=()
	[ "$before$after" = "${before%both}${after%both}" ] || between=(half)
	make "$before"
	door_of "$after"
	die_at "$command" "$4" "$5" || return
	case $6 in
	again)
		is_one_of "$before" "$after" none "${between[@]}" || return
		door "$command" >"$LAB_DIR/said" 2>&1 ||
			{ cat "$LAB_DIR/said"; return 1; }
		whole "$after" && door unload && nothing &&
			[ ! -e /var/lib/anyport/secret.new ] ;;
	unload) door unload && nothing ;;
	esac
}

points_of() { # command before after how many
	make "$2"
	door_of "$3"
	$IN strace -f -s 4 -o "$LAB_DIR/trace" "$ANYPORT" "$1" -c "$CONF" \
		>/dev/null 2>&1
	door unload
	rm -rf /var/lib/anyport
	kill_points "$LAB_DIR/trace" | kill_choose "$4"
}

sweep() { # command before after
	local call n next bad=0 deaths=0
	while read -r call n; do
		for next in again unload; do
			[ "$points" = 0 ] ||
				[ $((deaths % 2)) = $((${#next} % 2)) ] || continue
			openvpn
			[ "$2" != none ] || rm -rf /var/lib/anyport
			one "$1" "$2" "$3" "$call" "$n" $next || {
				echo "^ killed at $call $n, then $next"
				bad=$((bad + 1))
				door unload >/dev/null 2>&1
			}
		done
		deaths=$((deaths + 1))
	done < <(points_of "$@" "$points")
	echo "# $1, $2 to $3: killed at $deaths calls" >&3
	[ $deaths -gt 0 ] && [ $bad = 0 ]
}

# Where libxdp finds no place for its dispatcher, it leaves on a new uplink a
# program that acts under a number, until one that always acts replaces it.
die_unnumbered() {
	local call n
	read -r call n < <(points_of reload plain both 0 | grep '^send' | tail -n 1)
	one reload plain both "$call" "$n" again
}
exec 3>&1

openvpn
make plain
ok "the door as it should be" whole plain
door unload
ok "and none" nothing
ok "load from nothing, killed anywhere" sweep load none plain
ok "load over a door, killed anywhere" sweep load plain pass
ok "reload, killed anywhere" sweep reload plain pass
ok "unload, killed anywhere" sweep unload plain none
ok "reload onto a second uplink, killed anywhere" sweep reload plain both
ok "reload onto one, killed before its last word to the kernel's links" die_unnumbered
rm -f "$LAB_DIR/named"
ok "reload off the second uplink, killed anywhere" sweep reload both plain
# Two kills do not find the moment.
[ "$points" = 2 ] ||
	ok "one that was on its way out has been named" test -e "$LAB_DIR/named"
# shellcheck disable=SC2086
kill $openvpn
tap_done 29
