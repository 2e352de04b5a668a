#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The hook in trouble: a full disk, locks that do not come free, account files
# that are none, and without privilege.
set -u
. tests/lib/hook.sh
hook_start
now=$(date +%s)
account alice 10
strace=$(command -v strace)
ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
took() { # SINCE LIMIT
	local t=$(($(ms) - $1))
	[ $t -le "$2" ] || { echo "# took $t ms"; false; }
}
nothing() { # no claim, no route
	same "$(ls "$state" | grep -v '^@'; ip route show proto static; ip -6 route show proto static)" ""
}

# 38: an account that is no account
events=0
# Of 2 s; a refusal takes a few ms, but the machine may be busy: then the next
# one is in time. However busy, none takes twice as long.
in_deadline() {
	local start
	for _ in 1 2 3; do
		start=$(ms) events=$((events + 1))
		connect alice udp $now
		same $? 1 || return
		took "$start" 2000 && return
		took "$start" $((4000 * ${LAB_PATIENCE:-1})) || return
	done
	false
}
refused() { check "$1: refused within the deadline" in_deadline; }
rm "$users/alice"; mkfifo "$users/alice"
refused "a FIFO"
rm "$users/alice"; ln -s /dev/zero "$users/alice"
refused "a link to a device"
account bob 11
ln -sf bob "$users/alice"
refused "a link to a good account"
rm "$users/bob"
rm "$users/alice"; mkdir "$users/alice"
refused "a directory"
rmdir "$users/alice"; mknod "$users/alice" c 1 5
refused "a device"
rm "$users/alice"; printf 'IP4=203.0.113.10\nX=$(touch %s/ran)\n' "$dir" >"$users/alice"
refused "a command in it"
printf 'IP4=203.0.113.10\nX=`touch %s/ran`\n' "$dir" >"$users/alice"
refused "backquotes"
printf 'IP4=203.0.113.10; touch %s/ran\n' "$dir" >"$users/alice"
refused "two commands"
check "nothing of it ran" test ! -e "$dir/ran"
account alice 10; chmod g+w "$users/alice"
refused "group-writable"
chmod g-w,o+w "$users/alice"
refused "world-writable"
chmod o-w "$users/alice"; chown 4242 "$users/alice"
refused "another's"
chown 0 "$users/alice"; chmod g+w "$users"
refused "a directory that a group can write to"
check "with what mends it" grep -q "refused: .*: chmod go-w $users\$" "$dir/log"
"$hook" check -c "$conf" >"$dir/out" 2>&1
check "check says so, too" same "$? $(grep -c "chmod go-w $users\$" "$dir/out")" "1 1"
chmod 1777 "$users"
refused "the sticky bit does not help"
chmod 755 "$users"; chown 4242 "$users"
refused "another's directory"
check "with what mends that" grep -q "refused: .*: chown root $users\$" "$dir/log"
chown 0 "$users"
rm "$users/alice"; head -c 50000000 /dev/zero >"$users/alice"
refused "huge"
rm "$users/alice"; account alice 10
check "each with a line that says why" same "$(grep -c 'alice from 192.0.2.9:5000 on udp refused: ' "$dir/log")" $events
check "and nothing is left" nothing
shows 38

# 39: the file for OpenVPN cannot be written
mkdir "$dir/full"
mount -t tmpfs -o size=8k,nr_inodes=10 tmpfs "$dir/full"
: >"$dir/full/push"
head -c 100000 /dev/zero >"$dir/full/fill" 2>/dev/null
push=$dir/full/push connect alice udp $now
check "a full disk: refused" same $? 1
check "the file is empty" same "$(stat -c %s "$dir/full/push")" 0
check "no claim and no route" nothing
connect alice tcp $now
push=$dir/full/push connect alice udp $now
check "full disk, on tcp before: refused" same $? 1
check "tcp keeps the routes" routes_on 10 tuntcp
disconnect alice udp $now
check "the disconnect that follows a refusal changes nothing" routes_on 10 tuntcp
disconnect alice tcp $now
n=$("$strace" -V >/dev/null && event client-connect alice udp $now "$strace" -qq -e trace=write -o "$dir/trace" && grep -n ifconfig-push "$dir/trace" | cut -d: -f1)
disconnect alice udp $now
for err in EIO EDQUOT; do
	event client-connect alice udp $now "$strace" -qq -o /dev/null -e "inject=write:error=$err:when=$n"
	check "$err in writing: refused" same $? 1
	check "$err: the file is empty" same "$(stat -c %s "$dir/push.alice.udp")" 0
	check "$err: no claim and no route" nothing
done
event client-connect alice udp $now "$strace" -qq -o /dev/null -e inject=ftruncate:error=EIO:when=1
check "EIO in truncating: refused" same $? 1
check "no claim and no route" nothing
mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs "$state"
: >"$state/a"; : >"$state/b"
connect alice udp $now
check "no room for the ledger: refused" same $? 1
check "with a line that says what to mend" same "$(tail -n 1 "$dir/log")" \
	"anyport-hook: alice from 192.0.2.9:5000 on udp refused: cannot open $state/alice: No space left on device; make room on its file system (df, df -i)"
