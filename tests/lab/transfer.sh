# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# Bulk data and steady pings through tunnels of the lab.

TRANSFER_PORT=20000

# 2 MB that no link can compress or repeat unnoticed.
transfer_data() {
	[ -s "$LAB_DIR/data" ] ||
		head -c 2000000 /dev/urandom >"$LAB_DIR/data"
}

# transfer NAME NS up|down [4|6]: 2 MB over TCP inside NAME's tunnel, compared
# byte for byte.
transfer() {
	local name=$1 ns=$2 way=$3 family=${4:-4} to=$TUN4 tun
	local listen connect out=$LAB_DIR/$1.$3.data sender receiver
	[ "$family" = 4 ] || to="[$TUN6]"
	TRANSFER_PORT=$((TRANSFER_PORT + 1))
	tun=$(client_tun "$name") || return
	transfer_data
	listen=TCP$family-LISTEN:$TRANSFER_PORT,reuseaddr,bind=$to
	connect=TCP$family:$to:$TRANSFER_PORT,so-bindtodevice=$tun
	connect=$connect,retry=30,interval=0.1
	if [ "$way" = up ]; then
		receiver="srv $listen" sender="$ns $connect"
	else
		receiver="$ns $connect" sender="srv $listen"
	fi
	transfer_socats "${receiver% *}" "${receiver#* }" \
		"${sender% *}" "${sender#* }" "$out" &&
		cmp "$LAB_DIR/data" "$out" && rm -f "$out"
}

transfer_socats() { # ns-of-receiver address ns-of-sender address file
	local pid limit=$((20 * LAB_PATIENCE))
	within "$1" timeout $limit socat -u "$2" "OPEN:$5,creat,trunc" &
	pid=$!
	within "$3" timeout $limit socat -u "OPEN:$LAB_DIR/data" "$4" || {
		wait "$pid"
		lab_fail "nothing was sent"
		return
	}
	wait "$pid" || lab_fail "not all was received"
}

# A ping every 10 ms (times the patience twice) through NAME's tunnel, in the
# background: steady_start NAME NS [4|6]; then steady_lost NAME ends it and
# prints how many got no reply, not counting the last 25, which may have been on
# their way on a busy machine.
steady_start() {
	local to=$TUN4
	[ "${3:-4}" = 4 ] || to=$TUN6
	lab_run "ping-$1" "$2" ping -n \
		-i "$(printf 0.%02d $((LAB_PATIENCE ** 2)))" -I "$(client_tun "$1")" "$to"
}

steady_lost() { # name
	lab_end "ping-$1" INT
	awk -F'icmp_seq=' '
		NF > 1 { sub(/ .*/, "", $2); came[$2] = 1 }
		/ packets transmitted/ { sent = $1 - 25 }
		END {
			for (n = 1; n <= sent; n++)
				lost += !(n in came)
			print lost + 0
			if (sent >= 10)
				exit
			print "too few pings: " sent + 25 >"/dev/stderr"
			exit 1
		}' "$LAB_DIR/ping-$1.log"
}
