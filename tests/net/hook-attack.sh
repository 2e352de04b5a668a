#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The installed hook in the hands of an attacker: any environment, arguments,
# working directory, descriptors, limits, signals and umask. It opens, writes
# and routes nothing outside its configuration, and leaves nothing half done.
# shellcheck disable=SC2016,SC2034,SC2206,SC2015 # code for others to expand
set -u
. tests/lib/attack.sh
attack_start

# ---- who gets to it --------------------------------------------------------------
stranger=("${as_openvpn[@]/$HOOK_UID/64200}")
# Not by setpriv itself, which still has what root may when it executes.
"${stranger[@]}" env "$hook" --version >/dev/null 2>&1
check "a stranger cannot run it" same $? 126
member client-connect alice udp
check "OpenVPN's user can, and is given alice's routes" same "$? $(routes 10)" \
	"0 tunudp tunudp tunudp "
check "a stranger reads, makes and removes no ledger" same "$("${stranger[@]}" \
	sh -c 'cat "$0/alice"; : >"$0/bob"; rm -f "$0/alice"; ls "$0"' "$state" 2>/dev/null
	test -e "$state/alice" -a ! -e "$state/bob" || echo changed)" ""
# In namespaces of his own he is root and the configuration is his: but the
# capability is over those alone.
mkdir $evil/users $evil/sessions
chmod 777 $evil/sessions
sed "s|^range = 203.*|range = 192.0.2.0/24|; s|^users.*|users = $evil/users|
	s|^state.*|state = $evil/sessions|" "$conf" >$evil/anyport.conf
echo IP4=192.0.2.66 >$evil/users/alice
chown -R $HOOK_UID $evil/users # root, there
# The kernel gives no user namespace to who is in a chroot, nor some containers.
if ! why=$("${as_openvpn[@]}" unshare -Urm true 2>&1); then
	ok "in a user namespace he routes nothing # SKIP ${why##*$'\n'}"
else
	before=(unshare -Urm bash -c "mount --bind $evil /etc/anyport && exec \"\$@\"" bash)
	member client-connect alice tcp
	before=()
	check "in a user namespace he is let in" grep -q 'alice from .* on tcp: .*192.0.2.66' "$dir/log"
	check "and routes nothing" same "$(ip route show 192.0.2.66)" ""
fi
rm -f $evil/sessions/{.lock,alice,@tcp,=*}
plant "rm -f $evil/sessions/{.lock,alice,@tcp,=*}"

# ---- environment, arguments, working directory -----------------------------------
cat >"$dir/evil.c" <<-'EOF'
	#include <fcntl.h>
	__attribute__((constructor)) static void ran(void)
	{
		open("/run/evil/ran", O_CREAT | O_WRONLY, 0666);
	}
EOF
clang -shared -fPIC -o $evil/evil.so "$dir/evil.c" && chmod 755 $evil/evil.so
LD_PRELOAD=$evil/evil.so "$hook" --version >/dev/null
check "LD_PRELOAD is obeyed where nothing is raised" test -e $evil/ran
rm -f $evil/ran
mkdir -p $evil/etc/anyport
cp $evil/anyport.conf $evil/etc/anyport/
mkfifo $evil/{classid,pktloc,tzfile}

