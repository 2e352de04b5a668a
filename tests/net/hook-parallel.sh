#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# 200 connects and disconnects of 20 members on two instances, all members at
# once, in random order: the routes end where a model says. SEED=N repeats one.
set -u
. tests/lib/hook.sh
hook_start
# The machine may be busy; what takes long here is not the hook.
sed -i 's/^users = /deadline = 10s\n&/' "$conf"
members=20 events=5
seed=${SEED:-$RANDOM}
echo "# SEED=$seed"
for i in $(seq $members); do account "m$i" $((100 + i)); done

# One member on one instance, as OpenVPN orders it: its events one after the
# other. Leaves when the session that is on at the end was claimed.
member() { # N INSTANCE
	local n=$1 instance=$2 time=0 on=0 from to e
	RANDOM=$((seed + n * 2)); [ "$instance" = udp ] || RANDOM=$((seed + n * 2 + 1))
	for e in $(seq $events); do
		if [ $on = 1 ] && [ $((RANDOM % 3)) != 0 ]; then
			disconnect "m$n" "$instance" $time || echo "disconnect $n"
			on=0
		else
			# a new session ends the old one first
			local old=$time was=$on
			time=$((1700000000 + e))
			[ $was = 0 ] || disconnect "m$n" "$instance" $old || echo "disconnect $n"
			from=$EPOCHREALTIME
			connect "m$n" "$instance" $time || echo "connect $n $instance: refused"
			to=$EPOCHREALTIME
			on=1
		fi
	done
	[ $on = 0 ] || echo "$from $to" >"$dir/on.$n.$instance"
}

for i in $(seq $members); do
	member "$i" udp >>"$dir/wrong" & workers="${workers:-} $!"
	member "$i" tcp >>"$dir/wrong" & workers="$workers $!"
done
# shellcheck disable=SC2086
wait $workers
check "no event failed" same "$(cat "$dir/wrong")" ""

bad=0 none=0 one=0 two=0
for i in $(seq $members); do
	u=$dir/on.$i.udp t=$dir/on.$i.tcp
	have=$(routes $((100 + i)))
	if [ -e "$u" ] && [ -e "$t" ]; then
		two=$((two + 1))
		# whose connect began after the other's ended is the newer
		want=$(awk 'NR == 1 { f = $1; t = $2 } NR == 2 {
			if (f > $2) print "tunudp"; else if ($1 > t) print "tuntcp"; else print "tun(udp|tcp)" }' "$u" "$t")
	elif [ -e "$u" ]; then want=tunudp one=$((one + 1))
	elif [ -e "$t" ]; then want=tuntcp one=$((one + 1))
	else want='' none=$((none + 1)); fi
	[[ $have =~ ^($want\ $want\ $want\ )$ ]] || [ -z "$want$have" ] || {
		echo "# m$i: $have, not $want"; bad=$((bad + 1)); }
	# and all three on the same
	[ "$(tr ' ' '\n' <<<"$have" | sort -u | wc -w)" -le 1 ] || bad=$((bad + 1))
done
echo "# on both: $two, on one: $one, on none: $none"
check "every member's routes are where the model says" same "$bad" 0
check "members on both and on one came up" test $((two > 0 && one > 0)) = 1
check "reconcile finds nothing" same "$(reconcile)" "in order"

for i in $(seq $members); do
	for instance in udp tcp; do
		[ ! -e "$dir/on.$i.$instance" ] ||
			disconnect "m$i" $instance "$(awk -v i=$instance '$1 == "claim" && $3 == i { print $9 }' "$state/m$i")"
	done
done
check "all gone: no routes" same "$(ip route show proto static; ip -6 route show proto static)" ""
check "all gone: no files" same "$(ls "$state" | grep -v '^@')" ""
shows 40
finish
