# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# TAP for the tests that are scripts.

TAP_N=0 TAP_FAILED=0 TAP_BEGUN=()

tap_result() { # name status output-file
	TAP_N=$((TAP_N + 1))
	if [ "$2" = 0 ]; then
		echo "ok $TAP_N - $1"
		return 0
	fi
	echo "not ok $TAP_N - $1"
	tail -n 20 "$3" | cut -c1-200 | sed 's/^/# /'
	TAP_FAILED=$((TAP_FAILED + 1))
	return 1
}

# ok NAME COMMAND ...: one test; the command's output shows when it fails.
ok() {
	local name=$1
	shift
	"$@" >"$LAB_DIR/tap" 2>&1
	tap_result "$name" $? "$LAB_DIR/tap"
}

# The same in the background, for what mostly waits; ok_all reports all that
# was begun, in order.
ok_begin() { # name command ...
	local file=$LAB_DIR/tap.${#TAP_BEGUN[@]}
	TAP_BEGUN+=("$1")
	shift
	rm -f "$file.status"
	{
		"$@" >"$file" 2>&1
		echo $? >"$file.status"
	} &
}

ok_all() {
	local n name status
	for n in "${!TAP_BEGUN[@]}"; do
		name=${TAP_BEGUN[n]}
		until_true 60 test -s "$LAB_DIR/tap.$n.status"
		status=$(cat "$LAB_DIR/tap.$n.status")
		tap_result "$name" "${status:-1}" "$LAB_DIR/tap.$n"
	done
	TAP_BEGUN=()
}

# The plan, and the requirements that the script has shown when nothing failed.
tap_done() { # number ...
	local n
	echo "1..$TAP_N"
	[ $TAP_FAILED = 0 ] || exit 1
	for n in "$@"; do
		echo "req $n"
	done
	exit 0
}

# The directory of pins, as this version names it. Of a script's own place, for
# tests run from anywhere.
# shellcheck disable=SC2034
LAYOUT=v$(sed -n 's/^#define AP_LAYOUT //p' \
	"$(dirname "${BASH_SOURCE[0]}")/../../bpf/anyport.h")
