#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# sandbox.sh COMMAND [ARG ...]: runs COMMAND in mount, network and process-id
# namespaces of its own, with an empty /run, its own bpffs and loopback up.
# Whatever it makes (interfaces, network namespaces, mounts, pins, processes)
# is gone when it ends, also after kill -9. Nested calls run COMMAND as it is.
set -eu
[ "$(id -u)" = 0 ] || { echo "sandbox.sh: needs root" >&2; exit 1; }
[ -z "${ANYPORT_SANDBOX:-}" ] || exec "$@"
# In a plain chroot / is no mount point, and unshare has to change its
# propagation: it gets one that is.
if ! mountpoint -q /; then
	root=$(mktemp -d)
	trap 'umount -lR "$root" && rmdir "$root"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	mount --rbind / "$root"
	mount --make-rprivate "$root"
	status=0
	chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$PWD" "$0" \
		"$@" || status=$?
	exit $status
fi
export ANYPORT_SANDBOX=1
exec unshare --mount --net --pid --fork --kill-child --mount-proc sh -c '
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns /run/lock
[ -d /sys/fs/bpf ] && mount -t bpf bpf /sys/fs/bpf
ip link set lo up
"$@"' sandbox "$@"
