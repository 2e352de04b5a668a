#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What the installed hook reads is hostile: OpenVPN's user may write whatever
# he likes to the state directory and to the status files, and root works there
# too, in up. Nothing outside the configuration is routed, read or written.
# shellcheck disable=SC2016,SC2034,SC2206,SC2015 # code for others to expand
set -u
. tests/lib/attack.sh
attack_start
echo canary >"$dir/canary"
canary=$(stat -c '%a %u %g %h %s %Y' "$dir/canary")
untouched() {
	same "$(stat -c '%a %u %g %h %s %Y' "$dir/canary") $(cat "$dir/canary")" "$canary canary" &&
		unharmed
}
declare -A index
for d in tunudp tuntcp lo; do index[$d]=$(ip -o link show dev $d | cut -d: -f1); done
clear_state() { find "$state" -mindepth 1 -delete; }
# The user's event, the user's reconcile, and root's up: all that reads it.
everything() { # NAME
	local status=0
	member client-disconnect "$1" udp || status=1
	timeout 40 "${as_openvpn[@]}" env "$hook" reconcile >>"$dir/out" 2>>"$dir/log" || status=1
	event up "" udp 0 || status=1
	member down "" tcp || status=1
	return $status
}

# ---- routes that the ledger asks for ----------------------------------------------
# Each once as what is to be put in, by a session that lives, and once as what
# is to be deleted, by one that has ended.
claim() { # GONE DEVICE TABLE METRIC PROTOCOL DESTINATION VIA
	printf 'claim 1 udp %s %s %s 0 %s %s 1 %s %s %s %s %s 0 0\nroute %s %s\n' \
		"$2" "${index[$2]}" "${pid[udp]}" "${started[udp]}" "$now" \
		"$3" "$4" "$5" "$1" "$((1 - $1))" "$6" "$7"
}
m=0
while read -r dev table metric protocol dst via; do
	for gone in 0 1; do
		m=$((m + 1))
		{ echo anyport-sessions 1; claim $gone "$dev" "$table" "$metric" \
			"$protocol" "$dst" "$via"; } >"$state/m$m"
		chown $HOOK_UID "$state/m$m"
	done
done <<-EOF
	tuntcp 254 50 4 198.51.100.0/24 -
	tuntcp 254 51 4 203.0.113.98/32 -
	tuntcp 254 0 3 203.0.113.97/32 -
	lo 254 50 4 203.0.113.96/32 -
	tuntcp 100 50 4 203.0.113.95/32 -
	tuntcp 254 50 4 0.0.0.0/0 -
	tuntcp 254 50 4 2001:db8:200::/48 -
	tuntcp 254 50 4 ::/0 -
	tunudp 254 50 4 198.51.100.0/24 -
	tunudp 254 1 4 203.0.113.94/32 -
	tunudp 255 50 4 203.0.113.94/32 -
	tunudp 254 50 2 203.0.113.94/32 -
	lo 254 50 4 203.0.113.94/32 -
	tunudp 254 50 4 8.8.8.8/32 -
	tunudp 254 50 4 203.0.0.0/16 -
	tunudp 254 50 4 ::/0 -
	tunudp 254 50 4 2001:db8:103::/48 2001:db9::1
	tunudp 254 50 4 2001:db8:103::/48 fe80::1
EOF
reset_state() {
	clear_state
	cp -a "$dir/planted/." "$state/"
}
disconnect_all() {
	local i
	for ((i = 1; i <= m; i++)); do
		member client-disconnect m$i udp
	done
}
mkdir "$dir/planted" && cp -a "$state/." "$dir/planted/"
timeout 40 "${as_openvpn[@]}" env "$hook" reconcile >"$dir/out" 2>>"$dir/log"
check "reconcile routes and deletes nothing that a ledger asks for" unharmed
reset_state
event up "" udp 0
check "nor does root's up" unharmed
reset_state
member down "" udp
check "nor down" unharmed
reset_state
disconnect_all
check "nor $m disconnects" unharmed
# Another session of the member ends, and theirs would inherit.
reset_state
for f in "$state"/m*; do
	sed -i '1a\'"$(claim 0 tunudp 254 50 4 203.0.113.80/32 - |
		sed "s/^claim 1/claim 2/; s/ $now 1 / $((now + 1)) 1 /" | head -n 1)" "$f"
done
now=$((now + 1))
disconnect_all
now=$((now - 1))
check "nor what it would give them to" unharmed
reset_state
for ((i = 1; i <= m; i++)); do
	printf 'IP4=203.0.113.10\n' >"$users/m$i"
	member client-connect m$i udp
	member client-disconnect m$i udp
	rm "$users/m$i"
done
check "nor a connect" unharmed
clear_state
{ echo anyport-sessions 1; claim 0 tunudp 254 50 4 203.0.113.10/32 -; } >"$state/alice"
ln -s alice "$state/=203.0.113.10_32"
chown $HOOK_UID "$state/alice"
timeout 40 "${as_openvpn[@]}" env "$hook" reconcile >"$dir/out" 2>>"$dir/log"
check "what the configuration allows is put in" same \
	"$(ip route show 203.0.113.10 | grep -c tunudp)" 1
