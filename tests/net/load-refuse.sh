#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What load and reload refuse: one line that names the object, exit status 1
# (misuse 2), and nothing changed, above all nothing of another's.
set -u
. "$(dirname "$0")/../lib/loader.sh"
world
minimal=$LAB_DIR/minimal.bpf.o

# ---- the command line ---------------------------------------------------------
misuse() { # command...
	local rc=0
	"$@" >/dev/null 2>"$LAB_DIR/said" || rc=$?
	[ $rc = 2 ] && grep -q "usage\|seconds" "$LAB_DIR/said"
}
ok "load with an argument is misuse" misuse door load eth0
ok "load with an unknown option is misuse" misuse door load --nonsense
ok "--confirm without a number is misuse" misuse door load --confirm soon
ok "--confirm 0 is misuse" misuse door load --confirm 0
ok "reload likewise" misuse door reload --confirm 1x
ok "unload with an argument is misuse" misuse door unload all
ok "confirm with an argument is misuse" misuse door confirm 30
for command in unload confirm check; do
	ok "an unknown option of $command is named whole" \
		refuses 2 "'--nonsense'" $IN "$ANYPORT" $command --nonsense
done

# ---- privilege and configuration -----------------------------------------------
unprivileged() {
	# The build directory may be closed to others: a copy, root's no more.
	install -m 755 "$ANYPORT" "$LAB_DIR/anyport"
	chmod 755 "$LAB_DIR"
	$IN setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$LAB_DIR/anyport" "$@"
}
for command in load reload unload confirm; do
	ok "$command without privilege" refuses 1 "$command needs root" unprivileged $command
done
no_capability() {
	$IN setpriv --bounding-set=-sys_admin,-bpf --inh-caps=-all \
		"$ANYPORT" load -c "$CONF"
}
ok "root without the capabilities" refuses 1 "Operation not permitted" no_capability
ok "nothing is left" clean
ok "a missing file" refuses 1 nowhere.conf $IN "$ANYPORT" load -c "$LAB_DIR/nowhere.conf"
odd=$LAB_DIR/$'\xff'.conf
cp "$CONF" "$odd"
ok "a path that is not UTF-8" refuses 1 "not UTF-8" $IN "$ANYPORT" load -c "$odd"
ok "nothing is left" clean
ok "status likewise" refuses 2 "not UTF-8" $IN "$ANYPORT" status -c "$odd"
config 'speed = high'
ok "an unknown key" refuses 1 speed door load
config 'address = 1.2.3'
ok "a bad address" refuses 1 1.2.3 door load
config '[udp]' 'target = 70000'
ok "a bad port" refuses 1 70000 door load
ok "nothing is left" clean
config
ok "reload of what is not loaded" refuses 1 "anyport load" door reload
ok "confirm of what is not loaded" refuses 1 "nothing waits" door confirm
ok "nothing is left" clean

# ---- interfaces -----------------------------------------------------------------
interface() { # name
	config
	sed -i "s/interface = e0/interface = $1/" "$CONF"
}
interface e9
ok "a missing interface" refuses 1 "e9" door load
interface lo
ok "the loopback interface" refuses 1 "lo is the loopback interface" door load
$IN ip tuntap add dev tun9 mode tun
interface tun9
ok "a tun device" refuses 1 "tun9 is not an Ethernet interface" door load
config 'interface = tun9'
ok "a tun device beside a good one" refuses 1 "tun9 is not an Ethernet interface" door load
ok "nothing is left" clean
config 'interface = e9'
warns() { # text command ...
	local text=$1
	shift
	"$@" >"$LAB_DIR/said" 2>&1 && grep -q "warning: .*$text" "$LAB_DIR/said"
}
ok "a missing one beside a good one is a warning" warns "interface e9 does not exist" door load
ok "the good one serves" serves
before=$(attached)
interface e9
ok "reload with none that exists" refuses 1 "e9" door reload
ok "changes nothing" test "$before" = "$(attached)"
config 'interface = tun9'
ok "reload with one that is refused" refuses 1 "tun9" door reload
ok "changes nothing" test "$before $(active generation)" = "$(attached) 1"
config 'address = 192.0.2.77'
ok "an address that nobody has is a warning" warns "192.0.2.77" door load
ok "on reload too" warns "192.0.2.77" door reload
ok "it serves" serves

# ---- sizes ----------------------------------------------------------------------
for key in established half-open remembered; do
	config '[limits]' "$key = 80000"
	ok "another $key on reload" refuses 1 "$key" door reload
	ok "and on load" refuses 1 "$key" door load
done
ok "it serves as before" serves
config
ok "the old configuration is still good" door reload
door unload
ok "nothing is left" clean

