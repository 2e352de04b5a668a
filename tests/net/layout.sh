#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Pins of another version: whatever the difference, load and reload refuse them
# by name and change nothing, no command reads them as its own, and what status
# says mends it. A state file that is cut short or another version's is written
# anew.
set -u
. "$(dirname "$0")/../lib/loader.sh"
PATH=$TOP/build:$PATH # for commands as status prints them

world
mkdir "$LAB_DIR/up" "$LAB_DIR/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$LAB_DIR/up,workdir=$LAB_DIR/work" \
	overlay /etc || exit 1
mkdir -p /etc/anyport
# shellcheck disable=SC2034 # for config and door
CONF=/etc/anyport/anyport.conf
config

# What is attached and in force, for comparison.
running() { attached; active generation; active instance; }

# Nobody crashes or shows numbers that are not there.
readers_refuse() { # name
	local command rc
	for command in status stats flows; do
		door $command >"$LAB_DIR/read" 2>&1
		rc=$?
		[ $rc -lt 128 ] || { echo "$command: status $rc"; return 1; }
		case $command in
		status) [ $rc = 1 ] && grep -q "$1" "$LAB_DIR/read" ;;
		stats) [ "$1" != counters ] || [ $rc = 1 ] ;;
		flows) [[ $1 != flows? && $1 != half? && $1 != config ]] ||
			[ $rc = 1 ] ;;
		esac || { echo "$command: status $rc"; cat "$LAB_DIR/read"; return 1; }
	done
}

# The pin NAME gives way to a map of another shape, for a moment.
HELD=/sys/fs/bpf/held
shaped() { # name type key value entries
	local pin rc=0
	pin=$(pins)/$1
	bpftool map pin pinned "$pin" $HELD && rm "$pin" &&
		bpftool map create "$pin" type "$2" key "$3" value "$4" \
			entries "$5" name "$1" || return
	refuses 1 "$LAYOUT/$1 is missing or is not this version's: anyport unload, then load" \
		door load || rc=1
	# What is too large for a reader shows whether any of them trusts it.
	[ "$4" -le "$value" ] || { refuses 1 "$LAYOUT/$1" door reload &&
		readers_refuse "$1"; } || rc=1
	rm "$pin" && bpftool map pin pinned $HELD "$pin" && rm $HELD &&
		[ $rc = 0 ]
}

# Every difference that its type allows, one at a time.
shapes() { # type key value entries
	local type=$1 key=$2 value=$3 entries=$4
	case $type in
	lru_hash)
		echo "$type $key $((value + 8)) $entries"
		echo "$type $((key + 4)) $value $entries"
		echo "hash $key $value $entries"
		echo "array 4 4 1" ;;
	sockmap)
		echo "$type 4 $value $((entries + 1))"
		echo "array 4 $value $entries" ;;
	*)
		echo "$type 4 $((value + 8)) $entries"
		echo "$type 4 $value $((entries + 1))"
		echo "hash 4 $value $entries" ;;
	esac
	[ "$value" -le 8 ] || echo "$type $key $((value - 4)) $entries"
}

other_shapes() { # name
	local type key value entries shape was
	was=$(running)
	read -r type key value entries < <(bpftool -j map show pinned \
		"$(pins)/$1" | jq -r '"\(.type) \(.bytes_key) \(.bytes_value) \(.max_entries)"')
	while read -r shape; do
		tried=$((tried + 1))
		# shellcheck disable=SC2086
		shaped "$1" $shape || { echo "$1 as $shape"; return 1; }
	done < <(shapes "$type" "$key" "$value" "$entries")
	[ "$(running)" = "$was" ]
}

maps() { # all pins but those of links
	(cd "$(pins)" && printf '%s\n' *) | grep -v '^lookup$\|^peer[46]$'
}

all_shapes() {
	local name
	tried=0
	for name in $(maps); do
		other_shapes $name || return
	done
	echo "# $tried maps of another shape" >&3
	[ $tried -ge 50 ]
}

# The command that status prints, typed as it stands.
mended() {
	local command
	door status >"$LAB_DIR/said" 2>&1
	[ $? = 1 ] || { cat "$LAB_DIR/said"; return 1; }
	command=$(sed -n 's/^ *mend: //p' "$LAB_DIR/said" | head -n 1)
	echo "mend: $command"
	[ -n "$command" ] && $IN bash -c "$command" && serves
}

other_layout() { # directory
	local was refused="another version of anyport"
	was=$(attached)
	mv "$(pins)" "$(dirname "$(pins)")/$1" &&
		refuses 1 "$1 was made by $refused" door load &&
		refuses 1 "$1 was made by $refused" door reload &&
		[ "$(attached)" = "$was" ] || return
	door stats >/dev/null 2>&1 && return 1
	door status 2>&1 | grep "wrong: .*$1 is another version's" && mended
}

# Beside our own: of an upgrade or a downgrade that died.
other_beside() { # directory
	mkdir "$(dirname "$(pins)")/$1" &&
		refuses 1 "$1 was made by another version" door load &&
		serves && door unload && clean && door load 2>/dev/null
}

record() { echo "/run/anyport/$(netns_number).json"; }
record_damaged() { # command: reload or load
	! door status >/dev/null 2>&1 && door "$1" 2>/dev/null && serves &&
		jq -e '.uplinks[0].name == "e0" and .schema == 1' "$(record)" &&
		[ "$(running | grep -c .)" -ge 4 ]
}
cut_short() {
	local size at
	size=$(stat -c %s "$(record)")
	for ((at = 0; at < size; at += size / 7)); do
		truncate -s $at "$(record)"
		record_damaged reload || { echo "at $at"; return 1; }
	done
}
other_record() { # jq expression
	jq "$1" "$(record)" >"$LAB_DIR/record" &&
		cat "$LAB_DIR/record" >"$(record)" && record_damaged load
}
exec 3>&1

door load 2>/dev/null
ok "a map of another shape is refused" all_shapes
ok "and the door is as it was" serves
for name in counters flows6 active; do
	rm "$(pins)/$name"
	ok "$name is missing: mended by what status says" mended
done
newer=v$((${LAYOUT#v} + 1))-new
for layout in v0 v1 v2 "$newer" v10; do
	ok "pins of layout $layout" other_layout $layout
done
ok "pins of layout v1 beside ours" other_beside v1
ok "and $newer" other_beside "$newer"
ok "a state file that is cut short" cut_short
ok "one of another schema" other_record '.schema = 2'
ok "one of another layout" other_record '.layout = 1'
ok "one of no layout" other_record 'del(.layout)'
door unload
ok "nothing is left" clean
tap_done 32
