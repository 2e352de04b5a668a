#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [PAIRS]: the hook against the script that it replaces; see hookbench
# and script.sh. Inside tests/sandbox.sh, from the top of the source.
set -u
. tests/lib/hook.sh
hook_start
uid=64123
for top in etc dev; do
	mkdir -p "$dir/$top/up" "$dir/$top/work"
	mount -t overlay -o "lowerdir=/$top,upperdir=$dir/$top/up,workdir=$dir/$top/work" overlay "/$top" || exit 1
done
echo "vpnbench:x:$uid:$uid::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
echo "vpnbench:x:$uid:" >>/etc/group
echo "vpnbench:*:19000:0:99999:7:::" >>/etc/shadow
mkdir -p /etc/anyport
cp "$conf" /etc/anyport/anyport.conf
chmod 644 /etc/anyport/anyport.conf
echo "vpnbench ALL=(root) NOPASSWD: $(command -v ip) route *, $(command -v ip) -6 route *" \
	>/etc/sudoers.d/vpnbench
chmod 440 /etc/sudoers.d/vpnbench

printf 'IP4=203.0.113.10\nIP6=2001:db8:2::a\nPREFIX=2001:db8:10a::/48\n' >"$users/alice"
chown 0:$uid "$state"; chmod 0770 "$state"
install -m 0750 -o 0 -g $uid "$hook" "$dir/anyport-hook"
setcap cap_net_admin+ep "$dir/anyport-hook"
cat >"$dir/push.expected" <<-EOF
ifconfig-push 203.0.113.10 255.255.255.0
ifconfig-ipv6-push 2001:db8:2::a/64 2001:db8:2::1
iroute-ipv6 2001:db8:10a::/48
push "setenv-safe DELEGATED_IPV6_PREFIX 2001:db8:10a::/48"
EOF
chmod 755 "$dir" "$users"; chmod 644 "$users/alice"

env -i ${BENCH_FIGURES:+BENCH_FIGURES="$BENCH_FIGURES"} PATH=/usr/sbin:/usr/bin:/sbin:/bin USERS="$users" common_name=alice \
	OVPN_INSTANCE=udp dev=tunudp daemon_pid="${pid[udp]}" \
	daemon_start_time="${started[udp]}" time_unix="$(date +%s)" \
	trusted_ip=192.0.2.9 trusted_port=5000 ifconfig_netmask=255.255.255.0 \
	ifconfig_local=203.0.113.1 ifconfig_ipv6_local=2001:db8:2::1 \
	ifconfig_ipv6_netbits=64 \
	build/tests/tools/hookbench "${1:-200}" $uid "$dir" "$dir/anyport-hook" \
	"$PWD/tests/bench/hook/script.sh" "$PWD/build/tests/tools/empty"
status=$?
umount /dev /etc
exit $status