# ---- another's XDP ---------------------------------------------------------------
cat >"$LAB_DIR/minimal.bpf.c" <<'C'
#define SEC(name) __attribute__((section(name), used))
SEC("xdp") int foreign_xdp(void *context) { return 2; }
SEC("tc") int foreign_tc(void *context) { return -1; }
char _license[] SEC("license") = "GPL";
C
clang -O2 -target bpf -c "$LAB_DIR/minimal.bpf.c" -o "$minimal" || exit 1
xdp_id() {
	$IN ip -j -d link show dev e0 | jq -r '.[0].xdp.prog.id // empty'
}
for mode in xdpdrv xdpgeneric; do
	$IN ip link set dev e0 $mode object "$minimal" section xdp
	id=$(xdp_id)
	ok "another's $mode program" refuses 1 "foreign_xdp, id $id" door load
	ok "is still there" test "$(xdp_id)" = "$id"
	ok "and nothing of ours" clean
	config 'attach = tc'
	ok "with attach = tc both work" door load
	ok "beside each other" test "$(xdp_id) $(attached | cut -d' ' -f1 | sort | tr '\n' ' ')" = \
		"$id egress ingress "
	ok "unload" door unload
	ok "theirs is still there" test "$(xdp_id)" = "$id"
	config
	$IN ip link set dev e0 $mode off
done

door load --confirm 600 2>/dev/null
$IN ip link set dev e1 xdpdrv object "$minimal" section xdp
config 'interface = e1'
before=$(attached)
ok "reload onto an interface with another's program" refuses 1 "e1 has another XDP program" door reload
ok "changes nothing" test "$before" = "$(attached)"
ok "leaves no filter there" test -z "$(attached e1 | grep -v xdp)"
ok "nor a clsact" test "$($IN tc qdisc show dev e1 | grep -c clsact)" = 0
ok "and the door serves" serves
ok "load likewise" refuses 1 "e1 has another XDP program" door load
ok "the door serves, by the programs from before" test "$before" = "$(attached)"
ok "what waited for its confirmation waits" door confirm
$IN ip link set dev e1 xdpdrv off
config
door unload

# A program of that name looks as libxdp's dispatcher does where its pins are
# not to be seen.
sed s/foreign_xdp/xdp_dispatcher/ "$LAB_DIR/minimal.bpf.c" >"$LAB_DIR/named.bpf.c"
clang -O2 -target bpf -c "$LAB_DIR/named.bpf.c" -o "$LAB_DIR/named.bpf.o" || exit 1
unpinned() { # command option ...: as ip netns exec runs it
	unshare --mount sh -c 'mount -t sysfs sysfs /sys && exec "$@"' sh \
		$IN "$ANYPORT" "$@"
}
door load 2>/dev/null
$IN ip link set dev e1 xdpdrv object "$LAB_DIR/named.bpf.o" section xdp
ok "a dispatcher without its bpffs: unload" refuses 1 "nsenter --net" unpinned unload
ok "unload as it says" door unload
ok "nothing of ours is left" clean
$IN ip link set dev e1 xdpdrv off
config 'attach = tc' # or e0 has a dispatcher, where the kernel can, and is named
door load 2>/dev/null
$IN ip link set dev e1 xdpdrv object "$LAB_DIR/named.bpf.o" section xdp
config 'attach = tc' 'interface = e1'
ok "reload likewise" refuses 1 "nsenter --net" unpinned reload -c "$CONF"
config 'attach = tc'
door reload --confirm 600 2>/dev/null
for command in reload load; do
	ok "$command likewise, for an interface that it does not name" \
		refuses 1 "e1: which programs" unpinned $command -c "$CONF"
	ok "it says how" refuses 1 "nsenter --net" unpinned $command -c "$CONF"
done
ok "what waited for its confirmation waits" door confirm
ok "and the door serves" serves
$IN ip link set dev e1 xdpdrv off
config
door unload
ok "nothing is left" clean
config 'attach = tc'
door load 2>/dev/null
$IN ip link set dev e0 xdpdrv object "$LAB_DIR/named.bpf.o" section xdp
ok "on an uplink: unload" refuses 1 "nsenter --net" unpinned unload
ok "unload as it says" door unload
ok "nothing is left, nor the clsact that load made" clean
$IN ip link set dev e0 xdpdrv off
config

