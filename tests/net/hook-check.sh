#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# anyport-hook check: every mistake of every account, file:line: why. What both
# it and anyport check say of the directory.
set -u
. tests/lib/hook.sh
hook_start
run() { "$hook" check -c "$conf" "$@" >"$dir/out" 2>"$dir/err"; }

run
check "no accounts: exit 0" same "$? $(cat "$dir/out")" "0 0 accounts read, 0 errors"
account alice 10
account bob 11
echo 'NOTE="x"' >>"$users/alice"
echo 'NOTE="y"' >>"$users/bob"
run
check "good accounts: exit 0" same "$? $(cat "$dir/out")" "0 2 accounts read, 0 errors"
check "a name that is not ours: said once" same "$(cat "$dir/err")" \
	"$users/alice:4: NOTE is not anyport's (IP4, IP6, PREFIX), ignoring"
run alice
check "one account" same "$? $(cat "$dir/out")" "0 1 account read, 0 errors"

printf 'IP4=203.0.113.10\nIP6=2001:db8:2::c\nPREFIX="2001:db8:10a:ff00::/56 2001:db9::/48"\n' >"$users/carol"
printf 'id\nIP4=1\n' >"$users/dora"
: >"$users/eve"; chmod 666 "$users/eve"
: >"$users/not a name"
run
check "mistakes: exit 1" same "$? $(cat "$dir/out")" "1 5 accounts read, 6 errors"
said() { grep -qxF "$1" "$dir/err" || { sed 's/^/# /' "$dir/err"; false; }; }
check "an address that two have" said "$users/carol:1: 203.0.113.10 is also alice's: 203.0.113.10 in $users/alice:1"
check "a prefix inside another's" said "$users/carol:3: 2001:db8:10a:ff00::/56 is also alice's: 2001:db8:10a::/48 in $users/alice:3"
check "outside the ranges" said "$users/carol:3: 2001:db9::/48 is outside the ranges of the configuration ([hook] range = ...)"
check "a command" said "$users/dora:1: expected NAME=VALUE (no blanks around =), # comment or nothing"
check "each line" grep -q "^$users/dora:2: IP4=1: " "$dir/err"
check "a file that others can write" grep -q "^$users/eve: group or others can write to it" "$dir/err"
check "a file that is nobody's" grep -q "not a name: cannot be a member's name" "$dir/err"
run alice
check "asked for alice: her half of it" same "$? $(wc -l <"$dir/err")" "1 3"
run nobody
check "no such account: exit 1" same $? 1
run alice bob
check "misuse: exit 2" same $? 2
run --all
check "an option that is none: exit 2" same $? 2

rm "$users"/*
event up "" udp 0
event up "" tcp 0
run
check "instances with a status file each" same "$? $(cat "$dir/err")" "0 "
sed -i '/^status = tcp/d' "$conf"
unseen="anyport-hook: instance tcp: its sessions are compared with nothing: add \"status = tcp PATH\" to [openvpn] in anyport.conf, PATH being that of \"status\" in OpenVPN's configuration"
run
check "one without: a warning" same "$? $(cat "$dir/err")" "0 $unseen"
check "reconcile warns as well" same "$("$hook" reconcile -c "$conf" 2>&1)" "$unseen
in order"
echo "management = tcp $dir/tcp.sock" >>"$conf"
run
check "a management socket is none" same "$? $(cat "$dir/err")" "0 $unseen"
event down "" tcp 0
run
check "not of one that has ended" same "$? $(cat "$dir/err")" "0 "

door=$dir/door.conf
{ printf '[door]\ninterface = eth0\naddress = 198.51.100.1\n'; cat "$conf"; } >"$door"
install -m 755 build/anyport "$dir/anyport" # build/ may be closed to others
warns() { "$@" "$dir/anyport" check -c "$door" 2>&1 | sed -n 's/^warning: accounts: //p'; }
refused() { run; sed -n 's/.*cannot use the directory of accounts: //p' "$dir/err"; }
check "anyport check: a good directory" same "$(warns)" ""
for mistake in "chmod go+w" "chown 4242" "chmod o+w"; do
	$mistake "$users"
	check "$mistake: refused" test -n "$(refused)"
	check "anyport check says the same" same "$(warns)" "$(refused)"
	chown 0 "$users"; chmod 755 "$users"
done
closed="$users: Permission denied: OpenVPN's user must be able to read it (chgrp openvpn, chmod g+rx) and to enter those above it"
chmod 700 "$users"
check "read by root alone: nobody else can tell" same \
	"$(warns setpriv --reuid=65534 --regid=65534 --clear-groups)" \
	"$closed; check as root says more"
chmod 755 "$users"
{ grep -v ^openvpn: /etc/passwd; echo openvpn:x:4242:4242::/:/bin/false; } >"$dir/passwd"
mount --bind "$dir/passwd" /etc/passwd
chown 4242 "$users"
check "OpenVPN's user may have it" same "$(warns)" ""
check "for the hook's check, run by root, as well" same "$(refused)" ""
account alice 10
connect alice udp "$(date +%s)"
check "an OpenVPN that runs as root has no such user" same $? 1
chown 0 "$users"
connect alice udp "$(date +%s)"
check "and takes root's directory" same $? 0

# root can read what the hook, which is OpenVPN's user, cannot
unreadable() { # FILE: what is said of it
	echo "$1: Permission denied: OpenVPN's user must be able to read it: chgrp openvpn, chmod g+r $1"
}
chmod 700 "$users"
check "root's alone: anyport check warns" same "$(warns)" "$closed"
check "anyport-hook check refuses" same "$(refused)" "$closed"
chown 0:4242 "$users"; chmod 750 "$users"
check "of OpenVPN's group: good" same "$(warns)$(refused)" ""
chmod 700 "$dir"
check "in a directory that is closed" same "$(refused)" "$closed"
chmod 755 "$dir"
account bob 11; chmod 600 "$users/bob"
run
check "an account that only root can read" same "$(cat "$dir/out" "$dir/err")" \
	"2 accounts read, 1 error
$(unreadable "$users/bob")"
chown 0:4242 "$users/bob"; chmod 640 "$users/bob"
run
check "of OpenVPN's group" same "$? $(cat "$dir/err")" "0 "
echo 'openvpn:x:0:0::/:/bin/false' >"$dir/passwd"
chmod 600 "$users/bob"; chown 0 "$users/bob"
run
check "an OpenVPN that runs as root reads it" same "$? $(cat "$dir/err")" "0 "
umount /etc/passwd
finish
