# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# A spoofed flood in the lab, and members who are on meanwhile: real OpenVPN
# clients, half of them over IPv4 (some behind the home router), half over IPv6,
# on many ports, each with a ping a second. To be sourced after lab.sh.
#
# flood_network, then for each scenario: a door, flood_server, flood_members N,
# flood_run SECONDS, what is to be known (FLOOD), flood_over.

FLOOD_PORTS=(53 443 1194 123 500 4500 51820 65535 80 5060)
declare -gA FLOOD=()	# what the last flood_run saw

# The flood comes by a receive queue of its own, whose processor makes it as
# well, so that it never overruns the queue that members come by: what a network
# card loses before anybody can look at it is not what is examined here. What
# the server sends to forged sources ends in the Internet.
flood_network() {
	local cpus
	cpus=$(nproc --all)
	within srv ethtool -K eth0 gro on
	if [ "$cpus" -gt 1 ]; then
		within srv ethtool -L eth0 rx 2 tx 2 &&
			within net ethtool -L srv0 rx 2 tx 2 &&
			ip netns exec net sh -c "printf %x $((2 ** cpus - 1)) \
				>/sys/class/net/srv0/queues/tx-1/xps_cpus" ||
			return
	fi
	ip -n net route add blackhole default
	ip -n net -6 route add blackhole default
}

flood_server() {
	server_start udp --keepalive "$LAB_PATIENCE" $((5 * LAB_PATIENCE)) \
		--mute 5
}

# Member number N's namespace and the address it dials.
flood_place() { # N
	case $(($1 % 4)) in
	0) echo "carol $SRV6" ;;
	1) echo "alice $SRV4" ;;
	2) echo "bob $SRV6B" ;;
	3) echo "carol $SRV4B" ;;
	esac
}

# Members m1 .. mN, in batches, so that two processors keep up.
flood_members() { # N
	local n ns address first=1
	for ((n = 1; n <= $1; n++)); do
		read -r ns address < <(flood_place "$n")
		client_start "m$n" "$ns" udp \
			"${FLOOD_PORTS[n % ${#FLOOD_PORTS[@]}]}" "$address" ||
			return
		if ((n % 10 == 0 || n == $1)); then
			for (( ; first <= n; first++)); do
				lab_up "m$first" 30 || {
					lab_fail "m$first is not on"
					return
				}
			done
		fi
	done
	FLOOD[members]=$1
}

flood_dump() { # on|off
	local ns
	for ns in alice bob carol; do
		if [ "$1" = off ]; then
			lab_end "dump-$ns" INT
			continue
		fi
		lab_run "dump-$ns" "$ns" tcpdump -nn -s 80 --immediate-mode \
			-i eth0 -w "$LAB_DIR/$ns.pcap" \
			"udp and (host $SRV4 or $SRV4B or $SRV6 or $SRV6B)"
		until_true 5 log_has "dump-$ns" "listening on" || return
	done
}

# Packets to members that came from another address or port than was dialled
# from there; "unknown" if the captures have no packet to members at all.
flood_wrong() {
	local ns
	for ns in alice bob carol; do
		tcpdump -nn -t -r "$LAB_DIR/$ns.pcap" 2>/dev/null
	done | awk -v us=" $SRV4 $SRV4B $SRV6 $SRV6B " '
	function host(s) { sub(/\.[0-9]+$/, "", s); return s }
	{
		from = $2; to = $4; sub(/:$/, "", to)
		if (index(us, " " host(to) " "))
			dialled[from] = to
		else
			came[to, from]++
	}
	END {
		if (!length(came)) {
			print "unknown"
			exit
		}
		for (i in came) {
			split(i, way, SUBSEP)
			if (dialled[way[1]] != way[2])
				wrong += came[i]
		}
		print wrong + 0
	}'
}

# Sessions that ended for want of an answer, on either side.
flood_restarts() {
	local n
	for ((n = 1; n <= FLOOD[members]; n++)); do
		cat "$LAB_DIR/m$n.log"
	done | cat - "$LAB_DIR/udp.log" |
		grep -c 'SIGUSR1\[\|\[m[0-9]*\] Inactivity timeout'
}

flood_pings() { # SECONDS
	local n ns _
	for ((n = 1; n <= FLOOD[members]; n++)); do
		read -r ns _ < <(flood_place "$n")
		lab_run "ping-m$n" "$ns" ping -n -i 1 -c "$1" -w $(($1 + 3)) \
			-I "$(client_tun "m$n")" "$TUN4"
	done
}

flood_pings_over() {
	local n
	for ((n = 1; n <= FLOOD[members]; n++)); do
		! lab_runs "ping-m$n" || return
	done
}

# Which of the first N pings got lost, and how many of each: "17:3 18:100".
flood_lost() { # N
	local n
	for ((n = 1; n <= FLOOD[members]; n++)); do
		sed -n 's/.*icmp_seq=\([0-9]*\) ttl.*/\1/p' \
			"$LAB_DIR/ping-m$n.log" | sort -u
	done | awk -v sent="$1" -v members="${FLOOD[members]}" '
	{ came[$1]++ }
	END {
		for (n = 1; n <= sent; n++)
			if (came[n] < members)
				printf "%d:%d ", n, members - came[n]
	}'
}

