#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Requirement 26: the server is no use to who wants others flooded. Garbage and
# first packets under a wrong key go to real OpenVPN, by way of the door, with
# its limiter off: OpenVPN answers none of it, and what the server sends in all,
# the stack's own ICMP errors too, is no more than what it got.
#
# What OpenVPN answers without knowing who asks is a first packet under the
# right key (also a replayed one), or any when it has no key: once, with 12
# bytes more than it got. That is its protocol and stands in the table.
set -u
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

# Three instances: the shipped one, one with tls-auth and one without a key.
declare -A PORT=([crypt]=1194 [auth]=1195 [none]=1196)
declare -A DIAL=([crypt]=443 [auth]=2000 [none]=2001)
declare -A KEY=([crypt]='tls-crypt tls-crypt.key' [auth]='tls-auth tls-auth.key'
	[none]='')

instance() { # crypt|auth|none
	local direction=
	[ "$1" != auth ] || direction=' 0'
	sed "s/^tls-crypt .*/${KEY[$1]}$direction/; s/^port .*/port ${PORT[$1]}/
		s/^dev .*/dev tun$1/; s/^management .*//; s/^status .*//" \
		conf/openvpn/udp.conf >"$LAB_DIR/server/$1.conf"
	# shellcheck disable=SC2016
	lab_run "$1" srv sh -c 'cd "$0" && exec openvpn "$@"' \
		"$LAB_DIR/server" --config "$1.conf" --user root --group root
	lab_up "$1" 10
}

# The first packet of a real member of such an instance, caught on its way.
first_packet() { # crypt|auth|none
	local name=member-$1 direction=
	local dir=$LAB_DIR/member/$name
	[ "$1" != auth ] || direction=" 1"
	pki_member "$name" || return
	cp "$LAB_DIR/server/tls-auth.key" "$dir"
	sed "s/^tls-crypt .*/${KEY[$1]}$direction/; /^remote /d" \
		conf/openvpn/client.conf >"$dir/profile.conf"
	lab_run "catch-$1" carol socat -u \
		UDP4-RECVFROM:9999,bind=127.0.0.1 "CREATE:$LAB_DIR/$1.first"
	until_true 5 listens || return
	client_run "$name" carol profile.conf --remote 127.0.0.1 9999 udp4
	until_true 10 test -s "$LAB_DIR/$1.first"
	lab_end "$name"
	lab_end "catch-$1"
	[ "$(stat -c %s "$LAB_DIR/$1.first")" = "$2" ]
}
listens() { [ -n "$(within carol ss -Huln 'sport = :9999')" ]; }

# Datagrams, one a line, as printf wants them: every first byte in every length
# that means something, and what only begins like OpenVPN. No newline in them,
# at which bash would begin another datagram.
garbage() {
	awk 'BEGIN {
		n = split("1 8 9 13 14 22 25 42 54 86 353 1200", size, " ")
		srand(26)
		for (first = 0; first < 256; first++)
			for (i = 1; i <= n; i++) {
				# lengths above all for what a client may open with
				if (i % 4 && (first < 32 || first > 88))
					continue
				line = sprintf("\\x%02x", first)
				for (k = 1; k < size[i]; k++) {
					do byte = int(rand() * 256)
					while (byte == 10)
					line = line sprintf("\\x%02x", byte)
				}
				print line
			}
	}' | grep -v '^\\x0a'
}

# Counted where the Internet is: IP packets whole.
counters() {
	within net nft -f - <<-EOF
	table inet count {
		counter got { }
		counter sent { }
		counter answers { }
		chain count {
			type filter hook forward priority filter
			iifname carol0 meta l4proto udp counter name got
			oifname carol0 counter name sent
			oifname carol0 meta l4proto udp counter name answers
		}
	}
	EOF
}
counted() { # name packets|bytes
	within net nft -j list counter inet count "$1" |
		jq ".nftables[].counter | select(.).$2"
}
restart_count() { within net nft reset counters >/dev/null; }