# ---- another's clsact and filters -----------------------------------------------
filters() {
	$IN tc filter show dev e0 egress
	$IN tc filter show dev e0 ingress
}
$IN tc qdisc add dev e0 clsact
$IN tc filter add dev e0 egress prio 1 protocol ip u32 match u32 0 0 flowid 1:1
$IN tc filter add dev e0 ingress prio 49152 bpf direct-action object-file "$minimal" section tc
before=$(filters)
ok "load beside another's clsact" door load
ok "it serves" serves
ok "unload" door unload
ok "their filters are as they were" test "$(filters)" = "$before"
ok "so is their clsact, and nothing of ours is left" clean 1
$IN tc qdisc del dev e0 clsact
$IN tc qdisc add dev e0 clsact
door load 2>/dev/null
door unload
ok "another's clsact stays even if it is empty" clean 1
$IN tc qdisc del dev e0 clsact

door load 2>/dev/null
$IN tc filter add dev e0 egress prio 1 protocol ip u32 match u32 0 0 flowid 1:1
ok "a filter of another's in our clsact: unload" door unload
ok "leaves clsact and filter to them" clean 1
ok "the filter is there" test "$(filters | grep -c u32)" -gt 0
$IN tc qdisc del dev e0 clsact

$IN tc qdisc add dev e0 clsact
$IN tc filter add dev e0 egress prio 7 handle 0xa9 bpf direct-action \
	object-file "$minimal" section tc
before=$(filters)
ok "another's filter in our place" refuses 1 "another's program" door load
ok "is still there" test "$(filters)" = "$before"
ok "and nothing of ours" clean 1
$IN tc filter del dev e0 egress
$IN tc filter add dev e0 egress prio 7 protocol ip u32 match u32 0 0 flowid 1:1
ok "a filter of another kind at our priority" refuses 1 "priority 7" door load
ok "and nothing of ours" clean 1
$IN tc qdisc del dev e0 clsact

$IN tc qdisc add dev e0 ingress
ok "an ingress qdisc" refuses 1 "ingress qdisc" door load
ok "is still there" test "$($IN tc qdisc show dev e0 | grep -c ingress)" = 1
ok "and nothing of ours" clean
$IN tc qdisc del dev e0 ingress

# ---- the pin directory ------------------------------------------------------------
mkdir -p /run/anyport/bpf/theirs
ok "a mount point with something in it" refuses 1 "/run/anyport/bpf" door load
ok "is as it was" test -d /run/anyport/bpf/theirs
rm -rf /run/anyport

mkdir /run/anyport "$LAB_DIR/elsewhere"
ln -s "$LAB_DIR/elsewhere" /run/anyport/bpf
ok "a symbolic link for a mount point" refuses 1 "/run/anyport/bpf is not anyport's" door load
ok "nothing is mounted behind it" test "$(stat -fc %T "$LAB_DIR/elsewhere")" != bpf_fs
ok "unload leaves it" door unload
ok "is as it was" test -L /run/anyport/bpf
rm -rf /run/anyport

mkdir -p /run/anyport/bpf
mount -t bpf bpf /run/anyport/bpf
mkdir -p "/run/anyport/bpf/$(netns_number)/theirs"
ok "a foreign directory in our place" refuses 1 "theirs is not anyport's" door load
ok "is as it was" test -d "/run/anyport/bpf/$(netns_number)/theirs"
ok "unload leaves it too" warns "is not anyport's" door unload
ok "it is as it was" test -d "/run/anyport/bpf/$(netns_number)/theirs"
rmdir "/run/anyport/bpf/$(netns_number)/theirs" "/run/anyport/bpf/$(netns_number)"

door load 2>/dev/null
before=$(attached)
bpftool map create "$(pins)/theirs" type array key 4 value 4 entries 1 name theirs
ok "a foreign map among ours" refuses 1 "$LAYOUT/theirs is not anyport's" door reload
ok "changes nothing" test "$before" = "$(attached)"
rm "$(pins)/theirs"
rm "$(pins)/half6"
ok "a map that is missing" refuses 1 "$LAYOUT/half6" door load
bpftool map create "$(pins)/half6" type array key 4 value 4 entries 1 name half6
ok "a map of another shape" refuses 1 "$LAYOUT/half6" door load
ok "the message's next step, unload" door unload
ok "clears it" clean
ok "load afterwards" door load
ok "serves" serves

mv "$(pins)" "/run/anyport/bpf/$(netns_number)/v1"
ok "a door of another layout" refuses 1 "another version of anyport" door load
ok "the next step, unload" door unload
ok "clears it" clean

# ---- state that is damaged ---------------------------------------------------------
json=/run/anyport/$(netns_number).json
for damage in '' '{' '[]' '{"schema": 1}' '{"schema": 1, "layout": -1}'; do
	door load 2>/dev/null
	printf '%s' "$damage" >"$json"
	ok "state file \"$damage\": reload" door reload
	ok "it serves" serves
	ok "the file is whole again" jq -e '.uplinks[0].name == "e0"' "$json"
	printf '%s' "$damage" >"$json"
	ok "unload" door unload
	ok "nothing is left" clean
