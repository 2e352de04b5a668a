#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# First process of the virtual machine once the root file system is there:
# mounts what a booted system has, runs the job that run.sh left, puts its
# output on the second serial port and its exit status beside the job, and
# turns the machine off.
# "top" and "tree" stand on the kernel's command line.
# shellcheck disable=SC2154
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8

off() {
	sync
	busybox poweroff -f
}
trap off EXIT

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm /dev/net
mknod -m 666 /dev/net/tun c 10 200
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t bpf -o mode=700 bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr

# The checkout stays in sight also where it lies below /tmp or /run.
mkdir -p /mnt
mount --bind "$top" /mnt
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir -p /run/lock /run/netns /run/vm "$top"
[ -e "$top/tests/run" ] || mount --bind /mnt "$top"
umount /mnt

mkdir -p /lib/modules
ln -sfn "$top/$tree/lib/modules/$(uname -r)" "/lib/modules/$(uname -r)"
mount -t 9p -o trans=virtio,version=9p2000.L,access=any out /run/vm || exit 1

hostname anyport-vm
ip link set lo up

# The network cards stay in this network namespace; their test fetches them.
modprobe virtio_net
touch /mnt/net && mount --bind /proc/self/ns/net /mnt/net
stty -F /dev/ttyS1 raw
cd "$top" || exit 1
# A session of its own: a terminal's signals and hang-ups stay out.
setsid bash /run/vm/job >/dev/ttyS1 2>&1 </dev/null
echo $? >/run/vm/status
