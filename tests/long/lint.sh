#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What reads the sources instead of running them, and the unit tests under
# valgrind and the sanitizers: gcc and clang without a warning, cppcheck,
# clang-tidy, shellcheck. Needs no root ("make lint"); builds below build/lint and
# build/sanitize.
set -u
cd "$(dirname "$0")/../.." || exit 1
n=0 failed=0
log=$(mktemp)
trap 'rm -f "$log" "$log.one"' EXIT
trap 'exit 130' INT TERM

# shows NAME COMMAND ...: one test; what the command prints is shown if it fails.
shows() {
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $n - $name"
	else
		failed=1
		tail -n 60 "$log" | sed 's/^/# /'
		echo "not ok $n - $name"
	fi
}

compiles() { # compiler
	make --no-print-directory -j2 "B=build/lint/$1" CC="$1" CFLAGS='-O2 -g -Werror' tests
}

compiles_fuzzers() {
	make --no-print-directory -j2 B=build/lint/fuzz CC=clang \
		CFLAGS='-O1 -g -Werror -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping' \
		fuzzers-ready
}

# It has to be told what the macros of libbpf and jansson are, and takes what
# a function fills for unset.
cpp() {
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--enable=warning,performance,portability \
		--suppress=preprocessorErrorDirective:bpf/anyport.h --suppress=ctuuninitvar --suppress=uninitvar:user/config_check.c \
		-D_GNU_SOURCE -D__linux__ -D__x86_64__ \
		'-DLIBBPF_OPTS(type,name,...)=struct type name = { __VA_ARGS__ }' \
		'-Djson_array_foreach(a,i,v)=for (i = 0; i < json_array_size(a); i++)' \
		'-Djson_object_foreach(o,k,v)=for (;;)' \
		-Ibpf -Iuser -Ihook user hook
}

# One file a run: the analyser of clang 14 takes every va_list for unset in all
# but the first. What bpftool writes is no source of ours, hence -isystem.
tidy() {
	local flags=(-D_GNU_SOURCE '-DVERSION="lint"' -std=gnu11
		-isystem build/lint/gcc/bpf -Ibpf -Iuser -Ihook)
	# shellcheck disable=SC2207 # words
	flags+=($(pkg-config --cflags libnl-3.0 libnl-route-3.0))
	printf "%s\n" user/*.c hook/*.c |
		xargs -P 2 -I{} clang-tidy --quiet {} -- "${flags[@]}" >"$log.one" 2>/dev/null
	# A finding within a skeleton is bpftool's.
	! grep -E "^(.*/)?(user|hook)/[^/]*: (error|warning):" "$log.one"
}

shells() {
	grep -rlE '^#!/bin/(ba)?sh' conf tests .ci | xargs shellcheck -x -S warning -e SC2154,SC2010
}

# Only what valgrind says counts: Debian 12's does not know openat2(), so some
# assertions fail below it.
memory() {
	local t rc=0
	for t in build/lint/gcc/tests/unit/*; do
		[ -x "$t" ] && [ -f "$t" ] || continue
		valgrind --quiet --error-exitcode=99 --leak-check=full \
			--errors-for-leak-kinds=definite --child-silent-after-fork=yes \
			"$t" >"$log.one" 2>&1
		[ $? -ne 99 ] || { rc=1; echo "$t:"; tail -n 40 "$log.one"; }
	done
	return $rc
}

# It runs tests/run, whose results are not for the log of the one that runs this.
sanitized() { env -u TEST_LOG -u TEST_PASSED make --no-print-directory sanitize; }

shows "gcc has no warning" compiles gcc
shows "clang has no warning" compiles clang
shows "clang has none for the fuzzers" compiles_fuzzers
shows "cppcheck finds nothing" cpp
shows "clang-tidy finds nothing" tidy
shows "shellcheck finds nothing" shells
shows "the unit tests read and free memory as they should (valgrind)" memory
shows "AddressSanitizer and UBSan have nothing to say of them" sanitized
echo "1..$n"
exit $failed