done
door load 2>/dev/null
rm "$json"
ok "no state file: load" door load
ok "it serves" serves
rm "$json"
ok "unload" door unload
ok "nothing is left" clean

door load 2>/dev/null
umount -l /run/anyport/bpf
rm "$json"
ok "the bpffs is gone: load replaces what it finds" door load
ok "it serves" serves
umount -l /run/anyport/bpf
ok "unload finds the programs" door unload
ok "nothing is left" clean

# ---- the key ----------------------------------------------------------------------
chmod 644 /var/lib/anyport/secret
ok "a key that others can read is not used" warns "/var/lib/anyport/secret" door load
ok "and stays as it is" test "$(stat -c %a /var/lib/anyport/secret)" = 644
door unload
rm /var/lib/anyport/secret
ln -s /etc/passwd /var/lib/anyport/secret
ok "nor a symbolic link" warns "/var/lib/anyport/secret" door load
door unload
rm /var/lib/anyport/secret

# ---- the lock ----------------------------------------------------------------------
mkdir -p /run/anyport
flock /run/anyport/lock sleep 1 &
held=$!
sleep 0.2
ok "a lock that is held a second is waited for" door load
wait $held
door unload
ok "nothing is left" clean

# ---- SSH ---------------------------------------------------------------------------
# A process of that name is what sshd looks like, at boot without a connection.
sshd() { # address port
	$IN "$TOP/build/tests/tools/serve" -n sshd tcp "$1" "$2" x
}
ends() { # process ...: their ports are free
	kill "$@"
	until_true 5 sh -c 'for p; do ! kill -0 "$p" || exit 1; done' sh "$@"
}
check() { $IN "$ANYPORT" check -c "$CONF"; }
other=$(sshd 127.0.0.1 22)
server=$(sshd 0.0.0.0 2222)
config '[tcp]' 'claim = 1195-65535' 'pass = 22'
lost="claim takes port 2222, where sshd listens, and 198.51.100.1 has no other"
ok "claim of the port where sshd listens" refuses 1 "$lost" door load
ok "it names what to write" refuses 1 "pass = 2222" door load
ok "here or for sshd" refuses 1 "ListenAddress in sshd_config" door load
ok "nothing is left" clean
ok "check says so, too" refuses 1 "$lost" check
$IN ip address add 192.0.2.1/32 dev lo
second=$(sshd 192.0.2.1 22)
ok "nor is one at an address that is not the door's another way" \
	refuses 1 "$lost" door load
ends "$other" "$second"
config '[tcp]' 'claim = 1195-65535' 'pass = 22' 'pass = 2222'
ok "not when the port is passed" door load
config '[tcp]' 'claim = 1195-65535' 'pass = 22'
ok "nor by a reload" refuses 1 "$lost" door reload
second=$(sshd 198.51.100.1 22)
ok "with another at the same address it is a warning" \
	warns "claim takes port 2222, where sshd listens" door reload
ok "check warns, too" warns "claim takes port 2222" check
ends "$server"
door unload
server=$(sshd :: 2222)
ok "but not when that is IPv4 alone" \
	refuses 1 "where sshd listens, and 2001:db8::1 has no other" door load
ends "$second" "$server"
server=$(sshd 127.0.0.1 2222)
ok "one at loopback is none of it" door load
ends "$server"
server=$($IN "$TOP/build/tests/tools/serve" -n nginx tcp 0.0.0.0 2222 x)
ok "nor one of another program" door reload
ends "$server"
door unload

# sshd came after the door: to refuse would not give its port back.
config '[tcp]' 'claim = 2222'
door load 2>/dev/null
server=$(sshd 0.0.0.0 2222)
ok "a claim that is in force already is a warning" \
	warns "claim takes port 2222.*198.51.100.1 has no other.*already" door reload
ok "for load as well" warns "it does so already" door load
config 'address = 198.51.100.9' '[tcp]' 'claim = 2222'
ok "but not for one more address" \
	refuses 1 "where sshd listens, and 198.51.100.9 has no other" door reload
config
door reload 2>/dev/null
config '[tcp]' 'claim = 2222'
ok "nor once it was given up" \
	refuses 1 "where sshd listens, and 198.51.100.1 has no other" door reload
ends "$server"
door unload