member client-disconnect alice udp
check "and taken out" same "$(ip route show 203.0.113.10)" ""

# ---- ledgers that are none ---------------------------------------------------------
good=$(claim 0 tunudp 254 50 4 203.0.113.10/32 -)
head=anyport-sessions\ 1
works() { # NAME: alice gets in, or is refused at once; nothing else happens
	local start=${EPOCHREALTIME/./} rc took
	member client-connect alice udp
	rc=$?
	took=$((${EPOCHREALTIME/./} - start))
	check "$1: connect in time, whole or refused (exit status $rc)" eval \
		'[ $took -lt 2400000 ] && { [ $rc = 1 ] && [ ! -s "$given" ] || { [ $rc = 0 ] && routes_on 10 tunudp; }; }'
	everything alice
	check "$1: nobody else is touched" untouched
	[ $rc != 0 ] || routes_on 10 "" ||
		{ plant "rm -rf alice"; ip route flush 203.0.113.10; }
	plant 'rm -rf -- * .lock' 2>/dev/null
	clear_state
}
hostile() { # NAME SHELL-COMMAND: which makes the file "alice"
	plant "$2"
	works "$1"
}
hostile "a ledger of 1 GB" "truncate -s 1G alice"
hostile "of random bytes" "head -c 30000 /dev/urandom >alice"
hostile "of one endless line" "{ echo $head; head -c 30000 /dev/zero | tr '\\0' 9; } >alice"
hostile "cut short by NUL" "printf '$head\\n\\0$good\\n' >alice"
hostile "of negative numbers" "printf '$head\\nclaim -1 udp tunudp -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1\\n' >alice"
hostile "of the largest numbers" "printf '$head\\nclaim 9223372036854775807 udp tunudp 4294967295 1073741824 18446744073709551615 9223372036854775807 9223372036854775807 9223372036854775807 4294967295 4294967295 255 0 0 9223372036854775807 9223372036854775807\\n' >alice"
hostile "of numbers beyond them" "printf '$head\\nclaim 1 udp tunudp 99999999999999999999 1 1 1 1 1 1 1 1 0 0 0 0\\n' >alice"
hostile "that names ../" "printf '%s\\n' '$head' 'claim 1 ../../x ../../x 1 1 1 1 1 1 254 50 4 0 0 0 0' >alice"
hostile "of the same route 18 times" "{ echo $head; echo '$good' | head -n 1; for i in {1..18}; do echo 'route 203.0.113.10/32 -'; done; } >alice"
hostile "of a thousand claims" "{ echo $head; for i in {1..1000}; do echo '$good'; done; } >alice"
hostile "that cannot be read" ": >alice; chmod 0 alice"
hostile "a directory" "mkdir alice"
hostile "a FIFO" "mkfifo alice"
hostile "a socket" "socat -u UNIX-LISTEN:alice,unlink-close=0 - & sleep 0.3; kill \$!"
hostile "a link to a file of root's" "ln -s $dir/canary alice"
hostile "a link to nowhere" "ln -s $evil/new alice"
check "which is not made" test ! -e $evil/new
hostile "a link to a device" "ln -s /dev/zero alice"
hostile "a second name of another file" "echo x >$evil/other; ln $evil/other alice"
check "which is as it was" same "$(cat $evil/other)" x
hostile "a new ledger that is a link already" "ln -s $dir/canary alice~"
hostile "or a directory" "mkdir alice~"
hostile "a lock that is a link" "ln -s $dir/canary .lock"
hostile "a lock that is a link to nowhere" "ln -s $evil/new .lock"
check "which is not made either" test ! -e $evil/new
hostile "a lock that is a FIFO" "mkfifo .lock"
hostile "a lock that is a directory" "mkdir .lock"
hostile "an instance's file that is a link" "ln -s $dir/canary @udp"
hostile "one that says lo" "printf '$head\\nclaim 1 udp lo ${index[lo]} 1 0 1 1 1 254 50 4 0 0 0 0\\nroute 203.0.113.10/32 -\\n' >@udp"
hostile "names that nobody has" "for i in \$'a\\nb' \$'\\e[2J' -rf '\$(id)' 'a;b' ... =x_y =0.0.0.0_99 ==; do echo '$good' >\"./\$i\"; done"
hostile "three thousand files" 'for i in {1..3000}; do echo ":>x$i"; done | sh'

# ---- links that say who has which address ------------------------------------------
printf '%s\n%s\n' "$head" "$good" >$evil/claims
chmod 644 $evil/claims
for link in ../../../run/evil/claims ../run/evil/claims /run/evil/claims . .. '' '@udp' \
	'x y' "$(printf 'a%.0s' {1..200})"; do
	[ -n "$link" ] || continue
	plant "ln -s -- '$link' =203.0.113.10_32"
	member client-connect alice udp
	check "an address that \"${link::40}\" has is nobody's" same "$? $(routes 10)" \
		"0 tunudp tunudp tunudp "
	member client-disconnect alice udp
	check "and nothing else happens" untouched
	clear_state
