#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# First process of the virtual machine, in the initial RAM disk: makes the
# host's root file system, read-only under a layer in memory, the root. A
# chroot would not do: the kernel starts modprobe in the real root.
die() { echo "initrd: $*"; poweroff -f; }

mount -t devtmpfs dev /dev
while read -r m; do
	insmod "/modules/$m" || die "insmod $m failed"
done </modules/order
mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000,access=any \
	root /low || die "cannot mount the host's root"
mount -t tmpfs -o mode=755 over /over || die "cannot mount a tmpfs"
mkdir /over/up /over/work
mount -t overlay -o lowerdir=/low,upperdir=/over/up,workdir=/over/work \
	root /root || die "cannot lay the overlay"
mount -o move /dev /root/dev
# shellcheck disable=SC2154 # "top" is on the kernel's command line
exec switch_root /root /bin/bash "$top/tests/vm/guest.sh"
