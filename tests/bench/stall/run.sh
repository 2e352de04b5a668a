#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [quick|full]: one member's pings through the tunnel, every 10 ms, while
# another connects 50 times (10): of each connection the longest round trip. It
# runs through OpenVPN's only thread, which waits for the script that handles the
# connection: anyport-hook, the shell script that it replaces, or none. So do the
# TLS handshakes in it, and everything on a machine of two processors.
set -u
. tests/lab/lab.sh
. tests/lab/hook.sh
. tests/bench/lib/put.sh
connects=50
[ "${1:-quick}" = full ] || connects=10

# A server whose events go to COMMAND, or to nobody.
server() { # hook|script|none
	lab_end udp
	case $1 in
	hook) hook_server udp --dev tunudp --dev-type tun ;;
	script) hook_server udp --dev tunudp --dev-type tun \
		--setenv USERS /etc/openvpn/users --setenv SUDO sudo \
		--client-connect "$SCRIPT" --client-disconnect "$SCRIPT" \
		--up /bin/true --down /bin/true ;;
	none) hook_server udp --dev tunudp --dev-type tun \
		--client-connect /bin/true --client-disconnect /bin/true \
		--up /bin/true --down /bin/true ;;
	esac
}

# Start and end of each connection, in seconds since 1970.
connect_often() {
	local n start
	for ((n = 0; n < connects; n++)); do
		start=$EPOCHREALTIME
		hook_client "new$n" bob bob udp 443 && lab_up "new$n" 10 ||
			return
		echo "$start $EPOCHREALTIME"
		lab_end "new$n"
	done
}

# The longest round trip of the pings of $2 in each of the times of $1, ms.
worst() {
	awk 'FNR == NR { from[NR] = $1; to[NR] = $2; n = NR; next }
		match($0, /time=[0-9.]+/) {
			at = substr($1, 2) + 0
			ms = substr($0, RSTART + 5, RLENGTH - 5) + 0
			for (i = 1; i <= n; i++)
				if (at - ms / 1000 <= to[i] && at >= from[i] &&
				    ms > most[i])
					most[i] = ms
		}
		END { for (i in most) print most[i] }' "$1" "$2"
}

stall() { # hook|script|none
	local times=$LAB_DIR/times
	server "$1" && hook_client alice alice alice udp 443 &&
		lab_up alice || return
	lab_run pings alice ping -n -D -i 0.01 -I tun-alice 203.0.113.1
	lab_sleep 0.5
	connect_often >"$times" || return
	lab_sleep 0.2
	lab_end pings INT
	lab_end alice
	worst "$times" "$LAB_DIR/pings.log" | put ms "stall/$1/longest"
}

# The script needs sudo for its routes.
script_install() {
	SCRIPT=/run/bench-script.sh
	install -m 0755 tests/bench/hook/script.sh $SCRIPT
	mkdir -p /etc/sudoers.d
	echo "openvpn ALL=(root) NOPASSWD: $(command -v ip)" \
		>/etc/sudoers.d/bench
	chmod 440 /etc/sudoers.d/bench
}

# shellcheck disable=SC2119 # of this script there are no more lines
lab_start && hook_install && script_install && door_open || exit
hook_account alice 10
hook_account bob 11
for how in none hook script; do
	stall $how || { tail -n 3 "$LAB_DIR"/*.log >&2; exit 1; }
done
