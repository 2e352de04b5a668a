# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# TAP for the tests that are scripts.

TAP_N=0 TAP_FAILED=0

# ok NAME COMMAND ...: one test; the command's output shows when it fails.
ok() {
	local name=$1 out
	shift
	TAP_N=$((TAP_N + 1))
	if "$@" >"$LAB_DIR/tap" 2>&1; then
		echo "ok $TAP_N - $name"
		return 0
	fi
	echo "not ok $TAP_N - $name"
	out=$(tail -n 20 "$LAB_DIR/tap")
	[ -z "$out" ] || echo "# ${out//$'\n'/$'\n'# }"
	TAP_FAILED=$((TAP_FAILED + 1))
	return 1
}

# The requirements that a script has shown, when nothing of it failed.
tap_done() { # number ...
	local n
	echo "1..$TAP_N"
	[ $TAP_FAILED = 0 ] || exit 1
	for n in "$@"; do
		echo "req $n"
	done
	exit 0
}
