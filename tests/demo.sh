#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# make demo: in a lab of network namespaces real OpenVPN clients dial a dozen
# ports of a server, through the door. Exit 1 if anything did not work.
set -u
trap 'echo; echo "demo: interrupted"; exit 130' INT TERM
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/move.sh
. tests/lab/move.sh

UDP_PORTS="53 123 443 500 1194 4500 65535"
TCP_PORTS="80 443 993 8443"
BATCH=6	# clients at once
failed=()

bold='' plain=''
[ ! -t 1 ] || bold=$'\e[1m' plain=$'\e[0m'

step() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Shown while something takes its time, on a terminal only.
busy() {
	[ ! -t 1 ] || printf '\r\e[K  %s' "$*"
}

clear_busy() {
	[ ! -t 1 ] || printf '\r\e[K'
}

row() { # proto port family member connected ping saw
	clear_busy
	printf '  %-5s %5s  %-6s  %-6s  %9s  %8s  %s\n' "$@"
}

# Each client is a member of its own, in alice's or carol's network.
family_of() { # member: the family it dials, its address
	if [ "$1" = alice ]; then echo "IPv4 $SRV4"; else echo "IPv6 $SRV6"; fi
}

connect() { # proto-port-member
	local proto port member family address
	IFS=- read -r proto port member <<<"$1"
	read -r family address < <(family_of "$member")
	busy "$member dials $proto $port over $family ..."
	client_start "$1" "$member" "$proto" "$port" "$address"
}

report() { # proto-port-member
	local proto port member family address ms ping
	IFS=- read -r proto port member <<<"$1"
	read -r family address < <(family_of "$member")
	busy "waiting for $proto $port over $family ..."
	if ! lab_up "$1" 10; then
		row "$proto" "$port" "$family" "$member" "not" "-" "-"
		tail -n 3 "$LAB_DIR/$1.log" | sed 's/^/        /'
		failed+=("$proto $port over $family: no connection")
		return
	fi
	ms=$(client_ms "$1")
	if ! ping=$(tunnel_ping "$1" "$member" "${family#IPv}" 2>/dev/null); then
		ping=lost
		failed+=("$proto $port over $family: no ping in the tunnel")
	else
		ping="$ping ms"
	fi
	row "$proto" "$port" "$family" "$member" "$ms ms" "$ping" \
		"$(server_saw "$proto" "$1")"
}

# TCP 22 is configured as pass: the server's own listener has to answer there.
own_listener() { # member
	local family address line=
	read -r family address < <(family_of "$1")
	# shellcheck disable=SC2016
	line=$(within "$1" timeout 5 bash -c \
		'exec 3<>"/dev/tcp/$0/22" && read -r line <&3 && echo "$line"' \
		"$address" 2>/dev/null)
	row tcp 22 "$family" "$1" "left" "alone" "${line:-nothing}"
	[ "$line" = "SSH-2.0-the_servers_own" ] ||
		failed+=("tcp 22 over $family: the server's own did not answer")
}

clients() {
	local list=() c p i
	for p in $UDP_PORTS; do list+=("udp-$p-alice" "udp-$p-carol"); done
	for p in $TCP_PORTS; do list+=("tcp-$p-alice" "tcp-$p-carol"); done
	row proto port family member connected ping "the server saw"
	for ((i = 0; i < ${#list[@]}; i += BATCH)); do
		for c in "${list[@]:i:BATCH}"; do connect "$c"; done
		for c in "${list[@]:i:BATCH}"; do report "$c"; done
	done
	own_listener alice
	own_listener carol
	CLIENTS=${#list[@]}
}

show() { # an anyport command
	step "anyport $*"
	anyport "$@" || failed+=("anyport $*: exit status $?")
}

# What is true of the server's network namespace after all that.
nothing_tracked() {
	local conntrack rules legacy
	step "In the server's network namespace"
	conntrack=$(within srv conntrack -L 2>/dev/null | wc -l)
	rules=$(within srv nft list ruleset | wc -l)
	legacy=$({ within srv iptables-legacy-save
		within srv ip6tables-legacy-save; } | grep -c '^-A')
	printf '  %4d  %s\n' "$conntrack" "conntrack entries (conntrack -L)" \
		"$rules" "lines of nftables rules, NAT or other (nft list ruleset)" \
		"$legacy" "rules of legacy iptables and ip6tables"
	[ "$conntrack$rules$legacy" = 000 ] ||
		failed+=("the server tracks or translates connections")
}

step "The lab: members, routers and a server in network namespaces"
busy "making it ..."
lab_start || exit
lab_run ssh srv socat TCP6-LISTEN:22,fork,reuseaddr \
	'SYSTEM:echo SSH-2.0-the_servers_own'
servers_start --tmp-dir "$LAB_DIR" || exit
clear_busy
cat <<EOF
  alice  192.168.1.2, behind a home router with NAT ($HOME4)
  carol  $CAROL6, straight on the Internet
  srv    $SRV4 and $SRV6
         $(openvpn --version | cut -d' ' -f1,2 | head -n 1), two instances: UDP 1194 and TCP 1194
EOF
step "The door: anyport load -c anyport.conf"
door_conf
sed '/^$/d; s/^/  /' "$DOOR_CONF"
echo
door_open 2>&1 | sed 's/^/  /'
[ "${PIPESTATUS[0]}" = 0 ] || exit 1

step "Real clients, each on a port of its own"
clients
show status
show stats
show flows
nothing_tracked
for c in "${!LAB_PID[@]}"; do
	[ "$c" = ssh ] || lab_end "$c" KILL
done
move

if [ ${#failed[@]} -gt 0 ]; then
	step "Did not work:"
	printf '  %s\n' "${failed[@]}"
	exit 1
fi
step "$CLIENTS of $CLIENTS clients connected; $SECONDS s."
