#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# deps.sh [vm|long]: lists and installs the Debian packages that building, the demo
# and the tests need and that are missing; with "vm" also those of the virtual
# machine, with "long" also what reads the sources. Quiet when there are none.
set -eu
packages="gcc libc6-dev pkg-config clang llvm libbpf-dev libxdp-dev bpftool
libclang-rt-dev libinih-dev libjansson-dev libnl-3-dev libnl-route-3-dev
libcap-ng-dev libsmartcols-dev libcmocka-dev openvpn openssl iproute2 iputils-ping procps
util-linux nftables iptables conntrack ethtool tcpdump socat jq libcap2-bin
gnuplot-nox stunnel4 strace sudo xdp-tools udev man-db shellcheck"
# What only "make test-long" needs comes with "long".
if [ "${1:-}" = long ]; then
	packages="$packages clang-tidy cppcheck valgrind"
fi
if [ -n "${1:-}" ]; then
	packages="$packages qemu-system-x86 busybox-static cpio kmod xz-utils zstd
debian-archive-keyring"
fi
missing=
for p in $packages; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0
echo "missing packages:$missing"
if [ "$(id -u)" != 0 ]; then
	echo "deps.sh: run as root to install them, or: sudo apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# A service that a package would start has no business on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	trap 'exit 130' INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
fi
log=$(mktemp)
apt-get update -q >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $missing >"$log" 2>&1 ||
	{ tail -n 20 "$log" >&2; exit 1; }
rm -f "$log"
echo "installed."