done
plant "cp $evil/claims bob; ln -s bob =203.0.113.10_32"
member client-connect alice udp
check "one that a live session of bob's has is not given away" same $? 1
check "with a line that says whose it is" grep -q '203.0.113.10 is in use by bob' "$dir/log"
plant 'rm -f bob =*'

# ---- status files -------------------------------------------------------------------
sed -i "s|$dir/status|$evil/status|" /etc/anyport/anyport.conf "$conf"
row() { printf 'CLIENT_LIST\t%s\t%s\t%s\t%s\t0\n' "$1" "$2" "$3" "$4"; }
report() { # TIME: rows on standard input
	printf 'TITLE\tx\nTIME\tx\t%s\nHEADER\tCLIENT_LIST\tCommon Name\tConnected Since (time_t)\tVirtual Address\tVirtual IPv6 Address\tBytes Received\n' "$1"
	cat
	printf 'HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\nEND\n'
}
is_json() { jq -e .schema "$dir/out" >/dev/null; }
status_is() { # NAME
	local start=$SECONDS
	chmod -R a+rw $evil/status.udp 2>/dev/null
	timeout 60 "${as_openvpn[@]}" env "$hook" reconcile --json >"$dir/out" 2>>"$dir/log"
	check "status file $1: reconcile ends (exit status $?), soon" test $((SECONDS - start)) -lt 31
	check "with JSON" is_json
	start=$SECONDS
	event up "" udp 0
	check "up too, exit 0, within its deadline" test "$? $((SECONDS - start < 5))" = "0 1"
	check "and nothing happens" untouched
	rm -rf $evil/status.udp
	clear_state
}
mkfifo $evil/status.udp; status_is "a FIFO"
ln -s /dev/zero $evil/status.udp; status_is "a device"
mkdir $evil/status.udp; status_is "a directory"
truncate -s 1T $evil/status.udp; status_is "of 1 TB"
head -c 4000000 /dev/urandom >$evil/status.udp; status_is "of random bytes"
for since in -1 9223372036854775807 9223372036854775808 x ''; do
	row alice "$since" 203.0.113.10 - | report "$(date +%s)" >$evil/status.udp
	status_is "with a session since \"$since\""
done
row alice "$now" 203.0.113.10 - | report 9223372036854775807 >$evil/status.udp
status_is "of the end of time"
for name in ../alice '../../etc/passwd' 'a"b' $'\e[2J' '$(id)' UNDEF; do
	for i in 1 2 3; do row "$name" "$now" 203.0.113.10 -; done | report "$(date +%s)" >$evil/status.udp
	status_is "of ${name@Q}"
done
row alice "$now" 8.8.8.8 ::1 | report "$(date +%s)" >$evil/status.udp
status_is "with an address that is not alice's"
# 80,000 sessions and as many routes, below what is read at all
many() { # all under one NAME, or each under its own
	{
		printf 'TITLE\tx\nTIME\tx\t%s\n' "$(date +%s)"
		printf 'HEADER\tCLIENT_LIST\tCommon Name\tConnected Since (time_t)\n'
		seq -f "$(printf 'CLIENT_LIST\tm%%.0f\t1')" 80000
		printf 'HEADER\tROUTING_TABLE\tCommon Name\tLast Ref (time_t)\n'
		seq -f "$(printf 'ROUTING_TABLE\tm%%.0f\t1')" 80000
		echo END
	} | sed "${1:+s|	m[0-9]*	|	$1	|}"
}
for name in '' alice; do
	many $name >$evil/status.udp
	start=$SECONDS
	event up "" udp 0
	check "80,000 sessions of ${name:-as many names}: up ends in time" \
		same "$? $((SECONDS - start < 5))" "0 1"
	clear_state
done
check "and nothing happens" untouched
rm $evil/status.udp

# ---- and while root works there ------------------------------------------------------
# The name changes between a file, a link to a file of root's and a FIFO.
(cd "$state" && timeout 6 "${as_openvpn[@]}" bash -c 'while :; do
	for n in alice .lock alice~ @udp; do
		ln -sf "$0/canary" x; mv -fT x $n; rm -f $n; : >x; mv -fT x $n
		rm -f $n; mkfifo $n; rm -f $n
	done; done' "$dir" 2>/dev/null) &
racer=$!
rounds=0
end=$((SECONDS + 5))
while [ $SECONDS -lt $end ]; do
	timeout 20 env -i script_type=up dev=tunudp OVPN_INSTANCE=udp daemon_pid="${pid[udp]}" \
		daemon_start_time=1 "$hook" -c "$conf" 2>>"$dir/log"
	event client-connect alice udp "$now" 2>/dev/null
	event client-disconnect alice udp "$now"
	rounds=$((rounds + 1))
done
wait $racer 2>/dev/null
check "$rounds rounds of root's against one who swaps its files: all as before" untouched
check "no control characters got into the log" eval '! LC_ALL=C grep -q "[[:cntrl:]]" "$dir/log"'
umount /etc
finish
