#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# make install and uninstall: into a tree that is staged, and on this system
# as it would be, below a layer in memory that goes with the test; also over a
# loaded door. And what is installed: units, udev rule, manual pages, scripts.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${1:-}" != inside ]; then
	# A first process of this mount namespace, or load would see no bpffs.
	exec unshare --mount --net --pid --fork --kill-child --mount-proc \
		bash "$0" inside
fi
export LAB_DIR=/run/install
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

stage=$LAB_DIR/stage
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p $LAB_DIR || exit 1
for d in usr etc var; do
	mkdir -p "$LAB_DIR/$d/up" "$LAB_DIR/$d/work"
	mount -t overlay -o "lowerdir=/$d,upperdir=$LAB_DIR/$d/up,workdir=$LAB_DIR/$d/work" \
		overlay "/$d" || exit 1
done

skip() { # NAME WHY
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $1 # SKIP $2"
}

run_make() { # ARG ...; what is built is not built again
	make -s -o all "$@" >"$LAB_DIR/said" 2>&1
}

said() {
	grep -F -- "$1" "$LAB_DIR/said" || { cat "$LAB_DIR/said"; false; }
}

tree() { # the files below a directory, with their modes
	find "$1" ! -type d -printf '%m /%P\n' | LC_ALL=C sort -k 2
}

same_tree() {
	diff <(LC_ALL=C sort -k 2 tests/net/install.list) <(tree "$stage")
}

is_empty() {
	[ ! -d "$1" ] || [ -z "$(find "$1" -mindepth 1 | tee /dev/stderr)" ]
}

refuses() {
	! "$@"
}

# ---- a staged tree --------------------------------------------------------

staged() {
	umask 077
	ok "staged: exit 0" run_make install DESTDIR=$stage
	umask 022
	ok "staged: exactly the files and modes of install.list" same_tree
	ok "staged: says what remains to be done" said "setcap cap_net_admin+ep"
	ok "staged: whoever may read the files finds them" \
		test "$(stat -c %a $stage/usr/share/doc)" = 755
	ok "staged again over itself" run_make install DESTDIR=$stage
	ok "staged again: the same" same_tree
	ok "uninstall: exit 0" run_make uninstall DESTDIR=$stage
	ok "uninstall: nothing left" is_empty $stage
}

edited() {
	local conf=$stage/etc/anyport/anyport.conf
	run_make install DESTDIR=$stage
	echo "# mine" >>$conf
	run_make install DESTDIR=$stage
	ok "install leaves an edited anyport.conf alone" tail -n 1 $conf
	ok "install leaves it alone, indeed" grep -qx "# mine" $conf
	run_make uninstall DESTDIR=$stage
	ok "uninstall names the edited anyport.conf" said "anyport.conf, which was edited"
	ok "uninstall leaves it" grep -qx "# mine" $conf
	rm -r "${stage:?}/etc"
	ok "uninstall leaves nothing else" is_empty $stage
}

elsewhere() {
	run_make install DESTDIR=$stage PREFIX=/usr/local LIBDIR=/usr/lib
	ok "PREFIX: the unit runs what is there" \
		grep -qx "ExecStart=/usr/local/sbin/anyport load" \
		$stage/usr/lib/systemd/system/anyport.service
	ok "PREFIX: OpenVPN's example runs what is there" \
		grep -q "client-connect /usr/local/libexec/anyport-hook" \
		$stage/usr/local/share/doc/anyport/examples/openvpn/udp.conf
	# A file of an older version, which this one does not have.
	touch $stage/usr/local/share/old
	echo /usr/local/share/old >>$stage/usr/local/share/doc/anyport/manifest
	run_make install DESTDIR=$stage PREFIX=/usr/local LIBDIR=/usr/lib
	ok "a newer version takes an older one's files away" \
		refuses test -e $stage/usr/local/share/old
	run_make uninstall DESTDIR=$stage PREFIX=/usr/local LIBDIR=/usr/lib
	ok "PREFIX: nothing left" is_empty $stage
}

# ---- this system ----------------------------------------------------------

hook=/usr/libexec/anyport-hook

