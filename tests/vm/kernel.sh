#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# kernel.sh KERNEL DIR: brings Debian's stock kernel 6.1, 6.12 or 7.2 to DIR,
# unless it is there: DIR/tree (the unpacked packages, with the modules),
# DIR/vmlinuz, DIR/initrd and DIR/release. Nothing is installed: the packages
# come from the mirror that this host's apt uses, checked by apt against
# Debian's keys, with package lists of their own. Exit status 75: a download
# failed.
set -euo pipefail
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
here=$(cd "$(dirname "$0")" && pwd)

die() { echo "kernel.sh: $*" >&2; exit 1; }
offline() { cat "$1" >&2; exit 75; }

[ $# -eq 2 ] || { echo "usage: kernel.sh KERNEL DIR" >&2; exit 2; }
case $1 in
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
7.2) suite=forky ;;
*) die "$1: the kernels are 6.1, 6.12 and 7.2" ;;
esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)

# Where this host's own release comes from is where the others are, too.
mirror() {
	local host
	# shellcheck disable=SC1091
	host=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Component: main' |
		awk -v r="$host" '$2 == r { print $1; exit }'
}

apt() {
	local command=$1
	shift
	"$command" -q -o APT::Architecture=amd64 -o APT::Architectures::=amd64 \
		-o APT::Sandbox::User=root -o Dir::State="$dir/apt" \
		-o Dir::State::status=/dev/null -o Dir::Cache="$dir/apt/cache" \
		-o Dir::Etc::SourceList="$dir/apt/sources.list" \
		-o Dir::Etc::SourceParts=- "$@"
}

depends() {
	apt apt-cache depends "$1" | sed -n "s/^ *Depends: \($2.*\)/\1/p"
}

fetch() {
	local uri image log=$dir/apt/log
	rm -rf "$dir/apt" "$dir/tree"
	mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache" "$dir/apt/debs" \
		"$dir/tree"
	[ -e $keyring ] ||
		die "no $keyring; install debian-archive-keyring"
	uri=$(mirror)
	[ -n "$uri" ] || die "apt's sources name no mirror of this host's" \
		"release; see apt-get indextargets"
	echo "deb [signed-by=$keyring] $uri $suite main" >"$dir/apt/sources.list"
	apt apt-get -o APT::Update::Error-Mode=any update >"$log" 2>&1 || offline "$log"
	image=$(depends linux-image-amd64 linux-image-)
	[ -n "$image" ] || die "$suite: linux-image-amd64 names no kernel"
	# From forky on the image is a shell around three more packages.
	# shellcheck disable=SC2046 # one word for each package
	(cd "$dir/apt/debs" && apt apt-get download "$image" \
		$(depends "$image" 'linux-\(base\|binary\|modules\)-[0-9]')) >"$log" 2>&1 ||
		offline "$log"
	for deb in "$dir"/apt/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir/tree"
	done
	rm -rf "$dir/apt"
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
	echo "kernel $1: fetching it from Debian $suite"
	fetch
	settle "$1"
	echo "$release" >"$dir/release"
fi
release=$(cat "$dir/release")
[ "$dir/initrd" -nt "$here/initrd.sh" ] || initrd
