#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# anyport status, stats and flows on a live door: every way to break it must
# be named, with exit status 1, and the command that is named must mend it.
set -u
LAB_DIR=$(mktemp -d /tmp/anyport-test.XXXXXX)
trap 'rm -rf "$LAB_DIR"' EXIT
. tests/lab/tap.sh

D4=198.51.100.1 D6=2001:db8:ffff::1 M4=198.51.100.9 M6=2001:db8:ffff::9
NS=status-test PEER=status-peer
CONF=$LAB_DIR/anyport.conf
PATH=$PWD/build:$PATH
pids=

ns() { nsenter --net=/run/netns/$NS "$@"; }
peer() { nsenter --net=/run/netns/$PEER "$@"; }

status() { # exit status wanted, pattern, arguments of anyport status
	local want=$1 pattern=$2 rc
	shift 2
	ns anyport status "$@" >"$LAB_DIR/out" 2>&1
	rc=$?
	cat "$LAB_DIR/out"
	[ $rc = "$want" ] && grep -qE -- "$pattern" "$LAB_DIR/out"
}
# soon COMMAND ...: carrier and addresses take a moment to come and go.
soon() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$@" && return 0
		sleep 0.2
	done
	return 1
}
serving() { soon status 0 '^anyport is serving'; }

# It is wrong, and what is below the line mends it.
mended() { # pattern
	local command
	status 1 "^wrong: $1" || return 1
	command=$(awk -v p="^wrong: $1" '
		$0 ~ p && !found { found = 1; next }
		found { sub(/^ *mend: /, ""); print; exit }' "$LAB_DIR/out")
	echo "mend: $command"
	[ -n "$command" ] && ns bash -c "$command" && serving
}

links() {
	ns ip link add eth0 type veth peer name eth0 netns $PEER &&
		ns ip addr add $D4/24 dev eth0 &&
		ns ip addr add $D6/64 dev eth0 nodad &&
		ns ip link set eth0 up &&
		peer ip addr add $M4/24 dev eth0 &&
		peer ip addr add $M6/64 dev eth0 nodad &&
		peer ip link set eth0 up
}
setup() {
	ip netns add $NS && ip netns add $PEER && ns ip link set lo up &&
		echo 1 | ns tee /proc/sys/net/ipv6/conf/all/keep_addr_on_down &&
		links && sed 's/interface = eth0/&\nattach = native/' \
			tests/fixtures/door.conf >"$CONF"
}

serve() { pids="$pids $(ns build/tests/tools/serve "$@")"; }
serve_all() {
	serve -n openvpn udp :: 1194 "$1"
	serve -n openvpn tcp :: 1194 x
	serve -n stunnel tcp 127.0.0.1 4443 x
	serve -n stunnel tcp ::1 4443 x
	serve -n sshd tcp :: 22 x
	serve -n postgres tcp 0.0.0.0 5432 x
}

not_loaded() {
	status 3 'anyport is not loaded' && status 3 '"loaded": false' --json &&
		golden not-loaded anyport status --json
}

# What differs from run to run, made the same.
golden() { # name, command ...
	local name=$1
	shift
	ns "$@" 2>&1 | jq -S --arg dir "$LAB_DIR" '
		def fix(k; v): if has(k) and .[k] != null then .[k] = v else . end;
		walk(if type == "object" then
			fix("time"; 1700000000) | fix("loaded_at"; 1700000000) |
			fix("changed_at"; 1700000000) | fix("seen"; 1700000000) |
			fix("idle"; 0) | fix("dispatcher"; false) | fix("version"; "0") |
			fix("interval"; 1) | fix("dropped_per_second"; 0)
		else . end) |
		(.. | strings) |= (sub($dir; "/DIR"))' >"$LAB_DIR/$name.json"
	[ -z "${GOLDEN_WRITE:-}" ] ||
		cp "$LAB_DIR/$name.json" "tests/golden/$name.json"
	diff "tests/golden/$name.json" "$LAB_DIR/$name.json"
}

silent_target() {
	ns anyport load -c "$CONF" || return 1
	status 1 '^wrong: nothing listens on the target, udp port 1194' &&
		status 1 'mend: systemctl start openvpn-server@tcp' &&
		status 1 '^wrong: .* tcp port 4443'
}
deaf_to_ipv6() {
	local pid
	serve -n openvpn udp 0.0.0.0 1194 x
	pid=${pids##* }
	status 1 "^wrong: nothing .*, udp port 1194, for $D6: .*proto udp6"
	local rc=$?
	kill "$pid"
	sleep 0.1
	return $rc
}

down() { ns ip link set eth0 down && mended 'eth0 is down'; }
no_carrier() {
	peer ip link set eth0 down && soon status 1 '^wrong: eth0 has no carrier' &&
		peer ip link set eth0 up && serving
}
deleted() {
	ns ip link del eth0 && status 1 '^wrong: eth0 does not exist any more' &&
		links && mended 'eth0 was made anew'
}
renamed() {
	ns ip link set eth0 down && ns ip link set eth0 name wan &&
		ns ip link set wan up &&
		soon status 0 'note: eth0 is called wan now.*: write interface = wan there'
	local rc=$?
	ns ip link set wan down && ns ip link set wan name eth0 &&
		ns ip link set eth0 up && serving && return $rc
}
xdp_off() { # xdp or xdpgeneric
	ns ip link set dev eth0 "$1" off && mended "eth0 has lost .* XDP"
}
egress_off() {
	ns tc filter del dev eth0 egress && mended 'eth0 has lost .* tc egress'
}
clsact_off() {
	ns tc qdisc del dev eth0 clsact && mended 'eth0 has lost .* tc egress'
}
pins() { echo /run/anyport/bpf/"$(ns stat -Lc %i /proc/self/ns/net)"/"$LAYOUT"; }
steering_off() {
	ns bpftool link detach pinned "$(pins)/lookup" &&
		mended 'sk_lookup is not attached'
}
peers_off() {
	rm "$(pins)/peer6" && mended "members on TCP who .* were detached" &&
		ns bpftool link detach pinned "$(pins)/peer4" &&
		mended "members on TCP who .* were detached"
}
# A door can do without. The mounts are this sandbox's own.
no_cgroup() {
	ns anyport unload && mkdir -p /run/anyport/bpf &&
		mount -t bpf bpf /run/anyport/bpf || return
	unshare --mount bash -c "umount -a -t cgroup2 &&
		nsenter --net=/run/netns/$NS anyport load -c $CONF" \
			>"$LAB_DIR/said" 2>&1 || { cat "$LAB_DIR/said"; return 1; }
	cat "$LAB_DIR/said"
	grep "one address and port .*: cgroup v2 is not mounted" \
		"$LAB_DIR/said" &&
		status 0 "^note: members on TCP .*: cgroup v2 is not mounted" &&
		[ "$(ns anyport status --json | jq .door.tcp_alias)" = false ] &&
		ns anyport reload -c "$CONF" && serving && ! status 0 "^note: members"
}
map_gone() { rm "$(pins)/nat4" && mended 'the table "nat4" in .* is missing'; }
# It is loaded: who asks must not be told that it is not.
counters_gone() {
	rm "$(pins)/counters" && ! ns anyport stats 2>"$LAB_DIR/said" &&
		grep 'a table of the door is missing' "$LAB_DIR/said" &&
		mended 'the table "counters" in .* is missing'
}
record_gone() {
	local file
	file=/run/anyport/$(ns stat -Lc %i /proc/self/ns/net).json
	rm "$file" && status 1 '^wrong: the record .* damaged' &&
		ns anyport load -c "$CONF" && echo '{' >"$file" &&
		status 1 '^wrong: the record .* damaged' &&
		ns anyport load -c "$CONF" && serving
}
not_added() {
	ns ip link add extra type veth peer name extra-out &&
		ns ip link set extra up && ns ip link set extra-out up &&
		sed 's/^interface.*/&\ninterface = extra/' "$CONF" \
			>"$LAB_DIR/two.conf" &&
		status 1 'wrong: the door is not on extra' -c "$LAB_DIR/two.conf" &&
		ns ip link del extra &&
		status 1 'wrong: interface extra does not exist' \
			-c "$LAB_DIR/two.conf"
}
tracked() {
	ns nft -f - <<-EOF
	table inet f {
		chain in {
			type filter hook input priority 0;
			ct state established accept
		}
	}
	EOF
	status 1 'wrong: conntrack is active and no notrack rule' || return 1
	ns nft -f conf/firewall.nft && serving && ns nft flush ruleset
}
inactive_address() {
	ns ip addr del $D6/64 dev eth0 &&
		status 0 "$D6 \(inactive: on no interface\)" &&
		ns ip addr add $D6/64 dev eth0 nodad
}
# Also within the second in which it was loaded.
config_changed() {
	local at
	at=$(jq .reloaded "/run/anyport/$(ns stat -Lc %i /proc/self/ns/net).json")
	touch -d "@$at.9" "$CONF" &&
		status 0 'note: .* was changed after it was loaded' &&
		touch -d '+5 seconds' "$CONF" &&
		status 0 'note: .* was changed after it was loaded' &&
		touch -d '-1 hour' "$CONF" && ! status 0 'was changed'
}
config_gone() {
	mv "$CONF" "$CONF.away"
	status 0 'note: .* cannot be read'
	local rc=$?
	mv "$CONF.away" "$CONF"
	return $rc
}
unconfirmed() {
	ns anyport load -c "$CONF" --confirm 60 &&
		status 0 'note: the last change will be undone in [0-9]+ s' &&
		status 0 'mend: anyport confirm' && ns anyport confirm &&
		! status 0 'will be undone'
}
mode() { # attach, text
	sed "s/attach = .*/attach = $1/" "$CONF" >"$LAB_DIR/mode.conf" &&
		ns anyport load -c "$LAB_DIR/mode.conf" && status 0 "eth0: up; $2" &&
		case $1 in
		tc) ns tc filter del dev eth0 ingress && mended 'eth0 .* tc ingress' ;;
		*) xdp_off xdp$1 ;;
		esac
}

