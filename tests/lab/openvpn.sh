# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# OpenVPN processes of the lab, run from the files in conf/openvpn.

declare -gA LAB_PID=()	# name of a process: pid
LAB_TUNS=0

# lab_run NAME NS COMMAND ...: in the background, output to $LAB_DIR/NAME.log.
# With job control, or it would ignore SIGINT, at which ping reports; disowned,
# or the shell would report its end.
lab_run() {
	local name=$1 ns=$2
	shift 2
	: >"$LAB_DIR/$name.log"
	set -m
	nsenter --net="/run/netns/$ns" "$@" >>"$LAB_DIR/$name.log" 2>&1 \
		</dev/null &
	LAB_PID[$name]=$!
	disown
	set +m
}

lab_runs() { # name
	[ -n "${LAB_PID[$1]:-}" ] && kill -0 "${LAB_PID[$1]}" 2>/dev/null
}

# Ends what lab_run started, within 3 s: lab_end NAME [SIGNAL]
lab_end() {
	local pid=${LAB_PID[$1]:-}
	[ -n "$pid" ] || return 0
	unset "LAB_PID[$1]"
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	until_true 3 lab_gone "$pid" || kill -KILL "$pid" 2>/dev/null
	return 0
}

lab_gone() { # pid; a zombie is gone
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	[[ $stat == *") Z "* ]]
}

# Is the text $2 in the log of $1? No process: it is polled.
log_has() {
	local text
	IFS= read -rd '' text <"$LAB_DIR/$1.log"
	[[ $text == *"$2"* ]]
}

# lab_up NAME [SECONDS]: waits until OpenVPN has finished its handshake.
lab_up() {
	until_true "${2:-15}" lab_up_or_gone "$1"
	log_has "$1" "Initialization Sequence Completed"
}

lab_up_or_gone() {
	log_has "$1" "Initialization Sequence Completed" || ! lab_runs "$1"
}

# server_start udp|tcp [OPTION ...]: from the shipped file; what differs is the
# user, and members' fixed addresses, which are anyport-hook's business.
server_start() {
	local instance=$1
	shift
	# shellcheck disable=SC2016
	lab_run "$instance" srv sh -c 'cd "$0" && exec openvpn "$@"' \
		"$LAB_DIR/server" \
		--config "$LAB_TREE/conf/openvpn/$instance.conf" \
		--machine-readable-output --user root --group root \
		--client-config-dir ccd --script-security 2 \
		--client-connect "$LAB_TREE/tests/lab/connect.sh" "$@"
	lab_up "$instance" 10 && return
	lab_fail "OpenVPN server $instance did not start:"
	tail -n 5 "$LAB_DIR/$instance.log" >&2
	return 1
}

servers_start() {
	server_start udp "$@" && server_start tcp "$@"
}

# client_start NAME NS PROTO PORT ADDRESS [OPTION ...]: member NAME in
# namespace NS dials PROTO PORT of ADDRESS, with the shipped profile but for
# its list of remotes, and nobind when an option is --lport. Returns at once;
# see lab_up, client_ms, client_tun.
client_start() {
	local name=$1 ns=$2 proto=$3 port=$4 address=$5 not='^remote '
	shift 5
	case $proto$address in udp*:*) proto=udp6 ;; udp*) proto=udp4 ;;
	tcp*:*) proto=tcp6-client ;; *) proto=tcp4-client ;; esac
	[[ "$*" != *--lport* ]] || not='^remote \|^nobind'
	pki_member "$name" || return
	grep -v "$not" "$LAB_TREE/conf/openvpn/client.conf" \
		>"$LAB_DIR/member/$name/profile.conf"
	client_run "$name" "$ns" profile.conf --remote "$address" "$port" \
		"$proto" "$@"
}

# client_run NAME NS PROFILE [OPTION ...]: a profile as it is.
client_run() {
	local name=$1 ns=$2 profile=$3
	shift 3
	pki_member "$name" || return
	LAB_TUNS=$((LAB_TUNS + 1))
	echo "tun$LAB_TUNS" >"$LAB_DIR/member/$name/tun"
	: >"$LAB_DIR/$name.log"
	# shellcheck disable=SC2016
	lab_run "$name" "$ns" sh -c 'cd "$0" && exec openvpn "$@"' \
		"$LAB_DIR/member/$name" --config "$profile" \
		--dev "tun$LAB_TUNS" --machine-readable-output "$@"
}

client_tun() { # name
	cat "$LAB_DIR/member/$1/tun"
}

# Milliseconds from the process's first log line to the tunnel.
client_ms() { # name
	awk '!t { t = $1 } /Initialization Sequence Completed/ {
		printf "%.0f\n", ($1 - t) * 1000; exit }' "$LAB_DIR/$1.log"
}

# The member's address and port as the server saw them last.
server_saw() { # udp|tcp name
	sed -n "s/.*\[$2\] Peer Connection Initiated with \[AF_INET6*\]//p" \
		"$LAB_DIR/$1.log" | sed 's/^::ffff://; s/ (via.*//; $!d'
}

# Round trip through the tunnel, ms; fails unless every reply came. With -w
# ping waits for the last one; -W would give it two round trips at most.
tunnel_ping() { # name ns [4|6] [count [ping option ...]]
	local to=$TUN4 n=${4:-3} out i lost=0 every
	[ "${3:-4}" = 4 ] || to=$TUN6
	every=$((LAB_PATIENCE / 10)).$((LAB_PATIENCE % 10)) # x 0.1 s
	out=$(within "$2" ping -n -I "$(client_tun "$1")" -c "$n" -i $every \
		-w $((5 * LAB_PATIENCE)) "${@:5}" "$to" 2>&1)
	for ((i = 1; i <= n; i++)); do
		[[ $out == *"icmp_seq=$i "* ]] || lost=1
	done
	if [ $lost = 0 ]; then
		sed -n 's,.*= [0-9.]*/\([0-9.]*\)/.*,\1,p' <<<"$out"
	else
		echo "$out" >&2
		return 1
	fi
}
