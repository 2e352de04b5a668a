# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# For tests of the hook without OpenVPN: two instances that hold a tun device
# each, accounts, and the events as OpenVPN would send them. To be sourced by
# bash, in the sandbox.
# shellcheck shell=bash

tests=0 fails=0
hook=${HOOK:-$PWD/build/anyport-hook}
dir=$(mktemp -d /run/anyport-hook.XXXXXX)
users=$dir/users state=$dir/sessions
conf=$dir/anyport.conf
declare -A pid started

ok() { tests=$((tests + 1)); echo "ok $tests - $1"; }
not_ok() {
	tests=$((tests + 1)) fails=$((fails + 1))
	echo "not ok $tests - $1"
	sed 's/^/# /' "$dir/log" 2>/dev/null | tail -n 15
}
# check NAME COMMAND...: a test that is COMMAND's success
check() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name"; fi; }
same() { [ "$1" = "$2" ] || { printf '# have: %s\n# want: %s\n' "$1" "$2"; false; }; }
# shows N: requirement N, when no test before failed
shows() { [ $fails != 0 ] || echo "req $1"; }

hook_end() {
	local p
	for p in "${pid[@]}"; do kill "$p" 2>/dev/null; done
	rm -rf "$dir"
}

# The process that stands for OpenVPN's: instance NAME on DEVICE
instance() {
	local out=$dir/$1.ready
	build/tests/tools/tunhold "$2" >"$out" &
	pid[$1]=$!
	started[$1]=$(date +%s)
	for _ in $(seq 500); do [ -s "$out" ] && break; sleep 0.02; done
	[ -s "$out" ] || { echo "Bail out! no device $2"; exit 1; }
	ip addr add 203.0.113.1/24 dev "$2" noprefixroute
	ip addr add 2001:db8:2::1/64 dev "$2" nodad noprefixroute
}

hook_start() {
	trap hook_end EXIT
	mkdir -p "$users" "$state"
	chmod 755 "$dir"
	: >"$dir/log"
	cat >"$conf" <<-EOF
	[hook]
	users = $users
	state = $state
	device = tunudp
	device = tuntcp
	range = 203.0.113.0/24
	range = 2001:db8:2::/64
	range = 2001:db8:100::/40
	[openvpn]
	status = udp $dir/status.udp
	status = tcp $dir/status.tcp
	EOF
	instance udp tunudp
	instance tcp tuntcp
}

# account NAME N: addresses that contain N
account() {
	printf 'IP4=203.0.113.%d\nIP6=2001:db8:2::%x/64\nPREFIX="2001:db8:1%02x::/48"\n' \
		"$2" "$2" "$2" >"$users/$1"
}

# event TYPE NAME INSTANCE TIME [COMMAND-PREFIX...]: exit status of the hook
event() {
	local type=$1 name=$2 instance=$3 time=$4 file=
	shift 4
	if [ "$type" = client-connect ]; then
		file=${push:-$dir/push.$name.$instance}
		[ -n "${push:-}" ] || : >"$file"
	fi
	env -i script_type="$type" common_name="$name" OVPN_INSTANCE="$instance" \
		dev="tun$instance" daemon_pid="${pid[$instance]}" \
		daemon_start_time="${started[$instance]}" time_unix="$time" \
		trusted_ip=192.0.2.9 trusted_port=5000 ifconfig_netmask=255.255.255.0 \
		ifconfig_local=203.0.113.1 ifconfig_ipv6_local=2001:db8:2::1 \
		ifconfig_ipv6_netbits=64 "$@" "$hook" -c "$conf" ${file:+"$file"} 2>>"$dir/log"
}
connect() { event client-connect "$@"; }
disconnect() { event client-disconnect "$@"; }
reconcile() { "$hook" reconcile -c "$conf" "$@" 2>>"$dir/log"; }

# Where the routes of account number N lead, one word per destination
routes() {
	local n=$1 six
	six=$(printf %x "$n")
	{
		ip route show table main "203.0.113.$n" proto static
		ip -6 route show table main "2001:db8:2::$six" proto static
		ip -6 route show table main "$(printf '2001:db8:1%02x::/48' "$n")" proto static
	} | sed -n 's/.* dev \([^ ]*\).*/\1/p' | tr '\n' ' '
}
# routes_on N DEVICE: all three there, and nowhere else; "" for none
routes_on() {
	local want=
	[ -z "$2" ] || want="$2 $2 $2 "
	same "$(routes "$1")" "$want"
}

# status INSTANCE "NAME,TIME,IP4,IP6,LAST[,RECEIVED]" ...: the status file OpenVPN writes
status() {
	local instance=$1 s name since ip4 ip6 last got
	shift
	{
		printf 'TITLE\tOpenVPN 2.6.14\nTIME\tnow\t%s\n' "${at:-$(date +%s)}"
		printf 'HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\tBytes Received\tBytes Sent\tConnected Since\tConnected Since (time_t)\tUsername\tClient ID\tPeer ID\tData Channel Cipher\n'
		for s; do
			IFS=, read -r name since ip4 ip6 last got <<<"$s"
			printf 'CLIENT_LIST\t%s\t192.0.2.9:5000\t%s\t%s\t%s\t0\tx\t%s\tUNDEF\t0\t0\tAES-256-GCM\n' "$name" "$ip4" "$ip6" "${got:-0}" "$since"
		done
		printf 'HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\tReal Address\tLast Ref\tLast Ref (time_t)\n'
		for s; do
			IFS=, read -r name since ip4 ip6 last got <<<"$s"
			printf 'ROUTING_TABLE\t%s\t%s\t192.0.2.9:5000\tx\t%s\n' "$ip4" "$name" "$last"
		done
		printf 'GLOBAL_STATS\tMax bcast/mcast queue length\t0\nEND\n'
	} >"$dir/status.$instance"
}

finish() {
	echo "1..$tests"
	trap - EXIT
	hook_end
}