# A first packet of OpenVPN, and another one from the same port.
RESET=38414243444546474800000000 RESET=${RESET}00
flows_show() {
	peer build/tests/tools/say -p 5000 udp $D4 443 $RESET >/dev/null ||
		return 1
	peer build/tests/tools/say -p 5000 udp $D4 53 $RESET >/dev/null
	peer build/tests/tools/say -p 5001 udp $D6 65535 $RESET >/dev/null
	ns anyport flows | tee "$LAB_DIR/flows" &&
		[ "$(grep -c " new " "$LAB_DIR/flows")" = 3 ] &&
		grep -qE "^$M4:5000 +$D4:443 +1194 +new +[0-9]+ s" \
			"$LAB_DIR/flows" &&
		grep -qE "^$M4:5000 +[0-9]+ +$D4:53 +1194 +new" \
			"$LAB_DIR/flows" &&
		grep -qF "[$M6]:5001" "$LAB_DIR/flows" &&
		grep -qF "[$D6]:65535" "$LAB_DIR/flows" &&
		status 0 '3 half-open \(IPv4 2 of 65536, IPv6 1 of'
}
flows_golden() {
	ns anyport flows --json |
		jq -e '[.flows[] | select(.alias != null)] | length == 1' &&
		ns anyport flows --json | jq '.flows |= map(
			if .alias then .alias = 1 else . end)' >"$LAB_DIR/f" &&
		golden flows jq '.flows |= (map(if .alias then .alias = 1
			else . end) | sort_by(.dialled_port))' \
			<(ns anyport flows --json)
}
flows_filtered() {
	[ "$(ns anyport flows --family 6 --json | jq -c \
		'[.total, .flows[0].family]')" = '[1,6]' ] &&
		[ "$(ns anyport flows --limit 1 --json |
			jq -c '[.total, (.flows | length)]')" = '[3,1]' ] &&
		ns anyport flows --limit 2 | grep -q '^\.\.\. and 1 more$' &&
		[ "$(ns anyport flows --state established --json |
			jq .total)" = 0 ] &&
		! ns anyport flows --state full && ! ns anyport flows --family 5 &&
		! ns anyport flows --limit x && ! ns anyport flows more
}
established_shows() {
	local pid=${pids%% *}
	# "H" is opcode 9: OpenVPN sends data.
	serve -n openvpn udp $D4 1194 Hello
	pid=${pids##* }
	peer build/tests/tools/say -p 5009 udp $D4 4500 $RESET | grep -q Hello
	ns anyport flows --state established | tee "$LAB_DIR/flows" |
		grep -qE "^$M4:5009 +$D4:4500 +1194 +established"
	local rc=$?
	kill "$pid"
	[ $rc = 0 ] && status 0 '1 established \(IPv4 1 of 65536, IPv6 0'
}
stats_show() {
	ns anyport stats >"$LAB_DIR/stats" && cat "$LAB_DIR/stats" &&
		grep -qE '^udp_new +[1-9][0-9]*  UDP in, new flow' \
			"$LAB_DIR/stats" &&
		grep -qE '^udp_alias +1 ' "$LAB_DIR/stats" &&
		[ "$(wc -l <"$LAB_DIR/stats")" = \
			"$(ns anyport stats --json | jq '.counters | length')" ]
}
# Counters may be added, none may go or be renamed.
stats_golden() {
	ns anyport stats --json | jq '.counters |= map_values(0)' >"$LAB_DIR/s" &&
		golden stats jq --slurpfile g tests/golden/stats.json \
			'.counters |= with_entries(select(.key as $k |
				$g[0].counters | has($k)))' "$LAB_DIR/s"
}
stats_watch() {
	ns timeout 3.5 anyport stats --watch --json >"$LAB_DIR/watch" &
	sleep 0.4
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		peer build/tests/tools/say -p 52$i udp $D4 80 $RESET >/dev/null
	done
	wait $!
	jq -c '[.interval, .rates.udp_new]' "$LAB_DIR/watch"
	[ "$(wc -l <"$LAB_DIR/watch")" = 3 ] &&
		jq -se 'map(.rates.udp_new * .interval) | add | . > 9 and . < 11' \
			"$LAB_DIR/watch" &&
		timeout 2.5 nsenter --net=/run/netns/$NS anyport stats \
			--watch 1 | grep -qE '^udp_new .*/s  UDP in' &&
		! ns anyport stats --watch 0 && ! ns anyport stats --watch x
}