door_conf() {
	cat >/etc/anyport/anyport.conf <<-END
	[door]
	interface = up0
	address = 198.51.100.1
	[udp]
	[tcp]
	pass = 22
	END
}

loaded() { # ids of what is attached, of pins and of clsact
	ip -o link show up0 | grep -o 'prog/xdp id [0-9]*'
	tc filter show dev up0 egress | grep -o ' id [0-9]*'
	find /run/anyport/bpf -mindepth 2 | LC_ALL=C sort
}

hook_can() {
	[ "$(getcap $hook)" = "$hook cap_net_admin=ep" ] &&
		[ "$(stat -c '%a %U:%G' $hook)" = "750 root:openvpn" ]
}

# Whoever has the old program open keeps it: the file is another one.
replaced() {
	local before=$1
	[ "$before" != "$(stat -c %i /usr/sbin/anyport)" ]
}

system() {
	local before inode
	getent group openvpn >/dev/null || groupadd --system openvpn
	ok "system: install" run_make install
	ok "system: the hook's mode, group and capability" hook_can
	ip link set lo up
	ip link add up0 type veth peer name far0
	ip address add 198.51.100.1/24 dev up0
	ip link set up0 up
	door_conf
	ok "system: the installed anyport loads" /usr/sbin/anyport load
	before=$(loaded)
	ok "system: something is loaded" test -n "$before"
	inode=$(stat -c %i /usr/sbin/anyport)
	ok "over a loaded door: install" run_make install
	ok "over a loaded door: says how it gets the new programs" said "anyport load"
	ok "over a loaded door: the file is replaced, not written" replaced "$inode"
	ok "over a loaded door: the door is untouched" test "$(loaded)" = "$before"
	ok "over a loaded door: the hook keeps its capability" hook_can
	ok "over a loaded door: uninstall refuses" refuses run_make uninstall
	ok "over a loaded door: uninstall says what to do" said "anyport unload"
	ok "over a loaded door: nothing was removed" test -x /usr/sbin/anyport
	ok "over a loaded door: it is as it was" test "$(loaded)" = "$before"
	ok "unload" /usr/sbin/anyport unload
	mkdir -p /etc/openvpn/server
	echo "client-connect $hook" >/etc/openvpn/server/udp.conf
	ok "hook in use: uninstall refuses" refuses run_make uninstall
	ok "hook in use: uninstall names the file" said /etc/openvpn/server/udp.conf
	ok "hook in use: nothing was removed" test -x $hook
	echo "#client-connect $hook" >/etc/openvpn/server/udp.conf
}

all_gone() {
	local mode path
	while read -r mode path; do
		[ ! -e "$path" ] || { echo "$mode $path is there"; return 1; }
	done <tests/net/install.list
}

system_gone() {
	ok "system: uninstall" run_make uninstall
	ok "system: uninstall leaves the edited anyport.conf" \
		grep -q up0 /etc/anyport/anyport.conf
	rm -r /etc/anyport
	ok "system: uninstall leaves none of its files" all_gone
}

# ---- what is installed ----------------------------------------------------

units() {
	local name="units: systemd-analyze verify"
	if ! command -v systemd-analyze >/dev/null; then
		skip "$name" "systemd-analyze is not installed"
		return
	fi
	systemd-analyze verify --man=no /lib/systemd/system/anyport*.* \
		openvpn-server@udp.service 2>&1 |
		grep -i anyport >"$LAB_DIR/verify"
	ok "$name" refuses cat_some "$LAB_DIR/verify"
}

cat_some() {
	[ -s "$1" ] && cat "$1"
}

wants() { # ACTION INTERFACE; without what udev remembers of earlier events
	rm -rf /run/udev/data
	udevadm test --action="$1" "/sys/class/net/$2" 2>&1 |
		grep -x "SYSTEMD_WANTS=anyport-interface.service"
}