# Of the first N pings of each member: the loss in percent, and the worst
# member's.
flood_loss() { # N
	local n
	for ((n = 1; n <= FLOOD[members]; n++)); do
		awk -v sent="$1" -F'icmp_seq=' '
		NF > 1 { n = $2 + 0; if (n <= sent && !seen[n]++) came++ }
		END { print sent - came }' "$LAB_DIR/ping-m$n.log"
	done | awk -v sent="$1" '
	{ lost += $1; if ($1 > worst) worst = $1 }
	END { printf "%.2f %.1f\n", 100 * lost / sent / NR, 100 * worst / sent }'
}

# Counters of the server's kernel: what arrived, what its sockets had no room
# for, how often conntrack's table was full and another entry or the packet went.
flood_kernel() {
	{
		ip -n srv -s -j link show eth0 |
			jq -r '.[0].stats64.rx | "rx \(.packets)"'
		within srv nstat -asz UdpRcvbufErrors Udp6RcvbufErrors |
			awk '!/^#/ { n += $2 } END { print "full", n + 0 }'
		within srv conntrack -S 2>/dev/null | tr ' ' '\n' |
			awk -F= '$1 ~ /^(early_)?drop$/ { n += $2 }
				END { print "evicted", n + 0 }'
	} | sort
}

flood_since() { # before after: "name difference"
	join "$1" "$2" | awk '{ print $1, $3 - $2 }'
}

flood_door() { # counters of the door, by name
	[ "$LAB_DOOR" != anyport ] || anyport stats --json |
		jq -r '.counters | to_entries[] | "\(.key) \(.value)"' | sort
}

# How long a member took to get in, in ms, or that it did not.
flood_in() { # name
	local ms
	ms=$(client_ms "$1")
	echo "${ms:-never}"
}

# One who was never on, from a network where nobody was, and one from a network
# where members are.
flood_new() {
	hotel_allows "udp dport 443"
	client_start new guest udp 443 "$SRV4"
	client_start back carol udp 443 "$SRV4"
}

flood_tiers() {
	if [ "$LAB_DOOR" = anyport ]; then
		anyport status --json | jq -r '.door |
			[.established, .half_open | .ipv4.entries + .ipv6.entries] |
			@tsv'
	else
		echo "- $(within srv conntrack -C)"
	fi
}

flood_start() { # SECONDS KIND
	lab_run flood net nice -n "${FLOOD_NICE:-0}" taskset -c 0 \
		"$LAB_TREE/build/tests/tools/flood" -k "$2" \
		"$LAB_TREE/build/tests/bpf/flood.bpf.o" srv0 \
		"${LAB_MAC["srv eth0"]}" "$1" "$SRV4" "$SRV6"
}

# A flood of KIND (see tests/tools/flood.c; none: no flood) under SECONDS of
# pings; fills FLOOD.
flood_run() { # SECONDS KIND
	local before end restarts name n
	restarts=$(flood_restarts)
	flood_dump on || return
	flood_kernel >"$LAB_DIR/kernel.0"
	flood_door >"$LAB_DIR/door.0"
	[ "$2" = none ] || flood_start $(($1 + 5)) "$2"
	before=${EPOCHREALTIME/./}
	flood_pings "$1"
	lab_wait 3
	flood_new
	end=$((before + ($1 - 1) * 1000000))
	while ((${EPOCHREALTIME/./} < end)); do lab_wait 0.2; done
	read -r "FLOOD[tier_established]" "FLOOD[tier_half]" < <(flood_tiers)
	flood_kernel >"$LAB_DIR/kernel.1"
	FLOOD[seconds]=$(((${EPOCHREALTIME/./} - before) / 100000))
	flood_door >"$LAB_DIR/door.1"
	until_true 10 flood_pings_over
	lab_end flood INT
	flood_dump off
	while read -r name n; do
		FLOOD[$name]=$n
	done < <(for n in kernel door; do
		flood_since "$LAB_DIR/$n.0" "$LAB_DIR/$n.1"
	done)
	FLOOD[rate]=$((FLOOD[rx] * 10 / FLOOD[seconds]))
	FLOOD[lost]=$(flood_lost "$1")
	read -r "FLOOD[loss]" "FLOOD[worst]" < <(flood_loss "$1")
	FLOOD[wrong]=$(flood_wrong)
	FLOOD[restarts]=$(($(flood_restarts) - restarts))
	FLOOD[new]=$(flood_in new) FLOOD[back]=$(flood_in back)
}

# Ends clients and server; what the next scenario finds is as at the start.
flood_over() {
	local name
	for name in "${!LAB_PID[@]}"; do
		kill -KILL "${LAB_PID[$name]}" 2>/dev/null
	done
	for name in "${!LAB_PID[@]}"; do
		lab_end "$name" KILL
	done
}