# A member of the group anyport, who is nobody else.
as_group() {
	ns setpriv --reuid=65534 --regid=65534 --groups=4242 \
		anyport "$@"
}
with_group() {
	cp /etc/group "$LAB_DIR/group" &&
		echo 'anyport:x:4242:' >>"$LAB_DIR/group" &&
		mount --bind "$LAB_DIR/group" /etc/group || return 1
	chmod 755 "$LAB_DIR"
	"$@"
	local rc=$?
	umount /etc/group
	return $rc
}
group_reads() {
	ns anyport unload && ns anyport load -c "$CONF" &&
		as_group status && as_group status --json |
			jq -e '.serving and .door.steering == null and
				.door.uplinks[0].ingress != false and
				.door.uplinks[0].egress' &&
		as_group status | grep 'needs root' &&
		as_group stats && as_group flows &&
		ns ip link set dev eth0 xdp off && ! as_group status &&
		ns anyport load -c "$CONF"
}
others_do_not() {
	local rc
	ns setpriv --reuid=65534 --regid=65534 --clear-groups anyport status \
		>"$LAB_DIR/out" 2>&1
	rc=$?
	cat "$LAB_DIR/out"
	[ $rc = 1 ] && grep -q 'join the group' "$LAB_DIR/out" &&
		! ns setpriv --reuid=65534 --regid=65534 --clear-groups \
			anyport stats
}

