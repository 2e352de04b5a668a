# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# Packages of another Debian release, unpacked below $dir, nothing installed:
# from the mirror that this host's apt uses, checked by apt against Debian's
# keys, with package lists of their own. To be sourced by a script, which begins
# with debian_dir. Exit status 75: a download failed.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

die() { echo "${0##*/}: $*" >&2; exit 1; }
offline() { cat "$dir/apt/log" >&2; exit 75; }

# Sets dir to the last of the script's arguments, and makes it.
debian_dir() { # "NAME ..." ARGUMENT ...: one argument for each name
	local names=$1
	shift
	[ $# = "$(wc -w <<<"$names")" ] ||
		{ echo "usage: ${0##*/} $names" >&2; exit 2; }
	mkdir -p "${!#}"
	dir=$(cd "${!#}" && pwd)
}

# Where this host's own release comes from is where the others are, too.
debian_mirror() {
	local host
	# shellcheck disable=SC1091
	host=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Component: main' |
		awk -v r="$host" '$2 == r { print $1; exit }'
}

debian_apt() { # apt-get|apt-cache ARG ...
	local command=$1
	shift
	"$command" -q -o APT::Architecture=amd64 -o APT::Architectures::=amd64 \
		-o APT::Sandbox::User=root -o Dir::State="$dir/apt" \
		-o Dir::State::status=/dev/null -o Dir::Cache="$dir/apt/cache" \
		-o Dir::Etc::SourceList="$dir/apt/sources.list" \
		-o Dir::Etc::SourceParts=- "$@"
}

# What else is below $dir/apt and $dir/tree goes.
debian_lists() { # WHAT SUITE
	local uri
	echo "$1: fetching it from Debian $2"
	rm -rf "$dir/apt" "$dir/tree"
	mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" \
		"$dir/tree"
	[ -e $keyring ] ||
		die "no $keyring; install debian-archive-keyring"
	uri=$(debian_mirror)
	[ -n "$uri" ] || die "apt's sources name no mirror of this host's" \
		"release; see apt-get indextargets"
	echo "deb [signed-by=$keyring] $uri $2 main" >"$dir/apt/sources.list"
	debian_apt apt-get -o APT::Update::Error-Mode=any update \
		>"$dir/apt/log" 2>&1 || offline
}

# Into $dir/tree; these packages alone, or all that they depend on as well.
debian_unpack() { # alone|all PACKAGE ...
	local deb archives=$dir/apt/cache/archives what=$1
	shift
	if [ "$what" = alone ]; then
		(cd "$archives" && debian_apt apt-get download "$@") \
			>"$dir/apt/log" 2>&1 || offline
	else
		debian_apt apt-get -y --no-install-recommends --download-only \
			install "$@" >"$dir/apt/log" 2>&1 || offline
	fi
	for deb in "$archives"/*.deb; do
		dpkg-deb -x "$deb" "$dir/tree"
	done
	rm -rf "$dir/apt"
}
