#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# own.sh COMMAND [ARG ...]: runs COMMAND, then gives build/ to the user who
# called sudo, however COMMAND ended.
own() {
	[ -z "${SUDO_UID:-}" ] || [ ! -d build ] ||
		chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
}
trap own EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ "$(id -u)" = 0 ] || { echo "this needs root: sudo make ..." >&2; exit 1; }
"$@"