# From a file, which bash reads by pages; from a pipe it reads by bytes.
fire() { # address port file: each of its lines
	# shellcheck disable=SC2016
	within carol bash -c 'while read -r line; do
		printf "$line" >"/dev/udp/$0/$1"
	done <"$2"' "$1" "$2" "$3"
}
fire_file() { # address port file
	# shellcheck disable=SC2016
	within carol bash -c 'cat "$2" >"/dev/udp/$0/$1"' "$1" "$2" "$3"
}

# Waits until the server has had its say.
quiet() {
	local before=-1 now=0
	while [ "$now" != "$before" ]; do
		before=$now
		lab_sleep 0.4
		now=$(counted sent packets)
	done
}

# Without a key whatever begins like a first packet is one, for OpenVPN.
no_answer() { # instance address port
	local out in answers not=none
	[ "$1" != none ] || not="x38\\|x50"
	restart_count
	LC_ALL=C grep -v "^.\($not\)" "$LAB_DIR/garbage" >"$LAB_DIR/fired"
	fire "$2" "$3" "$LAB_DIR/fired"
	quiet
	in=$(counted got bytes) out=$(counted sent bytes)
	answers=$(counted answers packets)
	echo "$(counted got packets) datagrams, $in bytes; $answers answers, $out bytes in all"
	[ "$(counted got packets)" -ge 1000 ] && [ "$answers" = 0 ] &&
		[ "$out" -le $((in / 4)) ] &&
		{ [ "$3" != "${PORT[crypt]}" ] || [ "$out" = 0 ]; }
}

# The same with real first packets that have another key, or none.
wrong_key() { # instance address
	local other n
	restart_count
	for other in crypt auth none; do
		[ "$other" != "$1" ] || continue
		for ((n = 0; n < 10; n++)); do
			fire_file "$2" "${DIAL[$1]}" "$LAB_DIR/$other.first"
			fire_file "$2" "${PORT[$1]}" "$LAB_DIR/$other.first"
		done
	done
	quiet
	[ "$(counted got packets)" = 40 ] && [ "$(counted sent packets)" = 0 ]
}

# The right key: OpenVPN is there, and answers once.
answers_once() { # instance address
	restart_count
	fire_file "$2" "${DIAL[$1]}" "$LAB_DIR/$1.first"
	until_true 5 answered && quiet
	echo "$(counted got bytes) bytes, $(counted sent bytes) back"
	[ "$(counted answers packets)" = 1 ] &&
		[ "$(counted answers bytes)" -le $(($(counted got bytes) + 12)) ]
}
answered() { [ "$(counted answers packets)" != 0 ]; }

lab_start || exit
openvpn --genkey secret "$LAB_DIR/server/tls-auth.key"
for i in crypt auth none; do
	instance $i || exit
done
# As on any host, and not as the lab has it.
within srv sysctl -qw net.ipv4.icmp_ratelimit=1000 net.ipv6.icmp.ratelimit=1000
door_open "[udp]
map = ${DIAL[auth]}:${PORT[auth]}
map = ${DIAL[none]}:${PORT[none]}
[limits]
resets = off
control = off
data = off" || exit
ok "a first packet with tls-crypt" first_packet crypt 54
ok "a first packet with tls-auth" first_packet auth 42
ok "a first packet without a key" first_packet none 14
garbage >"$LAB_DIR/garbage"
counters

for a in $SRV4 $SRV6; do
	for i in crypt auth none; do
		ok "$i, $a: OpenVPN answers a first packet once" \
			answers_once $i "$a"
		ok "$i, $a: and garbage never" no_answer $i "$a" "${DIAL[$i]}"
	done
	ok "$a: nor garbage to its own port" no_answer crypt "$a" "${PORT[crypt]}"
	for i in crypt auth; do
		ok "$i, $a: nor a first packet without its key" wrong_key $i "$a"
	done
done
tap_done 26
