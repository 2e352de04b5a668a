#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# openvpn.sh DIR: brings OpenVPN 2.7 of Debian forky, and the libraries that it
# needs, to DIR/tree, unless it is there; nothing is installed. DIR/openvpn runs
# it on any host. Exit status 75: a download failed.
set -euo pipefail
# shellcheck source=tests/vm/debian.sh
. "$(dirname "$0")/debian.sh"
debian_dir DIR "$@"
lib=tree/usr/lib/x86_64-linux-gnu

[ ! -e "$dir/openvpn" ] || exit 0
debian_lists "OpenVPN 2.7" forky
debian_unpack all openvpn
mkdir -p "$dir/bin"
# The program is newer than this host's libraries and comes with its own. What
# is executed gives the process its name, so the loader is called openvpn; what
# the process starts has the host's libraries.
ln -sfn "../$lib/ld-linux-x86-64.so.2" "$dir/bin/openvpn"
cat >"$dir/openvpn.new" <<END
#!/bin/sh
d=\$(dirname "\$(readlink -f "\$0")")
exec "\$d/bin/openvpn" --library-path "\$d/$lib" --argv0 openvpn \\
	"\$d/tree/usr/sbin/openvpn" "\$@"
END
chmod +x "$dir/openvpn.new"
case $("$dir/openvpn.new" --version || :) in
"OpenVPN 2.7."*) mv "$dir/openvpn.new" "$dir/openvpn" ;;
*) die "forky's openvpn does not run here, or is not 2.7 any more" ;;
esac
