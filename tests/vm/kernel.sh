#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# kernel.sh KERNEL DIR: brings Debian's stock kernel 6.1, 6.12 or 7.2 to DIR,
# unless it is there: DIR/tree (the unpacked packages, with the modules),
# DIR/vmlinuz, DIR/initrd and DIR/release; nothing is installed. Exit status 75:
# a download failed.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/vm/debian.sh
. "$here/debian.sh"
debian_dir "KERNEL DIR" "$@"
case $1 in
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
7.2) suite=forky ;;
*) die "$1: the kernels are 6.1, 6.12 and 7.2" ;;
esac

depends() {
	debian_apt apt-cache depends "$1" | sed -n "s/^ *Depends: \($2.*\)/\1/p"
}

fetch() {
	local image
	debian_lists "kernel $1" "$suite"
	image=$(depends linux-image-amd64 linux-image-)
	[ -n "$image" ] || die "$suite: linux-image-amd64 names no kernel"
	# From forky on the image is a shell around three more packages.
	# shellcheck disable=SC2046 # one word for each package
	debian_unpack alone "$image" \
		$(depends "$image" 'linux-\(base\|binary\|modules\)-[0-9]')
}

# Where /lib is a link, packages come with /usr/lib/modules.
settle() {
	local v
	[ -e "$dir/tree/lib" ] || ln -s usr/lib "$dir/tree/lib"
	release=$(basename "$dir"/tree/lib/modules/*)
	for v in "$dir/tree/boot/vmlinuz-$release" \
		"$dir/tree/lib/modules/$release/vmlinuz"; do
		[ ! -e "$v" ] || cp "$v" "$dir/vmlinuz"
	done
	[ -e "$dir/vmlinuz" ] || die "$suite: no vmlinuz in the packages"
	case $release in
	"$1".*) ;;
	*) die "$suite has kernel $release by now, not $1" ;;
	esac
	depmod -b "$dir/tree" "$release"
}

# The few modules without which there is no root file system, in load order.
initrd() {
	local ram=$dir/ram m p
	rm -rf "$ram"
	mkdir -p "$ram/bin" "$ram/modules" "$ram/dev" "$ram/root" "$ram/low" \
		"$ram/over"
	cp "$(command -v busybox)" "$ram/bin/"
	for m in sh mount mkdir insmod switch_root poweroff; do
		ln -s busybox "$ram/bin/$m"
	done
	cp "$here/initrd.sh" "$ram/init"
	chmod +x "$ram/init"
	for m in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$dir/tree" -S "$release" --show-depends "$m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r p; do
		m=$(basename "$p")
		case $m in
		*.xz) m=${m%.xz}; xz -dc "$p" >"$ram/modules/$m" ;;
		*.zst) m=${m%.zst}; zstd -qdc "$p" >"$ram/modules/$m" ;;
		*) cp "$p" "$ram/modules/" ;;
		esac
		echo "$m" >>"$ram/modules/order"
	done
	(cd "$ram" && find . | cpio --quiet -o -H newc) >"$dir/initrd.new"
	mv "$dir/initrd.new" "$dir/initrd"
	rm -rf "$ram"
}

if [ ! -e "$dir/release" ]; then
	fetch "$1"
	settle "$1"
	echo "$release" >"$dir/release"
fi
release=$(cat "$dir/release")
[ "$dir/initrd" -nt "$here/initrd.sh" ] || initrd