# What it has opened, whatever came before it.
opened() {
	rm -f "$dir/trace"
	: >"$given"
	chown $HOOK_UID "$given"
	"$strace" -qq -e trace=execve,open,openat,openat2,creat -o "$dir/trace" \
		"${command[@]}" 2>>"$dir/log"
	awk -v hook="$hook" 'index($0, "execve(\"" hook "\"") { on = 1; next }
		on && / = [0-9]+$/ && split($0, w, "\"") > 2 { print w[2] }' \
		"$dir/trace" | sort -u >"$dir/opened"
}
own="/etc/ld\.so\.cache|/lib/[a-z0-9_-]*/libc\.so\.6|/dev/null|/etc/anyport/anyport\.conf"
own="$own|/proc/sys/kernel/cap_last_cap|$users|$state|alice~?|\.lock|@udp~?|\.|$given|/proc/${pid[udp]}/stat"
opens_its_own() {
	grep -qxF alice "$dir/opened" && grep -qxF "$given" "$dir/opened" &&
		! grep -vxE "$own" "$dir/opened" | sed 's/^/# /' | grep .
}
same_as_ever() { # NAME
	opened
	check "$1: opens its own files alone" opens_its_own
	check "$1: routes what it should" routes_on 10 tunudp
	check "$1: and nothing else" unharmed
	rm -f "$state"/alice
}
arguments=("$given")
strace=$(command -v strace)
command_for client-connect alice udp
same_as_ever "an environment as it should be"
environment=(LD_PRELOAD=$evil/evil.so LD_LIBRARY_PATH=$evil LD_AUDIT=$evil/evil.so
	LD_DEBUG=all LD_DEBUG_OUTPUT=$evil/debug LD_PROFILE=libc.so.6
	LD_PROFILE_OUTPUT=$evil GLIBC_TUNABLES=glibc.malloc.check=3
	MALLOC_TRACE=$evil/trace GCONV_PATH=$evil LOCPATH=$evil LANG=../..$evil
	LC_ALL=../..$evil TZ=$evil/tzfile TZDIR=$evil NLSYSCONFDIR=$evil NLDBG=9
	NLCB=debug HOME=$evil TMPDIR=$evil PATH=$evil HOSTALIASES=$evil/tzfile
	ANYPORT_CONF=$evil/anyport.conf XDG_CONFIG_HOME=$evil/etc
	config=$evil/anyport.conf BASH_ENV=$evil/evil.so ENV=$evil/evil.so)
command_for client-connect alice udp
same_as_ever "a hostile environment"
environment=()
command_for client-connect alice udp
cd $evil && { same_as_ever "the attacker's directory"; cd "$top" || exit 1; }
mkdir $evil/gone && cd $evil/gone && rmdir $evil/gone &&
	{ same_as_ever "a directory that is gone"; cd "$top" || exit 1; }
check "nothing of the attacker's has run" test ! -e $evil/ran
check "and nothing is new among his files" same \
	"$(ls $evil | tr '\n' ' ')" "anyport.conf classid etc evil.so pktloc sessions tzfile users "

# ---- descriptors -----------------------------------------------------------------
# What opens a file as descriptor 2 would tell it what it has to say: OpenVPN
# would read that as the member's configuration.
arguments=()
for closed in "0<&-" "2>&-" "1>&- 2>&-" "0<&- 1>&- 2>&-"; do
	before=(bash -c "exec \"\$@\" $closed" bash)
	member client-connect alice udp
	cp "$given" "$dir/push.was"
	member client-connect alice udp
	check "$closed: exit 0, and OpenVPN reads what it should" same \
		"$? $(grep -cvE '^(ifconfig-push|ifconfig-ipv6-push|iroute-ipv6|push) ' "$given") $(wc -l <"$given")" "0 0 4"
	check "$closed: the ledger is one" grep -q "^claim .* udp tunudp" "$state/alice"
	before=()
	member client-disconnect alice udp
	# The same as root, for whom libc opens nothing; and there is something to
	# say while OpenVPN's file is open.
	echo damaged >"$state/alice"
	: >"$dir/push.alice.udp"
	event client-connect alice udp "$now" bash -c "exec \"\$@\" $closed" bash
	check "$closed, as root: the same" same \
		"$? $(grep -acvE '^(ifconfig-push|ifconfig-ipv6-push|iroute-ipv6|push) ' "$dir/push.alice.udp")" "0 0"
	event client-disconnect alice udp "$now"
done

# ---- limits ----------------------------------------------------------------------
# Refused and nothing left, or done: nothing in between.
whole_or_nothing() { # STATUS
	if [ "$1" = 0 ]; then
		routes_on 10 tunudp && grep -q ifconfig-push "$given"
	else
		[ ! -s "$given" ] && routes_on 10 "" &&
			same "$(cd "$state" && ls -A | grep -vE '^(\.lock|@|=)')" ""
	fi && unharmed
}
refused=0
for limit in fsize=0 fsize=60 fsize=120 fsize=150 fsize=170 fsize=190 nofile=4 nofile=5 \
	nofile=6 nofile=7 nofile=8 nproc=0 as=2000000 as=4000000 data=0 data=100000 \
	stack=60000 stack=100000; do
	before=(prlimit "--$limit")
	member client-connect alice udp 2>/dev/null
	rc=$?
	before=()
	[ $rc = 0 ] || refused=$((refused + 1))
	check "limit $limit (exit status $rc): whole or nothing" whole_or_nothing $rc
	[[ $limit != fsize=[06]* ]] || check "limit $limit: refused, not killed" same $rc 1
	member client-disconnect alice udp
	check "limit $limit: after the disconnect nothing is left" whole_or_nothing 1
