#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# install.sh install|uninstall|list: puts anyport where PREFIX and
# LIBDIR say, below DESTDIR; takes exactly that away again; or lists it, a line
# "MODE PATH" each. Called by make from the top of the source.
set -eu
umask 022
: "${DESTDIR=}" "${PREFIX=/usr}" "${LIBDIR=/lib}"
cd "$(dirname "$0")/.."
sbin=$PREFIX/sbin libexec=$PREFIX/libexec doc=$PREFIX/share/doc/anyport
man=$PREFIX/share/man etc=/etc/anyport hook=$libexec/anyport-hook
manifest=$doc/manifest # what install put there, for uninstall
group=openvpn # of OpenVPN's processes, which run the hook

die() {
	echo "$*" >&2
	exit 1
}

# The live system, not a tree that somebody packs?
live() {
	[ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ]
}

booted() {
	live && [ -d /run/systemd/system ]
}

# MODE SOURCE TARGET, without blanks in any of them.
files() {
	echo "755 build/anyport $sbin/anyport"
	echo "750 build/anyport-hook $hook"
	each 644 "$man/man8" user/*.8 hook/*.8
	each 644 "$man/man5" user/*.5 hook/*.5
	each 644 "$LIBDIR/systemd/system" conf/systemd/*.*
	each 644 "$LIBDIR/systemd/system/openvpn-server@.service.d" \
		conf/systemd/openvpn-server@.service.d/*
	each 644 "$LIBDIR/udev/rules.d" conf/udev/*
	each 644 "$LIBDIR/sysctl.d" conf/sysctl.d/*
	each 644 "$LIBDIR/sysusers.d" conf/sysusers*/*.conf
	each 644 "$LIBDIR/tmpfiles.d" conf/tmpfiles*/*.conf
	each 644 "$PREFIX/share/bash-completion/completions" conf/completion/*
	each 644 "$doc" README.md CHANGES LICENSE
	each 644 "$doc/examples" conf/anyport.conf conf/firewall*
	each 644 "$doc/examples/openvpn" conf/openvpn/*
}

each() { # MODE DIRECTORY FILE ...
	mode=$1 dir=$2
	shift 2
	for f in "$@"; do
		[ ! -f "$f" ] || echo "$mode $f $dir/${f##*/}"
	done
}

# Made by rename: whoever runs or reads the old one keeps it whole, and the
# hook is never there without its capability.
put() { # MODE SOURCE TARGET
	to=$DESTDIR$3 tmp=$DESTDIR${3%/*}/.${3##*/}.new
	mkdir -p "${to%/*}"
	rm -f "$tmp"
	case $3 in
	*.service | *.conf)
		sed -e "s|/usr/sbin/anyport|$sbin/anyport|g" \
			-e "s|/usr/libexec/anyport|$libexec/anyport|g" \
			"$2" >"$tmp" ;;
	*)
		cp "$2" "$tmp" ;;
	esac
	chmod "$1" "$tmp"
	if [ "$3" = "$hook" ] && live; then
		# A change of group takes the capability away: first the group.
		chown "root:$group" "$tmp"
		setcap cap_net_admin+ep "$tmp" ||
			die "cannot give $3 its capability; is libcap2-bin installed?"
	fi
	mv -f "$tmp" "$to"
}

targets() {
	files | cut -d' ' -f3
	echo "$manifest"
}

# Files of an older version that this one no longer has go too.
update_manifest() {
	mkdir -p "$DESTDIR$doc"
	targets >"$DESTDIR$manifest.new"
	if [ -e "$DESTDIR$manifest" ]; then
		grep -vxFf "$DESTDIR$manifest.new" "$DESTDIR$manifest" |
			while read -r to; do rm -f "$DESTDIR$to"; done
	fi
	mv -f "$DESTDIR$manifest.new" "$DESTDIR$manifest"
}

