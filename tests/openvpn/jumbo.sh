#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Hops of 9000, 1500 and 1280 bytes, and tunnels with an MTU of 6000, so that
# every outer packet is cut into fragments on the way: 2 MB in both directions,
# compared byte for byte.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

BIG="--tun-mtu 6000 --mssfix 0"

lab_start || exit
lab_offload off
lab_mtu 9000 srv eth0 net srv0
lab_mtu 1280 home alice0 alice eth0
# shellcheck disable=SC2086
servers_start $BIG && door_open || exit

MEMBERS="udp4:udp:443:$SRV4 udp6:udp:53:$SRV6 tcp4:tcp:443:$SRV4
	tcp6:tcp:80:$SRV6"
for m in $MEMBERS; do
	IFS=: read -r name proto port address <<<"$m"
	# shellcheck disable=SC2086
	client_start "$name" alice "$proto" "$port" "$address" $BIG
	ok "$name: connects" lab_up "$name"
done
for name in udp4 udp6 tcp4 tcp6; do
	# The first large packets find out how small the path is.
	tunnel_ping $name alice 4 5 -s 5900 >/dev/null 2>&1
	ok "$name: pings of 5900 bytes" tunnel_ping $name alice 4 5 -s 5900
	ok "$name: 2 MB up" transfer $name alice up 4
	ok "$name: 2 MB down" transfer $name alice down 6
done
ok "no checksum was wrong" test "$(checksum_errors srv)" = 0
tap_done 22
