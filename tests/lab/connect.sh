#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# OpenVPN's client-connect script in the lab: routes a member's addresses,
# which come from the client-config-dir, to the instance where the member is.
# shellcheck disable=SC2154 # OpenVPN's environment
PATH=/usr/sbin:/usr/bin:/sbin:/bin
ip route replace "$ifconfig_pool_remote_ip/32" dev "$dev" metric 50 &&
	ip -6 route replace "$ifconfig_pool_remote_ip6/128" dev "$dev" metric 50