check "no route" same "$(ip route show proto static)" ""
umount "$state"
rm -f "$state/.lock"; mkdir "$state/.lock"
connect alice udp $now
check "a lock that is a directory: refused" same $? 1
check "with a line that names it" same "$(tail -n 1 "$dir/log")" \
	"anyport-hook: alice from 192.0.2.9:5000 on udp refused: cannot open $state/.lock: Is a directory; that is none of anyport's files: remove it"
rmdir "$state/.lock"
check "no claim and no route" nothing
umount "$dir/full"
why() { # WHAT TEXT: in the last line of the log
	same "$(tail -n 1 "$dir/log")" \
		"anyport-hook: alice from 192.0.2.9:5000 on udp refused: cannot $1: $2"
}
for file in alice~ =203.0.113.10_32; do
	mkdir "$state/$file"
	connect alice udp $now
	check "a directory called $file: refused" same $? 1
	check "with a line that names it" why "write $state/$file" \
		"File exists; that is none of anyport's files: remove it"
	rmdir "$state/$file"
	check "no claim and no route" nothing
done
while read -r err text; do
	event client-connect alice udp $now "$strace" -qq -o /dev/null \
		-e "inject=renameat:error=$err"
	check "$err: refused" same $? 1
	check "$err: with what mends it" why "write $state/alice~" "$text"
done <<-EOF
	EROFS Read-only file system; OpenVPN's user must be able to write there
	ENOMEM Cannot allocate memory; free memory, or raise MemoryMax= of OpenVPN's unit
	EIO Input/output error; the kernel's log (dmesg) may say why
EOF
while read -r err text; do
	event client-connect alice udp $now "$strace" -qq -o /dev/null \
		-e "inject=symlinkat:error=$err"
	check "$err: refused" same $? 1
	check "$err: with what mends it" why "write $state/=203.0.113.10_32" "$text"
done <<-EOF
	EMFILE Too many open files; raise LimitNOFILE= of OpenVPN's unit
	ENFILE Too many open files in system; raise sysctl fs.file-max
	EACCES Permission denied; OpenVPN's user must be able to write there
EOF
check "no claim and no route" nothing
shows 39

# the deadline holds for locks, too
members="alice bob carol"
account bob 11; account carol 12
for who in $members; do connect "$who" tcp $now; done
sed -i 's/^users = /deadline = 300ms\n&/' "$conf"
hold() { # FILE ... of $state: locked until $holder is killed
	rm -f "$dir/held"
	(
		for file; do exec {fd}>>"$state/$file" && flock "$fd" || exit; done
		: >"$dir/held"
		exec sleep 120
	) &
	holder=$!
	for _ in $(seq 500); do [ -e "$dir/held" ] && break; sleep 0.02; done
	check "$* locked" test -e "$dir/held"
}
# A busy machine may keep an event from its processor; then that of the next
# member has to be in time. A hook that waits too long does so each time.
in_time() { # TYPE INSTANCE
	local start t
	for who in $members; do
		start=$(ms)
		event "$1" "$who" "$2" $now || return
		t=$(($(ms) - start))
		[ $t -gt 600 ] || return 0
		echo "# $1 of $who took $t ms"
	done
	false
}
for lock in "$members" .lock; do
	# shellcheck disable=SC2086 # words
	hold $lock
	check "$lock locked: connect exit 0, within the deadline" in_time client-connect udp
	check "with a configuration" grep -q ifconfig-push "$dir/push.$who.udp"
	check "$lock locked: disconnect exit 0, within the deadline" in_time client-disconnect tcp
	check "$lock locked: down exit 0, within the deadline" in_time down tcp
	kill "$holder"
	wait "$holder" 2>/dev/null
done
sed -i '/^deadline/d' "$conf"
for who in $members; do disconnect "$who" tcp $now; done
status udp "alice,$now,203.0.113.10,2001:db8:2::a,$now"
event up "" udp 0
at=$(($(date +%s) + 5)) status udp "alice,$now,203.0.113.10,2001:db8:2::a,$now"
reconcile >/dev/null
check "reconcile gives the session its routes" routes_on 10 tunudp
disconnect alice udp $now; disconnect alice tcp $now
rm -f "$dir"/status.* "$users/bob" "$users/carol"

