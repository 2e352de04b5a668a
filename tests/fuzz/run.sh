#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Runs every fuzzer built by "make fuzzers" for TIME seconds (default 3), from
# the seeds in tests/fuzz/corpus/NAME and from what earlier runs found. An input
# that fails is kept in build/fuzz: build/fuzz/tests/fuzz/NAME FILE repeats it.
set -u
time=${TIME:-3}
dir=build/fuzz
n=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	n=$((n + 1))
	mkdir -p "$dir/corpus/$name"
	if "$dir/tests/fuzz/$name" -max_total_time="$time" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$dir/$name-" \
		"$dir/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $n - $name: $runs inputs in $time s"
	else
		failed=1
		sed 's/^/# /' "$log" | tail -n 60
		echo "not ok $n - $name"
	fi
done
echo "1..$n"
exit $failed
