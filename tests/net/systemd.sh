#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The units and the udev rule under a real systemd and a real udevd, as a
# container of namespaces on a layer in memory over this root file system: at
# boot without the interface, when it appears, is renamed, made anew; after
# stop and after unload; with OpenVPN's own unit beside it.
set -u
cd "$(dirname "$0")/../.." || exit 1
here=$PWD
box=/run/systemd-test root=$box/root

# ---- outside: makes the container and waits for its report ----------------

give_up() { # WHY
	echo "1..1"
	echo "ok 1 - systemd # SKIP $1"
	exit 0
}

# Only what udev and the units need: no sysctl, no modules, no clock, no tty.
mask_rest() {
	local unit
	rm -rf "$root"/etc/systemd/system/*.wants
	for unit in "$root"/lib/systemd/system/*.target.wants/*; do
		case ${unit##*/} in
		systemd-journald* | systemd-udevd*) ;;
		*) ln -sf /dev/null "$root/etc/systemd/system/${unit##*/}" ;;
		esac
	done
	ln -sf /dev/null "$root/etc/systemd/system/systemd-udev-trigger.service"
	mount -t tmpfs tmpfs "$root/lib/systemd/system-generators"
	ln -sf /lib/systemd/system/multi-user.target \
		"$root/etc/systemd/system/default.target"
	: >"$root/etc/fstab"
	: >"$root/etc/machine-id"
}

make_dev() {
	local d
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	mkdir "$root/dev/net" "$root/dev/shm" "$root/dev/pts"
	for d in null zero full random urandom tty net/tun; do
		[ ! -e "/dev/$d" ] || { : >"$root/dev/$d" &&
			mount --bind "/dev/$d" "$root/dev/$d"; }
	done
	ln -s /proc/self/fd "$root/dev/fd"
}

make_root() {
	mkdir -p "$root" $box/up $box/work
	mount -t overlay -o "lowerdir=/,upperdir=$box/up,workdir=$box/work" \
		overlay "$root" &&
		mount -t proc proc "$root/proc" &&
		mount -t sysfs sysfs "$root/sys" &&
		mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" &&
		mount -t bpf -o mode=700 bpf "$root/sys/fs/bpf" &&
		mount -t tmpfs -o mode=755 tmpfs "$root/run" &&
		mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" &&
		make_dev && mask_rest &&
		mkdir -p "$root$here" "$root/run/report" "$root/run/openvpn-server" "$root/run/udev" &&
		: >"$root/run/udev/control" && # or systemd takes udev for absent
		mount --bind "$here" "$root$here" &&
		mount --bind $box/report "$root/run/report"
}

# As an administrator would; OpenVPN with a static key needs no certificates.
prepare() {
	chroot "$root" /bin/bash -e <<-END
	cd $here
	getent group openvpn >/dev/null || groupadd --system openvpn
	conf/install.sh install >/dev/null
	printf '[door]\ninterface = up0\ninterface = up1\naddress = 198.51.100.1\n' \
		>/etc/anyport/anyport.conf
	systemctl -q enable anyport.service openvpn-server@udp.service
	cd /etc/openvpn/server
	openvpn --genkey secret static.key
	printf '%s\n' 'dev null' 'proto udp' 'port 1194' 'secret static.key' \
		'cipher AES-256-CBC' >udp.conf
	cat >/etc/systemd/system/test.service <<-UNIT
	[Unit]
	After=multi-user.target
	[Service]
	Type=oneshot
	ExecStart=/bin/bash $here/tests/net/systemd.sh inside
	StandardOutput=file:/run/report/output
	StandardError=inherit
	[Install]
	WantedBy=multi-user.target
	UNIT
	systemctl -q enable test.service
	END
}

boot() { # in namespaces of its own
	make_root && prepare || exit 1
	exec env -i container=anyport-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		chroot "$root" /lib/systemd/systemd
}

