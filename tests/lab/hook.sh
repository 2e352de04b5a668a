# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# The hook in the lab: both instances as OpenVPN's user with the hook as it is
# installed, members with accounts, and a host on the Internet that members are
# pinged from. To be sourced after lab.sh.

HOOK=/run/anyport-hook
HOOK_USER=64124
FAR4=100.64.9.9 FAR6=2001:db8:99::9	# a host on the Internet

# What make install does: user, directories, configuration, the program with
# its capability. /etc is covered, the machine's own stays as it is.
hook_install() { # [more lines of [hook]]
	local d=$LAB_DIR/etc
	mkdir -p "$d/up" "$d/work" "$LAB_DIR/tmp" /run/anyport/sessions
	mount -t overlay -o "lowerdir=/etc,upperdir=$d/up,workdir=$d/work" \
		overlay /etc || return
	sed -i '/^openvpn:/d' /etc/passwd /etc/group
	echo "openvpn:x:$HOOK_USER:$HOOK_USER::/:/usr/sbin/nologin" >>/etc/passwd
	echo "openvpn:x:$HOOK_USER:" >>/etc/group
	mkdir -p /etc/anyport /etc/openvpn/users
	chown 0:openvpn /run/anyport/sessions "$LAB_DIR/tmp"
	chmod 0770 /run/anyport/sessions "$LAB_DIR/tmp"
	for d in udp tcp; do
		install -m 0640 -o openvpn /dev/null "/run/anyport/status/$d.log"
	done
	cat >/etc/anyport/anyport.conf <<-EOF
	[hook]
	device = tunudp
	device = tuntcp
	range = 203.0.113.0/24
	range = 2001:db8:2::/64
	range = 2001:db8:100::/40
	${1:-}
	[openvpn]
	status = udp /run/anyport/status/udp.log
	status = tcp /run/anyport/status/tcp.log
	EOF
	chmod 644 /etc/anyport/anyport.conf
	install -m 0750 -o 0 -g openvpn "$LAB_TREE/build/anyport-hook" $HOOK &&
		setcap cap_net_admin+ep $HOOK || return
	hook_far
	chmod 755 "$LAB_DIR" "$LAB_DIR/server"
	chmod 644 "$LAB_DIR"/server/*.key
}

hook_far() {
	ip -n net address add $FAR4/32 dev lo
	ip -n net address add $FAR6/128 dev lo
	ip -n net route add 203.0.113.0/24 via "$SRV4"
	ip -n net route add 2001:db8:2::/64 via "$SRV6"
	ip -n net route add 2001:db8:100::/40 via "$SRV6"
}

# Both instances, from the shipped files with the lines that they suggest.
hook_server() { # udp|tcp [OPTION ...]
	local instance=$1
	shift
	: >"$LAB_DIR/$instance.log"
	# The limits of the stock unit.
	# shellcheck disable=SC2016
	lab_run "$instance" srv sh -c 'cd "$0" && exec "$@"' "$LAB_DIR/server" \
		setpriv --bounding-set=-all,+ipc_lock,+net_admin,+net_bind_service,+net_raw,+setgid,+setuid,+setpcap,+sys_chroot,+dac_override,+audit_write \
		prlimit --nproc=10 \
		openvpn --config "$LAB_TREE/conf/openvpn/$instance.conf" \
		--machine-readable-output --tmp-dir "$LAB_DIR/tmp" \
		--script-security 2 --setenv OVPN_INSTANCE "$instance" \
		--client-connect $HOOK --client-disconnect $HOOK --up $HOOK \
		--down $HOOK --status "/run/anyport/status/$instance.log" 1 "$@"
	lab_up "$instance" 15 && return
	lab_fail "OpenVPN server $instance did not start:"
	tail -n 5 "$LAB_DIR/$instance.log" >&2
	return 1
}

# Member NAME's account: addresses that contain N
hook_account() { # NAME N
	printf 'IP4=203.0.113.%d\nIP6=2001:db8:2::%x/64\nPREFIX=2001:db8:1%02x::/48\n' \
		"$2" "$2" "$2" >"/etc/openvpn/users/$1"
	chmod 644 "/etc/openvpn/users/$1"
}

HOOK_BIND=--nobind # how the member chooses its source port
HOOK_TO=$SRV4 # what the member dials

# Process ID of member NAME, in NS, dials; the far host is reached by the
# tunnel. ID's device is tun-ID.
hook_client() { # ID NAME NS udp|tcp PORT [OPTION ...]
	local id=$1 name=$2 ns=$3 proto=$4 port=$5
	shift 5
	case $proto$HOOK_TO in udp*:*) proto=udp6 ;; udp*) proto=udp4 ;;
	tcp*:*) proto=tcp6-client ;; *) proto=tcp4-client ;; esac
	[ -d "$LAB_DIR/member/$name" ] || pki_member "$name" || return
	grep -vE '^(remote |nobind)' "$LAB_TREE/conf/openvpn/client.conf" \
		>"$LAB_DIR/member/$name/profile.conf"
	: >"$LAB_DIR/$id.log"
	# shellcheck disable=SC2016,SC2086
	lab_run "$id" "$ns" sh -c 'cd "$0" && exec openvpn "$@"' \
		"$LAB_DIR/member/$name" --config profile.conf \
		--remote "$HOOK_TO" "$port" "$proto" --dev "tun-$id" --dev-type tun \
		--machine-readable-output $HOOK_BIND --route "$FAR4" 255.255.255.255 \
		--route-ipv6 "$FAR6/128" "$@"
}

# Where the server routes member number N: the devices of the three, or none.
hook_routes() { # N
	local n=$1
	{
		ip -n srv route show "203.0.113.$n" proto static
		ip -n srv -6 route show "$(printf 2001:db8:2::%x "$n")" proto static
		ip -n srv -6 route show "$(printf 2001:db8:1%02x::/48 "$n")" proto static
	} | sed -n 's/.* dev \([^ ]*\).*/\1/p' | tr '\n' ' '
}

hook_on() { # N DEVICE|""
	local want=
	[ -z "$2" ] || want="$2 $2 $2 "
	[ "$(hook_routes "$1")" = "$want" ]
}

# From the Internet to the member's fixed addresses.
far_ping() { # ADDRESS
	local from=$FAR4
	[[ $1 != *:* ]] || from=$FAR6
	within net ping -n -q -I "$from" -c 3 -i 0.2 -W 3 "$1"
}