# 43: OpenVPN's user, the file capability, the stock unit's limits
mkdir "$dir/etc"
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache "$dir/etc/"
mount --bind "$dir/etc" /etc
mkdir /etc/anyport
cp "$conf" /etc/anyport/anyport.conf
cp "$conf" /etc/anyport/other.conf
user=64123
install -m 0750 -o 0 -g $user "$hook" "$dir/anyport-hook"
setcap cap_net_admin+ep "$dir/anyport-hook"
chown 0:$user "$state"; chmod 0770 "$state"
rm -f "$state"/* "$state"/.lock
hook=$dir/anyport-hook
stock=$(command -v setpriv)" --reuid=$user --regid=$user --clear-groups --inh-caps=-all"
stock="$stock --bounding-set=-all,+ipc_lock,+net_admin,+net_bind_service,+net_raw,+setgid,+setuid,+setpcap,+sys_chroot,+dac_override,+audit_write"
as_user() { # TYPE NAME INSTANCE TIME [CONF] [SETPRIV-OPTION...]
	local type=$1 name=$2 instance=$3 time=$4 conf=${5-anyport.conf} file=
	shift 4; [ $# = 0 ] || shift
	: >"$dir/push.user"; chown $user "$dir/push.user"
	[ "$type" != client-connect ] || file=$dir/push.user
	# shellcheck disable=SC2086
	env -i script_type="$type" common_name="$name" OVPN_INSTANCE="$instance" \
		dev="tun$instance" daemon_pid="${pid[$instance]}" ANYPORT_CONF=/tmp/x \
		daemon_start_time="${started[$instance]}" time_unix="$time" \
		trusted_ip=192.0.2.9 trusted_port=5000 ifconfig_netmask=255.255.255.0 \
		ifconfig_ipv6_local=2001:db8:2::1 ifconfig_ipv6_netbits=64 \
		$stock "$@" "$hook" -c "$conf" ${file:+"$file"} 2>>"$dir/log"
}
as_user client-connect alice udp $now
check "as OpenVPN's user, in the stock unit's limits" same $? 0
check "its routes are in" routes_on 10 tunudp
check "the ledger is OpenVPN's user's" same "$(stat -c %u "$state/alice")" $user
event up "" tcp 0
check "up, as root" same $? 0
check "what root made is the group's" same "$(stat -c %g "$state/@tcp")" $user
as_user client-connect alice tcp $now other.conf
check "another configuration by its name" same $? 0
check "moved" routes_on 10 tuntcp
as_user client-disconnect alice tcp $now
check "falls back" routes_on 10 tunudp
as_user down "" tcp 0
check "down, as OpenVPN's user, of what up made as root" test ! -e "$state/@tcp"
for path in /etc/anyport/anyport.conf ../anyport/anyport.conf ./anyport.conf .. ""; do
	as_user client-connect alice tcp $now "$path"
	check "no path with raised privilege: \"$path\"" same $? 1
done
chmod 600 /etc/anyport/anyport.conf
as_user client-connect alice tcp $now
check "a configuration that it may not read: refused" same $? 1
chmod 644 /etc/anyport/anyport.conf
: >"$dir/log"
as_user client-connect alice tcp $now anyport.conf --no-new-privs
check "NoNewPrivileges: the member is let in" same $? 0
# Kernels differ in whether the file capability then counts.
check "NoNewPrivileges: says what to remove, or routes" eval \
	'grep -q "remove NoNewPrivileges=yes" "$dir/log" || routes_on 10 tuntcp'
as_user client-disconnect alice tcp $now
setcap -r "$hook"; : >"$dir/log"
as_user client-connect alice tcp $now anyport.conf --no-new-privs
check "no capability: the member is let in" same $? 0
check "no capability: the routes stay where they were" routes_on 10 tunudp
check "it says that NoNewPrivileges takes it" grep -q "remove NoNewPrivileges=yes" "$dir/log"
: >"$dir/log"
as_user client-disconnect alice tcp $now
check "or how to give it" grep -q "setcap cap_net_admin+ep" "$dir/log"
setcap cap_net_admin+ep "$hook"
push=$(mktemp "$dir/push.XXXXXX")
chmod 666 "$push"; chown 0 "$push"
check "a file of another's is not written to" same "$(
	env -i script_type=client-connect common_name=alice OVPN_INSTANCE=udp dev=tunudp \
		daemon_pid="${pid[udp]}" daemon_start_time=1 time_unix=1 ifconfig_netmask=255.255.255.0 \
		$stock "$hook" "$push" 2>>"$dir/log"; echo $? "$(stat -c %s "$push")")" "1 0"
unset push
# dropped for good when the last route is in
: >"$dir/push.user"; chown $user "$dir/push.user"
# shellcheck disable=SC2086
connect bob udp $now 2>/dev/null
"$hook" reconcile -c /etc/anyport/anyport.conf >/dev/null
check "reconcile as root" same $? 0
$stock "$hook" reconcile --dry-run >"$dir/out" 2>&1
check "reconcile as OpenVPN's user" same "$? $(cat "$dir/out")" "0 in order"
$stock "$hook" check >"$dir/out" 2>&1
check "check as OpenVPN's user" same "$? $(cat "$dir/out")" "0 1 account read, 0 errors"
umount /etc
shows 43
finish
