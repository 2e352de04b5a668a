#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The uplink goes down and comes up, is renamed, deleted and made anew, gets
# another address or MTU: members are served as before where the programs stay;
# where they do not, status exits 1, and both the command that it prints and the
# one that the udev rule leads to, run as they stand, mend it.
set -u
. "$(dirname "$0")/../lib/loader.sh"
SAY=$TOP/build/tests/tools/say
RESET=38414243444546474800000000000000000000000000
# shellcheck disable=SC2034 # for config and door
CONF=/etc/anyport/anyport.conf

# The command by its installed name, its configuration where it belongs.
installed() {
	local at
	for at in etc usr/sbin; do
		mkdir -p "$LAB_DIR/$at.up" "$LAB_DIR/$at.work"
		mount -t overlay -o "lowerdir=/$at,upperdir=$LAB_DIR/$at.up,workdir=$LAB_DIR/$at.work" \
			overlay "/$at" || return
	done
	install -m 755 "$ANYPORT" /usr/sbin/anyport && mkdir -p /etc/anyport
}

addresses() {
	$IN ip address replace 198.51.100.1/24 dev e0
	$IN ip address replace 2001:db8::1/64 dev e0 nodad
	ip -n member address replace 198.51.100.9/24 dev e0
	ip -n member address replace 2001:db8::9/64 dev e0 nodad
}

settings() { # line of [door] ...
	config "attach = $mode" "$@"
}

