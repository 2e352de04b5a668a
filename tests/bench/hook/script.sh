#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What anyport-hook replaces, rebuilt from its description only to be measured
# against: the account is sourced, the config written, ip called three times
# (by sudo as OpenVPN's user, SUDO=sudo) and logger once. Never use it: the
# name goes into a path unchecked, and the account is executed.
# shellcheck disable=SC2154,SC1090 # OpenVPN's environment; the account
. "$USERS/$common_name"
case $script_type in
client-connect)
	cat >"$1" <<-EOF
	ifconfig-push $IP4 $ifconfig_netmask
	ifconfig-ipv6-push $IP6/64 $ifconfig_ipv6_local
	iroute-ipv6 $PREFIX
	push "setenv-safe DELEGATED_IPV6_PREFIX $PREFIX"
	EOF
	$SUDO ip route replace "$IP4/32" dev "$dev" proto static metric 50
	$SUDO ip -6 route replace "$IP6/128" dev "$dev" proto static metric 50
	$SUDO ip -6 route replace "$PREFIX" via "$IP6" dev "$dev" proto static metric 50
	;;
client-disconnect)
	$SUDO ip -6 route del "$PREFIX" via "$IP6" dev "$dev" proto static metric 50
	$SUDO ip -6 route del "$IP6/128" dev "$dev" proto static metric 50
	$SUDO ip route del "$IP4/32" dev "$dev" proto static metric 50
	;;
esac
logger -t openvpn "$script_type $common_name $IP4 $IP6 $PREFIX $dev"