udev_rule() {
	if ! command -v udevadm >/dev/null; then
		skip "udev rule" "udevadm is not installed"
		return
	fi
	mount -t sysfs sysfs /sys # the interfaces of this namespace
	mkdir -p /run/udev
	ip link add up0.x type veth peer name upx0
	ip link add upz type veth peer name aup0
	printf '  interface=up0.x ; the second\n; interface = upx0\n' \
		>>/etc/anyport/anyport.conf
	echo '#interface = upz' >>/etc/anyport/anyport.conf
	ok "udev: a configured interface appears" wants add up0
	ok "udev: one is renamed to a configured name" wants move up0
	ok "udev: one with a comment behind it" wants add up0.x
	ok "udev: one that goes away is none of it" refuses wants remove up0
	ok "udev: nor one that changes" refuses wants change up0
	for i in far0 upx0 upz aup0 lo; do
		ok "udev: $i is not configured" refuses wants add $i
	done
	if ip link add link far0 name far0.7 type vlan id 7 2>/dev/null; then
		ok "udev: a VLAN appears" wants add far0.7
	else
		skip "udev: a VLAN appears" "this kernel has no VLAN devices"
	fi
	mv /etc/anyport/anyport.conf $LAB_DIR/
	ok "udev: without a configuration nothing happens" refuses wants add up0
	mv $LAB_DIR/anyport.conf /etc/anyport/
	if udevadm --help | grep -q '^ *verify'; then
		ok "udev: udevadm verify" udevadm verify /lib/udev/rules.d/90-anyport.rules
	fi
}

clean_page() {
	# groff's messages, none of which may come.
	! LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 "$1" \
		2>&1 >/dev/null | grep .
}

# Each command's line in anyport(8) is its usage, in the page's small letters.
page_agrees() {
	local usage page name bad=0
	page=$(MANWIDTH=200 LC_ALL=C man -E ascii -l user/anyport.8 | col -bx) || return
	while read -r name; do
		usage=$(build/anyport "$name" --help | sed -n '1s/^usage: anyport //p')
		grep -qiE "^ {7}$(sed 's/[][|.]/\\&/g; s/ *$//' <<<"$usage")( |$)" \
			<<<"$page" || { echo "not in anyport(8): $usage"; bad=1; }
	done < <(build/anyport --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
	return $bad
}

pages() {
	local page
	if ! command -v man >/dev/null || ! command -v groff >/dev/null; then
		skip "manual pages" "man-db is not installed"
		return
	fi
	for page in user/*.[58] hook/*.[58]; do
		[ ! -f "$page" ] || ok "man --warnings: $page" clean_page "$page"
	done
	ok "anyport(8) and anyport --help have the same commands and options" page_agrees
}

scripts() {
	find conf tests -type f ! -path '*/corpus/*' -print0 |
		xargs -0 grep -lE '^#!/bin/(ba)?sh|^# shellcheck shell=|^complete -F' |
		LC_ALL=C sort
}

one_by_one() { # COMMAND ...: for each script
	local s bad=0
	while read -r s; do
		"$@" "$s" || bad=1
	done < <(scripts)
	return $bad
}

all_scripts() {
	local list
	mapfile -t list < <(scripts)
	ok "there are scripts" test ${#list[@]} -gt 10
	ok "bash -n: ${#list[@]} scripts" one_by_one bash -n
	if command -v shellcheck >/dev/null; then
		# SC2010: ls and grep on names that the tests chose. SC2120:
		# functions whose callers are in other files.
		ok "shellcheck: ${#list[@]} scripts" shellcheck -S warning -e SC2010,SC2120 \
			-s bash "${list[@]}"
	else
		skip "shellcheck" "shellcheck is not installed"
	fi
}

complete_as() { # EXPECTED WORD ...: what is offered for the last word
	local expected=$1 got
	shift
	# shellcheck disable=SC2016
	got=$(bash -c '. conf/completion/anyport
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_anyport && echo "${COMPREPLY[*]}"' anyport "$@")
	[ "$got" = "$expected" ] || { echo "got: $got"; false; }
}

completion() {
	local t=build/anyport
	ok "completion: a command" complete_as "unload" $t unl
	ok "completion: an option" complete_as "--confirm" $t load --c
	ok "completion: a file" complete_as "conf/install.sh" $t load -c conf/inst
}

staged
edited
elsewhere
system
units
udev_rule
system_gone
pages
all_scripts
completion
tap_done
