#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The fuzzers tested: each fault of planted.list is built into a copy of the
# sources, and the fuzzer named for it has to find it within TIME seconds (60),
# from the seeds that are kept. PLANT=TEXT: only those whose line has TEXT.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/faults.sh
export TIME=${TIME:-60}
list=tests/long/planted.list

build() { # "fuzzer: what" evidence
	built fuzzers "FUZZ=build/fuzz/tests/fuzz/${1%%: *}"
}

found() { # "fuzzer: what" evidence
	local begun=$SECONDS
	if tests/fuzz/run.sh "${1%%: *}" >"$copy/log" 2>&1; then
		said="not found in $TIME s"
	elif ! grep -q -- "$2" "$copy/log"; then
		said="something else was found"
	else
		said="found in $((SECONDS - begun)) s"
		return 0
	fi
	return 1
}

faults_read $list plant "${PLANT:-}"
faults_copy build/fuzz
rm -rf build/fuzz/corpus
faults build found
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	grep -q "^plant $name: " $list
	verdict $? "$name has something to find"
done
faults_done