setup || { echo "Bail out! no namespaces"; exit 1; }
ok "not loaded is exit status 3" not_loaded
ok "a target that nobody serves" silent_target
ok "a target that serves IPv4 alone" deaf_to_ipv6
serve_all X
ok "a door that serves is exit status 0" serving
ok "status --json is as documented" golden status anyport status --json
ok "interface down, mended" down
ok "interface without carrier" no_carrier
ok "interface deleted and made anew, mended" deleted
ok "interface renamed" renamed
ok "XDP detached, mended" xdp_off xdp
ok "egress filter removed, mended" egress_off
ok "clsact removed, mended" clsact_off
ok "sk_lookup detached, mended" steering_off
ok "getpeername programs detached, mended" peers_off
ok "without cgroup v2 it serves, and says so" no_cgroup
ok "a pinned map removed, mended" map_gone
ok "stats says that its table is missing" counters_gone
ok "the record removed or damaged, mended" record_gone
ok "an interface that the door is not on" not_added
ok "conntrack without notrack rules, mended by the example" tracked
ok "an address that is on no interface" inactive_address
ok "a configuration changed since" config_changed
ok "a configuration that is gone" config_gone
ok "a change that waits for confirmation" unconfirmed
ok "generic XDP is named and watched" mode generic 'generic XDP, [ab]'
ok "tc ingress is named and watched" mode tc 'tc ingress'
ns anyport unload && ns anyport load -c "$CONF"
ok "flows shows who is on" flows_show
ok "flows --json is as documented" flows_golden
ok "flows can be filtered" flows_filtered
ok "an established flow" established_shows
ok "stats counts" stats_show
ok "stats --json is as documented" stats_golden
ok "stats --watch has rates" stats_watch
ok "the group anyport reads without root" with_group group_reads
ok "others do not" others_do_not
ok "unloaded again" ns anyport unload
ok "and not loaded" not_loaded
# shellcheck disable=SC2086
kill $pids 2>/dev/null
ip netns del $NS
ip netns del $PEER
tap_done
