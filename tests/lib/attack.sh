# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash disable=SC2034,SC2154,SC2206
#
# For tests of the hook as it is installed: in the hands of OpenVPN's user,
# with the file capability, its configuration in /etc/anyport, which is this
# sandbox's alone. To be sourced by bash, in the sandbox.

. tests/lib/hook.sh
HOOK_UID=64123
top=$PWD
given=$dir/push.user
evil=/run/evil	# the attacker's own directory
as_openvpn=("$(command -v setpriv)" --reuid=$HOOK_UID --regid=$HOOK_UID
	--clear-groups --inh-caps=-all)

attack_start() {
	hook_start
	now=$(date +%s)
	mkdir "$dir/etc"
	cp -a /etc/{passwd,group,nsswitch.conf,ld.so.cache,alternatives} "$dir/etc/"
	mount --bind "$dir/etc" /etc
	mkdir /etc/anyport
	cp "$conf" /etc/anyport/anyport.conf
	chmod 644 /etc/anyport/anyport.conf
	install -m 0750 -o 0 -g $HOOK_UID "$hook" "$dir/anyport-hook"
	setcap cap_net_admin+ep "$dir/anyport-hook"
	hook=$dir/anyport-hook
	chown 0:$HOOK_UID "$state"
	chmod 0770 "$state"
	mkdir -m 0777 $evil
	account alice 10
	account bob 11
	victims
}

# Sets `command` to what OpenVPN would do as its user. `environment`: more of
# it; `before`: a command that starts it; `arguments`: the hook's.
environment=() before=()
command_for() { # TYPE NAME INSTANCE
	command=("${as_openvpn[@]}" "${before[@]}" env -i "${environment[@]}"
		script_type="$1" common_name="$2" OVPN_INSTANCE="$3" dev="tun$3"
		daemon_pid="${pid[$3]}" daemon_start_time="${started[$3]}"
		time_unix="$now" trusted_ip=192.0.2.9 trusted_port=5000
		ifconfig_netmask=255.255.255.0 ifconfig_ipv6_local=2001:db8:2::1
		ifconfig_ipv6_netbits=64 "$hook" "${arguments[@]}")
}

member() { # TYPE NAME INSTANCE
	local command
	: >"$given"
	chown $HOOK_UID "$given"
	[ "$1" != client-connect ] || local arguments=("${arguments[@]}" "$given")
	command_for "$@"
	timeout "${timed:-20}" "${command[@]}" 2>>"$dir/log"
}
arguments=()

# As OpenVPN's user, a shell command in the state directory.
plant() {
	(cd "$state" && "${as_openvpn[@]}" bash -c "$1")
}

# Routes that the configuration does not give away, each close to one that it
# does: outside the ranges, another metric, table, protocol, device, a default.
victims() {
	ip route add 198.51.100.0/24 dev tuntcp proto static metric 50
	ip route add 203.0.113.98 dev tuntcp proto static metric 51
	ip route add 203.0.113.97 dev tuntcp metric 50
	ip route add 203.0.113.96 dev lo proto static metric 50
	ip route add 203.0.113.95 dev tuntcp proto static metric 50 table 100
	ip route add default dev tuntcp proto static metric 50
	ip -6 route add 2001:db8:200::/48 dev tuntcp proto static metric 50
	ip -6 route add default dev tuntcp proto static metric 50
	routes_before=$(all_routes)
}

# All but members' own, which are of account numbers 10 and 11.
all_routes() {
	{
		ip route show table all
		ip -6 route show table all
	} | grep -vE '^(203\.0\.113\.1[01]|2001:db8:2::[ab]|2001:db8:10[ab]::/48) .* metric 50 ' |
		grep -vE 'proto kernel|fe80:' # those come when they like
}
unharmed() { same "$(all_routes)" "$routes_before"; }