# A process named sshd with a connection is what an SSH session looks like.
install -m 755 "$(command -v openssl)" "$LAB_DIR/sshd"
$IN "$LAB_DIR/sshd" s_server -accept 2222 -nocert -cipher aNULL:@SECLEVEL=0 \
	-quiet </dev/zero >/dev/null 2>&1 &
server=$!
until_true 5 sh -c "$IN ss -Hltn sport = :2222 | grep -q LISTEN"
config '[tcp]' 'claim = 2222'
$IN bash -c 'exec 3<>/dev/tcp/198.51.100.1/2222; sleep 60' &
client=$!
until_true 5 sh -c "$IN ss -Htnp state established sport = :2222 | grep -q sshd"
ok "claim of a port with an SSH session" refuses 1 "claim takes port 2222, by which" door load
config '[tcp]' 'map = 2222:443'
ok "map of one" refuses 1 "map takes port 2222" door load
config '[tcp]' 'claim = 2000-3000' 'pass = 2222'
ok "not when it is left alone all the same" door load
config '[tcp]' 'claim = 2000-3000'
ok "nor by a reload" refuses 1 "claim takes port 2222, by which" door reload
kill $client $server
wait $client $server 2>/dev/null
door unload
config

# ---- bound to a device that stands on the door's interface ---------------------
on_device() { # device program
	$IN "$TOP/build/tests/tools/serve" -d "$1" -n "$2" tcp 0.0.0.0 2222 service
}
says_at() { # address text
	[ "$(nsenter --net=/run/netns/member timeout 5 bash -c \
		'exec 3<>/dev/tcp/$0/2222; read -r said <&3; echo "$said"' "$1")" = "$2" ]
}
# Management on a bridge of its own, whose address is none of the door's.
$IN ip link add br1 type bridge
$IN ip link set e1 master br1
$IN ip address add 192.0.2.1/24 dev br1
$IN ip link set br1 up
ip -n member address add 192.0.2.2/24 dev e1
config 'interface = e1'
server=$(on_device br1 sshd)
ok "sshd by a device without a door address: a warning, the door is loaded" \
	warns "sshd's port 2222 is bound to a device" door load
ok "sshd answers there" says_at 192.0.2.1 service
door unload
config 'interface = e1' '[tcp]' 'claim = 2222'
ok "likewise when its port is claimed" \
	warns "claim takes port 2222, where sshd listens" door load
ok "sshd answers there" says_at 192.0.2.1 service
door unload
config 'interface = e1' '[tcp]' 'claim = 2222' 'pass = 22'
ends "$server"
server=$(sshd 0.0.0.0 2222)
second=$($IN "$TOP/build/tests/tools/serve" -d br1 -n sshd tcp 0.0.0.0 22 x)
ok "it is no other way to a door address" \
	refuses 1 "198.51.100.1 has no other for SSH" door load
ends "$server" "$second"
ok "nothing is left" clean
$IN ip link del br1
ip -n member address del 192.0.2.2/24 dev e1
config

$IN ip link add br0 type bridge
$IN ip link set br0 up
$IN ip link set e0 master br0
$IN ip address flush dev e0
$IN ip address add 198.51.100.1/24 dev br0
$IN ip address add 2001:db8::1/64 dev br0 nodad
ip -n member address add 198.51.100.2/24 dev e0
target=$($IN "$TOP/build/tests/tools/serve" tcp 198.51.100.1 1194 openvpn)
answers() { says_at 198.51.100.1 "$1"; }
lists() { # text
	door load >"$LAB_DIR/said" 2>&1 && grep -q "2222 .*nginx .*$1" "$LAB_DIR/said"
}
server=$(on_device br0 nginx)
ok "a service that is bound to a bridge answers" answers service
ok "load says that the door hides it" lists "hidden: bound to a device"
ok "so it does" answers openvpn
config '[tcp]' 'pass = 2222'
ok "not when the port is passed" door reload
ok "then it answers" answers service
ends "$server"
door unload
config
server=$(on_device br0 sshd)
ok "sshd's that is not claimed is a warning" \
	warns "sshd's port 2222 is bound to a device.*pass = 2222" door load
door unload
config '[tcp]' 'claim = 2222'
ok "one that is claimed is refused" \
	refuses 1 "claim takes port 2222, where sshd listens, and 198.51.100.1" door load
config
ends "$server" "$target"
$IN ip link del br0
$IN ip address add 198.51.100.1/24 dev e0
$IN ip address add 2001:db8::1/64 dev e0 nodad
ok "nothing is left" clean

# A mount namespace of its own, as ip netns exec makes: pins would be gone.
ok "where a mount would vanish" refuses 1 "nsenter --net" \
	unshare --mount $IN "$ANYPORT" load -c "$CONF"
ok "nothing is left" clean

tap_done 30