done
check "some of them keep it from its work" test $refused -gt 5

# ---- signals, a standard error that nobody reads, umask ---------------------------
before=(env --ignore-signal --block-signal)
member client-connect alice udp
check "every signal blocked and ignored: done" whole_or_nothing $?
flock "$state/.lock" sleep 3 &
holder=$!
sleep 0.2
start=${EPOCHREALTIME/./}
member client-connect alice udp
check "and the deadline holds" test $((${EPOCHREALTIME/./} - start)) -lt 2400000
kill $holder
wait $holder 2>/dev/null
flock "$state/.lock" true
member client-disconnect alice udp
before=()
exec 5> >(:)
sleep 0.3
before=(env --default-signal=PIPE bash -c 'exec "$@" 2>&5' bash)
member client-connect alice udp
check "nobody reads what it says: done all the same" whole_or_nothing $?
member client-disconnect alice udp
exec 5>&-
mkfifo -m 666 "$dir/pipe"
exec 5<>"$dir/pipe"
dd if=/dev/zero of="$dir/pipe" oflag=nonblock bs=4096 2>/dev/null
dd if=/dev/zero of="$dir/pipe" oflag=nonblock bs=1 2>/dev/null
start=${EPOCHREALTIME/./}
before=(bash -c 'exec "$@" 2>&5' bash)
timed=5 member client-connect alice udp
check "and when it is a pipe that is full" whole_or_nothing $?
check "with the deadline held" test $((${EPOCHREALTIME/./} - start)) -lt 2400000
timed=5 member client-disconnect alice udp
before=()
exec 5>&-
rm -f "$state/.lock"
(umask 0777; event up "" udp 0)
(umask 0; event up "" tcp 0)
check "umask 0 or 0777 of root's: OpenVPN's user can work, others cannot read" same \
	"$(cd "$state" && stat -c '%n %a %g' .lock @* | sort | tr '\n' ' ')" \
	".lock 660 $HOOK_UID @tcp 660 $HOOK_UID @udp 660 $HOOK_UID "
member client-connect alice udp
check "as it does" whole_or_nothing $?

# ---- the configuration and OpenVPN's file ------------------------------------------
member client-disconnect alice udp
conf_is() { # NAME MODE OWNER GROUP
	chown "$3:$4" /etc/anyport/anyport.conf
	chmod "$2" /etc/anyport/anyport.conf
	member client-connect alice udp
	check "$1: refused" same "$? $(routes 10)" "1 "
	chown 0:0 /etc/anyport/anyport.conf
	chmod 644 /etc/anyport/anyport.conf
}
conf_is "a configuration that is OpenVPN's user's" 644 $HOOK_UID 0
conf_is "one that a group can write to" 664 0 $HOOK_UID
conf_is "one that anybody can write to" 646 0 0
chmod o+w "$users"
member client-connect alice udp
check "accounts in a directory that anybody can write to: refused" same "$? $(routes 10)" "1 "
chmod o-w "$users"
mkfifo -m 644 /etc/anyport/fifo
start=${EPOCHREALTIME/./}
arguments=(-c fifo)
member client-connect alice udp
check "one that is a FIFO: refused at once" same "$? $((${EPOCHREALTIME/./} - start < 1000000))" "1 1"
rm /etc/anyport/fifo
arguments=()
refuses_file() { # NAME PATH
	: >"$given"
	arguments=("$2")
	command_for client-connect alice udp
	arguments=()
	timeout 5 "${command[@]}" 2>>"$dir/log"
	check "$1 for OpenVPN's file: refused" same "$? $(routes 10)" "1 "
}
rm -f "$given"
plant "mkfifo $evil/fifo; : >$evil/file; ln -s $evil/file $evil/link; ln $evil/file $evil/hard; mkdir $evil/d"
refuses_file "a FIFO" $evil/fifo
refuses_file "a link" $evil/link
refuses_file "one of two names" $evil/hard
refuses_file "a directory" $evil/d
refuses_file "a device" /dev/full
refuses_file "a file that is not there" $evil/none
refuses_file "its own memory" /proc/self/mem
refuses_file "no path" anyport.conf
check "nothing was written" same "$(stat -c %s $evil/file)$(ls $evil/none 2>/dev/null)" 0
check "and no route of another's was touched" unharmed
umount /etc
shows 37
finish
