# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# The lab: network namespaces of members, home routers, a hostile network, the
# Internet and a server, in which real OpenVPN processes run. To be sourced by
# bash scripts that are run from the top of the source tree, as root. lab_start
# makes it all; nothing needs to be undone, the sandbox does that.
#
#   alice --- home (NAT) ---+
#   bob ----- home          |
#   carol (IPv4 and IPv6) --+- net (the Internet) --- srv (eth0)
#   guest --- hotel --------+

# A sandbox of its own for each script, also when several share one.
if [ -z "${LAB_SANDBOX:-}" ]; then
	LAB_SANDBOX=1 ANYPORT_SANDBOX='' exec tests/sandbox.sh bash "$0" "$@"
fi

LAB_TREE=$PWD
LAB_DIR=/run/lab
LAB_NS="srv net home alice bob carol hotel guest"

SRV4=198.51.100.1 SRV4B=198.51.100.2
SRV6=2001:db8:51::1 SRV6B=2001:db8:51::2
HOME4=192.0.2.2 HOME4B=192.0.2.3	# the home router's public addresses
CAROL4=192.0.2.10 CAROL6=2001:db8:80::2
# shellcheck disable=SC2034 # for those who source this
{
	HOTEL4=192.0.2.18
	TUN4=203.0.113.1 TUN6=2001:db8:2::1	# the server inside the tunnel
}

for lab_part in pki openvpn transfer door tap; do
	# shellcheck source=/dev/null
	. "$LAB_TREE/tests/lab/$lab_part.sh"
done

lab_fail() {
	echo "lab: $*" >&2
	return 1
}

# Runs a command in the network namespace $1. Not `ip netns exec`: that would
# mount /sys anew and hide pinned maps.
within() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}

# Seconds of the lab are multiplied by this whole number, for slow machines.
LAB_PATIENCE=${LAB_PATIENCE:-1}

# Waits $1 seconds without a process: read on a pipe that nobody writes to.
lab_wait() {
	read -rt "$1" -u "$LAB_NEVER" || :
}

lab_sleep() {
	local n
	for ((n = 0; n < LAB_PATIENCE; n++)); do
		lab_wait "$1"
	done
}

# until_true SECONDS COMMAND ...: polls; false when the time is over.
until_true() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000 * LAB_PATIENCE))
	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < end)) || return 1
		lab_wait 0.05
	done
}

declare -gA LAB_MAC=() LAB_PEER=() LAB_ADDRESS=()	# index: "ns interface"

