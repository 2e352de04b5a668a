#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A hop of 1280 bytes in the middle of the path, where neither end sees it:
# routers' "too big" errors must reach OpenVPN's sockets on both sides, and 2 MB
# get through in both directions.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_start || exit
lab_offload off
lab_mtu 1280 net home0 home wan0
servers_start && door_open || exit

# Host routes learnt from "too big" errors: gone before each try.
forget() {
	ip -n srv route flush cache
	ip -n srv -6 route flush cache
	ip -n alice route flush cache
	ip -n alice -6 route flush cache
}

learnt() { # ns destination
	ip -n "$1" route get "$2" | tee /dev/stderr | grep -q 'mtu 1280'
}

# The shipped profile keeps outer packets at 1400 bytes, more than the hop.
path() { # name proto port address seen-by-the-server-as
	forget
	client_start "$1" alice "$2" "$3" "$4"
	ok "$1: connects" lab_up "$1"
	ok "$1: 2 MB down" transfer "$1" alice down 4
	ok "$1: 2 MB up" transfer "$1" alice up 6
	ok "$1: the server has learnt the path's MTU" learnt srv "$5"
	ok "$1: the member has learnt the path's MTU" learnt alice "$4"
	lab_end "$1"
}

path udp4 udp 443 $SRV4 $HOME4
path udp6 udp 53 $SRV6 2001:db8:70:1::2
path tcp4 tcp 443 $SRV4 $HOME4
path tcp6 tcp 80 $SRV6 2001:db8:70:1::2
ok "no checksum was wrong" test "$(checksum_errors srv)" = 0
tap_done 13