need_group() {
	live || return 0
	for f in conf/sysusers*/*.conf; do
		[ ! -f "$f" ] || ! command -v systemd-sysusers >/dev/null ||
			systemd-sysusers "$PWD/$f"
	done
	getent group $group >/dev/null || die "there is no group $group, which" \
		"OpenVPN runs as: groupadd --system $group, then install again"
}

door_is_loaded() {
	live && ls -d /run/anyport/bpf/[0-9]* >/dev/null 2>&1
}

install() {
	[ -x build/anyport-hook ] ||
		die "nothing is built: make, then make install"
	need_group
	files | while read -r mode from to; do put "$mode" "$from" "$to"; done
	update_manifest
	if [ ! -e "$DESTDIR$etc/anyport.conf" ]; then
		put 644 conf/anyport.conf "$etc/anyport.conf"
	fi
	if ! live; then
		cat <<-END
		staged. On the host itself, as root:
		    systemd-sysusers anyport.conf && systemd-tmpfiles --create anyport.conf
		    chown root:$group $hook && chmod 0750 $hook
		    setcap cap_net_admin+ep $hook
		    systemctl daemon-reload && udevadm control --reload
		END
		return
	fi
	if booted; then
		systemd-tmpfiles --create anyport.conf || true
		systemctl daemon-reload || true
		udevadm control --reload || true
	fi
	if door_is_loaded; then
		echo "installed. A door is loaded and goes on: \"anyport load\"" \
			"gives it the new programs without losing a flow."
	else
		echo "installed. Next: edit $etc/anyport.conf, anyport check."
	fi
}

# What would cut members off stops the uninstall before it has begun.
nobody_depends() {
	live || return 0
	! door_is_loaded || die "a door is loaded and members may be connected" \
		"through it: systemctl disable --now anyport (or: anyport" \
		"unload) closes it, then uninstall again; nothing was removed"
	used=$(grep -rlsE "^[^#;]*$hook" /etc/openvpn | tr "\n" " ")
	[ -z "$used" ] || die "OpenVPN would refuse every member without" \
		"$hook: take it out of ${used}and restart OpenVPN, then" \
		"uninstall again; nothing was removed"
}

# Only a file that is still as it was shipped goes.
remove_conf() {
	conf=$DESTDIR$etc/anyport.conf
	[ -e "$conf" ] || return 0
	if cmp -s "$conf" "$DESTDIR$doc/examples/anyport.conf"; then
		rm -f "$conf"
	else
		echo "left: $etc/anyport.conf, which was edited"
	fi
}

# In a tree that is staged, also the directories that are empty now.
remove_dirs() {
	if [ -n "$DESTDIR" ] && [ -d "$DESTDIR" ]; then
		for to in "$@"; do
			(cd "$DESTDIR" && rmdir -p ".${to%/*}" 2>/dev/null) || true
		done
	fi
	for d in "$LIBDIR/systemd/system/openvpn-server@.service.d" \
		"$doc/examples/openvpn" "$doc/examples" "$doc" "$etc"; do
		rmdir "$DESTDIR$d" 2>/dev/null || true
	done
}

uninstall() {
	nobody_depends
	if [ -e "$DESTDIR$manifest" ]; then
		gone=$(cat "$DESTDIR$manifest")
	else
		gone=$(targets)
	fi
	if booted; then
		for unit in $(echo "$gone" | grep -E 'anyport[^/]*\.(service|timer)$'); do
			systemctl -q disable --now "${unit##*/}" || true
		done
	fi
	remove_conf
	for to in $gone; do rm -f "$DESTDIR$to"; done
	# shellcheck disable=SC2086 # no blanks in them
	remove_dirs $gone "$etc/"
	booted || return 0
	systemctl daemon-reload || true
	udevadm control --reload || true
	echo "left: /var/lib/anyport (the key of the door's hashes)," \
		"/run/anyport, the users and groups openvpn and anyport"
}

case ${1:-} in
install) install ;;
uninstall) uninstall ;;
list) files | while read -r mode from to; do echo "$mode $to"; done ;;
*) die "usage: install.sh install|uninstall|list" ;;
esac
