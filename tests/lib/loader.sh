# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# For the tests of load, reload, unload and confirm: a server's namespace with
# two uplinks, and questions to the kernel that do not go through anyport.

LAB_DIR=$(mktemp -d /run/loader.XXXXXX)
LAB_PATIENCE=${LAB_PATIENCE:-1} # how much slower than usual this machine is
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ANYPORT=$TOP/build/anyport
CONF=$LAB_DIR/door.conf
. "$TOP/tests/lab/tap.sh"

# The secret is the host's: these tests have one of their own.
mkdir -p /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/lib

IN="nsenter --net=/run/netns/server"

world() {
	ip netns add server
	ip netns add member
	$IN ip link set lo up
	uplink e0
	uplink e1
	$IN ip address add 198.51.100.1/24 dev e0
	$IN ip address add 2001:db8::1/64 dev e0 nodad
	config
}

uplink() { # name
	ip link add "$1" netns server mtu 1500 type veth \
		peer name "$1" netns member mtu 1500
	$IN ip link set "$1" up
	ip -n member link set "$1" up
}

# More lines of [door] and other sections come from the caller.
config() { # line ...
	printf '%s\n' '[door]' 'interface = e0' 'address = 198.51.100.1' \
		'address = 2001:db8::1' "$@" >"$CONF"
}

# The command in the server's namespace, on the test's configuration.
door() { # command option ...
	local command=$1
	shift
	case $command in
	load | reload) $IN "$ANYPORT" "$command" -c "$CONF" "$@" ;;
	*) $IN "$ANYPORT" "$command" "$@" ;;
	esac
}

# It fails with STATUS and says TEXT; anyport says one line.
refuses() { # status text command ...
	local status=$1 text=$2 out rc=0
	shift 2
	out=$("$@" 2>&1) || rc=$?
	printf '%s\n' "$out"
	[ $rc = "$status" ] || { echo "exit status $rc, not $status"; return 1; }
	[ "$1" != door ] || [ "$(printf "%s\n" "$out" | wc -l)" = 1 ] ||
		{ echo "not one line"; return 1; }
	case $out in
	*"$text"*) ;;
	*) echo "does not say: $text"; return 1 ;;
	esac
}

netns_number() {
	$IN stat -L -c %i /proc/self/ns/net
}

state() { # jq filter
	jq -r "$1" "/run/anyport/$(netns_number).json"
}

pins() {
	echo "/run/anyport/bpf/$(netns_number)/$LAYOUT"
}

# Ids of what the kernel runs on an interface: "xdp N", "egress N", "ingress N".
# Asked so often that jq, which takes 40 ms to start, would be half of a test.
attached() { # [interface]
	local dev=${1:-e0} main pin side
	main=$($IN ip -d link show dev "$dev" | awk '
		NR == 1 { at = $1 + 0 }
		$1 == "prog/xdp" { print at "-" $3, $5 }')
	case $main in
	*' anyport_xdp') main=${main% *} && echo "xdp ${main#*-}" ;;
	*' xdp_dispatcher')
		for pin in "/sys/fs/bpf/xdp/dispatch-${main% *}"/prog*-prog; do
			bpftool prog show pinned "$pin" |
				awk '$4 == "anyport_xdp" { print "xdp", $1 + 0 }'
		done ;;
	esac
	for side in ingress egress; do
		$IN tc filter show dev "$dev" $side 2>/dev/null |
			awk -v side=$side '{ for (i = 1; i < NF; i++) {
				if ($i == "id")
					id = $(i + 1)
				if ($i == "name" && $(i + 1) ~ /^anyport/)
					print side, id
			} }'
	done
}

active() { # generation or instance
	bpftool map lookup pinned "$(pins)/active" key 0 0 0 0 |
		awk -v key="\"$1\":" '$1 == key { sub(",", ""); print $2 }'
}

# The configuration in one of the two slots, by the kernel's word.
slot() { # 0|1
	bpftool -j map lookup pinned "$(pins)/config" key 0 0 0 0 |
		jq -c ".formatted.value[\".data.config\"][0].config[$1]"
}

in_force() { slot "$(($(active generation) & 1))"; }

# The key of the door's hashes ("hash") or of its tables' layout ("place").
key() {
	bpftool -j map lookup pinned "$(pins)/secret" key 0 0 0 0 |
		jq -c ".formatted.value[\".data.secret\"][0].secret.$1"
}

# Whether a whole door is in force, by the kernel's word.
serves() { # [interface]
	local on pin
	on=$(attached "${1:-e0}" | cut -d' ' -f1 | sort | tr '\n' ' ')
	[ "$on" = "egress xdp " ] || [ "$on" = "egress ingress " ] || {
		echo "attached to ${1:-e0}: $on"
		return 1
	}
	[ "$(active generation)" -gt 0 ] || { echo "generation 0"; return 1; }
	bpftool link show pinned "$(pins)/lookup" |
		grep -q "netns_ino $(netns_number) " ||
		{ echo "no sk_lookup"; return 1; }
	for pin in peer4 peer6; do
		bpftool link show pinned "$(pins)/$pin" |
			grep -q "cgroup_id [1-9]" ||
			{ echo "no $pin"; return 1; }
	done
}

# Nothing of anyport's is in the server's namespace or below /run.
clean() {
	local dev on bad=0
	for dev in $($IN ip -o link | awk -F': ' '{ sub("@.*", "", $2); print $2 }'); do
		on=$(attached "$dev")
		[ -z "$on" ] || { echo "left on $dev: $on"; bad=1; }
	done
	if [ -e /run/anyport ]; then
		echo "left:"
		find /run/anyport
		bad=1
	fi
	! grep -q ' /run/anyport' /proc/mounts || { echo "mounted"; bad=1; }
	[ "$($IN tc qdisc show | grep -c clsact)" = "${1:-0}" ] ||
		{ echo "clsact:"; $IN tc qdisc show; bad=1; }
	return $bad
}

# How many of the kernel's maps have N entries: the test's own, whatever else
# runs on this machine.
maps_of_size() { # n
	bpftool -j map show | jq "[.[] | select(.max_entries == $1)] | length"
}

until_true() { # seconds command ...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { "$@"; return; }
		sleep 0.1
	done
}

loader_done() {
	rm -rf "$LAB_DIR"
}
trap loader_done EXIT