outside() {
	local cgroups group pid rc
	[ -x /lib/systemd/systemd ] || give_up "systemd is not installed"
	[ -x /lib/systemd/systemd-udevd ] || give_up "udev is not installed"
	cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$cgroups" ] || give_up "no cgroup2 is mounted"
	group=$cgroups/anyport-test.$$
	mkdir -p $box/report "$group" || exit 1
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec unshare --mount --net --pid --cgroup --uts --ipc --fork \
			--kill-child bash "$0" boot
	) </dev/null >$box/report/boot 2>&1 &
	pid=$!
	timeout 200 bash -c "until [ -e $box/report/done ] || ! kill -0 $pid; do
		sleep 0.2; done" 2>/dev/null
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	cat $box/report/output 2>/dev/null
	rc=$(cat $box/report/done 2>/dev/null || echo 1)
	[ -e $box/report/output ] || cat $box/report/boot
	timeout 10 bash -c "until find '$group' -depth -type d -exec rmdir {} +
		do sleep 0.2; done" 2>/dev/null
	rm -rf $box/report
	exit "$rc"
}

# ---- inside: a service of that systemd ------------------------------------

wait_for() { # COMMAND ...: at most 15 s
	local i
	for ((i = 0; i < 150; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	systemctl status --no-pager anyport.service anyport-interface.service
	return 1
}

is() { # STATE UNIT
	[ "$(systemctl is-active "$2")" = "$1" ]
}

on() { # INTERFACE: the door is there, both ways
	tc filter show dev "$1" egress | grep -q anyport &&
		ip -d link show dev "$1" | grep -q 'prog/xdp'
}

serving() {
	mountpoint -q /run/anyport/bpf && on up0
}

nothing() { # anywhere
	! ls -d /run/anyport/bpf/[0-9]* && ! mountpoint /run/anyport/bpf &&
		! on up0 && ! on up1
}

# Units that the rule has started are through when this one is.
settled() {
	udevadm settle --timeout=10
	sleep 0.5
	wait_for is_idle
}

is_idle() {
	[ -z "$(systemctl list-jobs --no-legend anyport\*)" ]
}

veth() { # NAME: made, with an end far away
	ip link add "$1" type veth peer name "far-$1" && ip link set "$1" up
}

runs() { # how often anyport-interface.service ran or looked
	journalctl -q --no-pager -u anyport-interface.service | wc -l
}

stays_away() {
	settled
	nothing
}

at_boot() {
	ok "boot ends without the interface" is active multi-user.target
	ok "anyport.service has failed" is failed anyport.service
	ok "and says why" grep_journal "none of its interfaces exists"
	ok "OpenVPN runs all the same" is active openvpn-server@udp.service
	ok "OpenVPN starts after it" grep -q "anyport.service" <(systemctl show \
		-p After openvpn-server@udp.service)
}

grep_journal() {
	journalctl -q --no-pager -u anyport.service | grep -F "$1"
}

appears() {
	local before
	veth up0
	ok "the interface appears: the door is on it" wait_for serving
	ok "anyport.service is active" wait_for is active anyport.service
	ok "the maps outlive the service's processes" \
		ls -d /run/anyport/bpf/[0-9]*/v*/lookup
	settled
	before=$(runs)
	veth other0
	settled
	ok "another interface appears: nothing is started" test "$(runs)" = "$before"
	ip link del up0
	veth up0
	ok "made anew: the door is on it again" wait_for serving
	veth tmp1
	ip link set tmp1 down
	ip link set tmp1 name up1
	ok "renamed to a configured name: the door is on it" wait_for on up1
	settled
	ok "reload" systemctl reload anyport.service
	ok "after the reload it serves" serving
	ok "wanted together: the door is there before OpenVPN" door_first
}

started() { # UNIT PROPERTY
	systemctl show --value -p "$2" "$1"
}

# Both wanted by one target, as at boot: the door is there before OpenVPN runs.
door_first() {
	local door openvpn
	systemctl stop openvpn-server@udp.service anyport.service
	printf '[Unit]\nWants=openvpn-server@udp.service anyport.service\n' \
		>/run/systemd/system/both.target
	systemctl daemon-reload && systemctl start both.target || return
	wait_for is active anyport.service &&
		wait_for is active openvpn-server@udp.service || return
	door=$(started anyport.service ActiveEnterTimestampMonotonic)
	openvpn=$(started openvpn-server@udp.service \
		ExecMainStartTimestampMonotonic)
	echo "door $door us, OpenVPN $openvpn us"
	[ "$door" -gt 0 ] && [ "$door" -le "$openvpn" ] && serving
}

undone_at() {
	anyport status --json | grep '"undo_at": [0-9]'
}

# An operator may be cut off: only he ends the wait for his confirmation.
puts_off() {
	ok "reload --confirm 600" anyport reload --confirm 600
	ip link del up1
	veth up1
	ok "an interface appears meanwhile: it is put off" \
		wait_for is activating anyport-interface.service
	sleep 2
	ok "the change is to be undone as before" undone_at
	ok "confirm" anyport confirm
	ok "then the door is on the interface" wait_for on up1
	settled
	ok "systemctl is through" refuses is failed anyport-interface.service
}

in_force() { # ADDRESS
	anyport status --json | grep -F "\"address\": \"$1\""
}

# The undone file is still there when the next interface appears.
not_brought_back() {
	sed -i '/^address/a address = 198.51.100.9' /etc/anyport/anyport.conf
	ok "reload --confirm 3 of one more address" anyport reload --confirm 3
	ok "it is in force" in_force 198.51.100.9
	ok "nobody confirms: undone" wait_for refuses in_force 198.51.100.9
	ip link del up1
	veth up1
	settled
	ok "an interface appears: it is not brought back" \
		refuses in_force 198.51.100.9
	ok "nor is the interface served" refuses on up1
	ok "the log says what to do" wait_for interface_says \
		"is not what is in force"
	sed -i '/100.9$/d' /etc/anyport/anyport.conf
	ok "put right: reload" anyport reload
	ok "the door is on the interface" on up1
	ip link del up1
	veth up1
	ok "and again when it is made anew" wait_for on up1
	settled
}

interface_says() {
	journalctl -q --no-pager -u anyport-interface.service | grep -F "$1"
}

# sshd takes two seconds until it listens, by itself or through systemd.
sshd_units() {
	cat >/run/systemd/system/ssh.service <<-END
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	ExecStart=/bin/sh -c 'sleep 2; exec $here/build/tests/tools/serve -n sshd tcp 0.0.0.0 2222 x'
	END
	printf '[Socket]\nListenStream=2222\n' >/run/systemd/system/ssh.socket
	printf '[Unit]\nWants=ssh.service anyport.service\n' \
		>/run/systemd/system/together.target
	systemctl daemon-reload
}

refused_for_sshd() {
	wait_for is failed anyport.service &&
		grep_journal "claim takes port $1, where sshd listens" && nothing
}

# As where sshd is ordered after OpenVPN, which waits for the door.
comes_before_sshd() {
	sed -i '1i [Unit]\nAfter=anyport.service' /run/systemd/system/ssh.service
	systemctl daemon-reload
	systemctl start together.target
	ok "sshd waits for the door: that is loaded after 10 s" \
		wait_for is active anyport.service
	ok "the log says that sshd was not there" wait_for \
		grep_journal "sshd has not started within 10 s"
	ok "then sshd starts" wait_for is active ssh.service
	ok "the claim is in force: reload" systemctl reload anyport.service
	ok "the log says that it is" wait_for grep_journal "it does so already"
	systemctl stop anyport.service ssh.service
}

keeps_sshd() {
	systemctl stop anyport.service
	sshd_units
	printf '[tcp]\nclaim = 2222\n' >>/etc/anyport/anyport.conf
	systemctl start together.target
	ok "wanted together with sshd: its port is not claimed" refused_for_sshd 2222
	ok "without an order, which may become a cycle" \
		refuses grep -w ssh.service <(started anyport.service After)
	systemctl stop ssh.service
	comes_before_sshd
	sed -i 's/= 2222/= 2223/' /etc/anyport/anyport.conf
	sed -i 's/=2222/=2223/' /run/systemd/system/ssh.socket
	systemctl daemon-reload
	systemctl start ssh.socket
	systemctl start anyport.service
	ok "nor where systemd listens for sshd" refused_for_sshd 2223
	systemctl stop ssh.socket
	rm /run/systemd/system/ssh.socket
	printf '[Socket]\nListenStream=2223\n' >/run/systemd/system/other.socket
	printf '[Service]\nExecStart=/bin/true\n' >/run/systemd/system/other.service
	systemctl daemon-reload
	systemctl start other.socket
	ok "where it listens for another service, that is" \
		systemctl start anyport.service
	ok "and the door serves" serving
	systemctl stop other.socket
	sed -i '/^\[tcp\]/,$d' /etc/anyport/anyport.conf
	systemctl reload anyport.service
}

# The service's capabilities are enough to look at the firewall and at others'
# sockets.
sees_the_host() {
	iptables-legacy -t nat -A PREROUTING -d 198.51.100.1 -p udp \
		--dport 1:65535 -j DNAT --to-destination 198.51.100.1:1194
	nft 'add table ip old; add chain ip old in { type nat hook prerouting priority dstnat; };
		add rule ip old in ip daddr 198.51.100.1 tcp dport 80 dnat to 198.51.100.1:1194'
	ok "start" systemctl start anyport.service
	ok "it serves" serving
	ok "load saw a rule of legacy iptables" grep_journal "iptables-legacy, table nat"
	ok "load saw a rule of nftables" grep_journal "table ip old (nft)"
	ok "load named OpenVPN's socket" listener_named
	ok "load had nothing to complain about itself" refuses grep_journal "cannot"
	iptables-legacy -t nat -F PREROUTING
	nft delete table ip old
}

listener_named() {
	journalctl -q --no-pager -u anyport.service | grep -E "udp .*:1194 +openvpn"
}

taken_away() {
	ok "stop" systemctl stop anyport.service
	ok "stop leaves nothing" nothing
	ok "OpenVPN runs on" is active openvpn-server@udp.service
	ok "OpenVPN restarts" systemctl restart openvpn-server@udp.service
	ok "which brings no door back" stays_away
	ip link del up0
	veth up0
	ok "stopped: an interface that appears brings no door back" stays_away
	sees_the_host
	ok "unload by hand" anyport unload
	ip link del up0
	veth up0
	ok "unloaded: an interface that appears brings no door back" stays_away
	ok "restart brings it back" systemctl restart anyport.service
	ok "it serves again" serving
}

removed() {
	ok "uninstall refuses while it serves" refuses conf/install.sh uninstall
	ok "disable --now" systemctl -q disable --now anyport.service
	ok "uninstall" conf/install.sh uninstall
	ok "systemd knows nothing of it any more" refuses systemctl cat anyport.service
	ok "OpenVPN still runs" is active openvpn-server@udp.service
}

refuses() {
	! "$@"
}

inside() {
	export LAB_DIR=/run/report PATH=/usr/sbin:/usr/bin:/sbin:/bin
	# shellcheck source=tests/lab/tap.sh
	. tests/lab/tap.sh
	trap 'echo $? >/run/report/done' EXIT
	wait_for is active multi-user.target
	at_boot
	appears
	puts_off
	not_brought_back
	keeps_sshd
	taken_away
	removed
	tap_done
}

case ${1:-} in
boot) boot ;;
inside) inside ;;
*) outside ;;
esac