# Every family and protocol, on a port that is not the target's.
answered() { # [address ...]
	local to
	[ $# -gt 0 ] || set -- 198.51.100.1 2001:db8::1
	for to; do
		nsenter --net=/run/netns/member "$SAY" udp "$to" 443 $RESET &&
			nsenter --net=/run/netns/member "$SAY" tcp "$to" 443 ||
			{ echo "no answer from $to"; return 1; }
	done
}
# Carrier and neighbours take a moment to come back.
is_served() { until_true $((5 * LAB_PATIENCE)) answered "$@"; }

status_is() { # exit-status pattern
	local rc
	door status >"$LAB_DIR/status" 2>&1
	rc=$?
	cat "$LAB_DIR/status"
	[ $rc = "$1" ] && grep -qE -- "$2" "$LAB_DIR/status"
}
says() { until_true 3 status_is "$@"; }
good() { says 0 '^anyport is serving'; }

# What status prints below the line PATTERN, or at its end, typed as it stands.
typed() { # pattern
	local command
	says 1 "^wrong: $1" || return
	command=$(awk -v p="^wrong: $1" '
		$0 ~ p { if (sub(/.*once it does: /, "")) { print; exit }
			getline; sub(/^ *mend: /, ""); print; exit }' \
		"$LAB_DIR/status")
	echo "mend: $command"
	[ -n "$command" ] && $IN bash -c "$command"
}

# From the rule to the unit that it wants, to the command at the end.
udev_command() {
	local unit exec
	unit=$(sed -n 's/.*SYSTEMD_WANTS}+="\(.*\)"/\1/p' conf/udev/90-anyport.rules)
	exec=$(sed -n 's/^ExecStart=//p' "conf/systemd/$unit")
	case $exec in
	'/bin/systemctl --no-block reload-or-restart '*)
		sed -n 's/^ExecReload=//p' "conf/systemd/${exec##* }" ;;
	esac
}
udev_runs() {
	local command
	command=$(udev_command)
	echo "udev: $command"
	[ -n "$command" ] && $IN bash -c "$command"
}

unchanged() { [ "$(attached)" = "$programs" ] || { attached; return 1; }; }
as_before() { is_served && unchanged && good; }

# ---- one uplink, in each mode ---------------------------------------------------
down_up() {
	$IN ip link set e0 down && ! answered 198.51.100.1 2>/dev/null &&
		typed 'e0 is down' && as_before
}
carrier() {
	ip -n member link set e0 down && says 1 '^wrong: e0 has no carrier' &&
		ip -n member link set e0 up && as_before
}
renamed() {
	$IN ip link set e0 down && $IN ip link set e0 name wan &&
		$IN ip link set wan up &&
		says 0 '^note: e0 is called wan now.* write interface = wan there' &&
		is_served
}
named_so() {
	sed -i 's/= e0/= wan/' "$CONF" && udev_runs && is_served &&
		says 0 '^anyport is serving' && ! status_is 0 'is called' >/dev/null
}
# Another one has the old name: the door is not where the file says.
impostor() {
	$IN ip link set e0 down && $IN ip link set e0 name old &&
		$IN ip link set old up && uplink e2 && $IN ip link set e2 down &&
		$IN ip link set e2 name e0 && $IN ip link set e0 up &&
		typed 'the door is not on e0' && serves e0 && [ -z "$(attached old)" ]
}
impostor_gone() {
	$IN ip link del e0 && $IN ip link set old down &&
		$IN ip link set old name e0 && $IN ip link set e0 up &&
		udev_runs && is_served && good
}
made_anew() { # how it is mended
	$IN ip link del e0 && says 1 '^wrong: e0 does not exist any more' &&
		uplink e0 && addresses && says 1 '^wrong: e0 was made anew' &&
		"$@" && is_served && good
}
mtu() {
	local bytes
	for bytes in 1280 1500 3000 9000 1500; do
		# What native XDP cannot have the kernel itself refuses.
		ip -n member link set e0 mtu $bytes 2>/dev/null &&
			$IN ip link set e0 mtu $bytes 2>/dev/null
		addresses # below 1280 IPv6 goes; the kernel may drop it on the way
		as_before || { echo "at MTU $bytes"; return 1; }
	done
}

# ---- addresses ------------------------------------------------------------------
address_gone() {
	$IN ip address del 198.51.100.1/24 dev e0 && is_served 2001:db8::1 &&
		status_is 0 '198.51.100.1 \(inactive: on no interface\)' &&
		$IN ip address add 198.51.100.1/24 dev lo && is_served 2001:db8::1 &&
		good && $IN ip address del 198.51.100.1/24 dev lo &&
		addresses && as_before
}
address_changed() {
	$IN ip address del 198.51.100.1/24 dev e0 &&
		$IN ip address add 198.51.100.7/24 dev e0 &&
		sed -i 's/100.1$/100.7/' "$CONF" && touch -d '+5 seconds' "$CONF" &&
		says 0 'was changed after it was loaded' || return
	$IN bash -c "$(sed -n 's/^ *mend: //p' "$LAB_DIR/status")" &&
		is_served 198.51.100.7 2001:db8::1 && unchanged && good
}

# ---- two uplinks ------------------------------------------------------------------
one_of_two() { # how it is mended
	local programs
	programs=$(attached)
	$IN ip link del e1 && is_served && unchanged &&
		says 1 '^wrong: e1 does not exist any more' && uplink e1 &&
		says 1 '^wrong: e1 was made anew' && "$@" && serves e1 &&
		is_served && good
}
not_there_yet() {
	$IN ip link del e1 && door unload && door load 2>/dev/null &&
		is_served && says 1 '^wrong: interface e1 does not exist' &&
		uplink e1 && typed 'the door is not on e1' && serves e1 && good
}

world
installed || { echo "Bail out! cannot lay over /etc and /usr/sbin"; exit 1; }
echo 1 | $IN tee /proc/sys/net/ipv6/conf/all/keep_addr_on_down >/dev/null
echo 1 >/proc/sys/net/ipv6/conf/all/keep_addr_on_down
ip netns exec member sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1
addresses
openvpn=$(for p in udp tcp; do $IN "$TOP/build/tests/tools/serve" $p :: 1194 yes; done)

for mode in native generic tc; do
	settings
	door load 2>/dev/null
	programs=$(attached)
	ok "$mode: it serves" as_before
	ok "$mode: down, mended by what status says" down_up
	ok "$mode: without carrier, and with it again" carrier
	ok "$mode: MTU changed" mtu
	ok "$mode: renamed: it goes on" renamed
	ok "$mode: by the new name in the file" named_so
	$IN ip link set wan down
	$IN ip link set wan name e0
	$IN ip link set e0 up
	settings
	door reload 2>/dev/null
	ok "$mode: made anew, mended by what status says" \
		made_anew typed 'e0 was made anew'
	ok "$mode: made anew, mended by what the udev rule runs" made_anew udev_runs
	door unload
done
mode=auto
settings
door load 2>/dev/null
ok "its name is another's" impostor
ok "and its own again" impostor_gone
programs=$(attached)
ok "an address gone, elsewhere, and back" address_gone
ok "another address in the file" address_changed
$IN ip address del 198.51.100.7/24 dev e0
addresses
settings 'interface = e1'
door load 2>/dev/null
programs=$(attached)
ok "one of two made anew, mended by what status says" \
	one_of_two typed 'e1 was made anew'
ok "and by what the udev rule runs" one_of_two udev_runs
ok "one that is not there when the door is loaded" not_there_yet
door unload
ok "nothing is left" clean
# shellcheck disable=SC2086
kill $openvpn
tap_done 33