lab_link() { # ns1 if1 ns2 if2
	local n=${#LAB_MAC[@]}
	LAB_MAC["$1 $2"]=$(printf '02:00:00:00:00:%02x' $((n + 1)))
	LAB_MAC["$3 $4"]=$(printf '02:00:00:00:00:%02x' $((n + 2)))
	LAB_PEER["$1 $2"]="$3 $4" LAB_PEER["$3 $4"]="$1 $2"
	ip link add "$2" netns "$1" address "${LAB_MAC["$1 $2"]}" type veth \
		peer name "$4" netns "$3" address "${LAB_MAC["$3 $4"]}"
}

# Everybody knows their neighbours: a solicitation that gets lost while a link
# comes up costs a second.
lab_neighbours() {
	local end ns dev address
	for end in "${!LAB_PEER[@]}"; do
		read -r ns dev <<<"$end"
		for address in ${LAB_ADDRESS[${LAB_PEER[$end]}]}; do
			echo "neigh add ${address%/*} dev $dev lladdr" \
				"${LAB_MAC[${LAB_PEER[$end]}]} nud permanent"
		done | ip -n "$ns" -b -
	done
}

# Forwarding everywhere, and addresses usable at once (no duplicate address
# detection). rp_filter off: a member has a dozen tunnels to the same range.
lab_sysctl() {
	local n
	for n in $LAB_NS; do
		ip netns add "$n"
		ip -n "$n" link set lo up
		within "$n" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0 \
			net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
	for n in net home hotel srv; do
		within "$n" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
	done
}

lab_addresses() { # ns interface address ...
	local ns=$1 dev=$2 address
	shift 2
	LAB_ADDRESS["$ns $dev"]=$*
	{
		for address; do
			echo "address add $address dev $dev"
		done
		echo "link set $dev up"
	} | ip -n "$ns" -b -
}

lab_network() {
	lab_link srv eth0 net srv0
	lab_link home wan0 net home0
	lab_link carol eth0 net carol0
	lab_link hotel wan0 net hotel0
	lab_link alice eth0 home alice0
	lab_link bob eth0 home bob0
	lab_link guest eth0 hotel guest0
	lab_addresses srv eth0 $SRV4/24 $SRV4B/24 $SRV6/64 $SRV6B/64
	lab_addresses net srv0 198.51.100.254/24 2001:db8:51::fe/64
	lab_addresses net home0 192.0.2.1/29 2001:db8:70::1/64
	lab_addresses net carol0 192.0.2.9/29 2001:db8:80::1/64
	lab_addresses net hotel0 192.0.2.17/29 2001:db8:90::1/64
	lab_addresses home wan0 $HOME4/29 $HOME4B/29 2001:db8:70::2/64
	lab_addresses home alice0 192.168.1.1/24 2001:db8:70:1::1/64
	lab_addresses home bob0 192.168.2.1/24 2001:db8:70:2::1/64
	lab_addresses hotel wan0 $HOTEL4/29 2001:db8:90::2/64
	lab_addresses hotel guest0 192.168.9.1/24 2001:db8:90:1::1/64
	lab_addresses alice eth0 192.168.1.2/24 2001:db8:70:1::2/64
	lab_addresses bob eth0 192.168.2.2/24 2001:db8:70:2::2/64
	lab_addresses carol eth0 $CAROL4/29 $CAROL6/64
	lab_addresses guest eth0 192.168.9.2/24 2001:db8:90:1::2/64
	lab_neighbours
	lab_routes
}

lab_routes() {
	local ns v4 v6
	while read -r ns v4 v6; do
		printf 'route add default via %s\nroute add default via %s\n' \
			"$v4" "$v6" | ip -n "$ns" -b -
	done <<-EOF
	srv 198.51.100.254 2001:db8:51::fe
	home 192.0.2.1 2001:db8:70::1
	carol 192.0.2.9 2001:db8:80::1
	hotel 192.0.2.17 2001:db8:90::1
	alice 192.168.1.1 2001:db8:70:1::1
	bob 192.168.2.1 2001:db8:70:2::1
	guest 192.168.9.1 2001:db8:90:1::1
	EOF
	ip -n net route add 2001:db8:70::/48 via 2001:db8:70::2
	ip -n net route add 2001:db8:90::/48 via 2001:db8:90::2
}

# The home router translates IPv4 only and keeps source ports where it can, as
# most do; $1: the public address it uses. Called again it renumbers the home,
# and every mapping is forgotten.
home_nat() {
	within home nft -f - <<-EOF
	table ip nat
	delete table ip nat
	table ip nat {
		chain out {
			type nat hook postrouting priority srcnat
			oifname wan0 snat to $1
		}
	}
	EOF
	within home conntrack -F 2>/dev/null
}

# The hotel lets out what $1, an nft expression, matches, and nothing else.
hotel_allows() {
	within hotel nft -f - <<-EOF
	table inet filter
	delete table inet filter
	table inet filter {
		chain forward {
			type filter hook forward priority filter; policy drop
			ct state established,related accept
			iifname guest0 $1 accept
		}
	}
	table ip nat
	delete table ip nat
	table ip nat {
		chain out {
			type nat hook postrouting priority srcnat
			oifname wan0 masquerade
		}
	}
	EOF
}

# Transmit offloads of every interface: off shows checksum mistakes, which
# veth would hide.
lab_offload() { # on|off
	local n dev
	for n in $LAB_NS; do
		for dev in $(within "$n" ls /proc/sys/net/ipv4/conf); do
			case $dev in all | default | lo | tun*) continue ;; esac
			within "$n" ethtool -K "$dev" tx "$1" >/dev/null ||
				lab_fail "ethtool -K $dev tx $1 in $n" || return
		done
	done
}

# Both ends of a link: lab_mtu BYTES NS IF NS IF
lab_mtu() {
	ip -n "$2" link set "$3" mtu "$1" && ip -n "$4" link set "$5" mtu "$1"
}

# Packets that arrived in namespace $1 with a wrong checksum.
checksum_errors() {
	within "$1" nstat -asz TcpInCsumErrors UdpInCsumErrors \
		Udp6InCsumErrors IcmpInCsumErrors Icmp6InCsumErrors |
		awk '!/^#/ { n += $2 } END { print n + 0 }'
}

lab_start() {
	mkdir -p "$LAB_DIR" /run/openvpn-server /run/anyport/status
	mkfifo "$LAB_DIR/never"
	exec {LAB_NEVER}<>"$LAB_DIR/never"
	lab_sysctl
	lab_network
	home_nat "$HOME4"
	pki_make
}
