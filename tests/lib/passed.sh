# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# What has passed, and what it said then, in files of the directory TEST_PASSED:
# a run of hours that was interrupted goes on where it ended. To be sourced by
# bash; nothing is kept where TEST_PASSED is not set.

# A run that was told to leave something out. As it was called: a test may set
# TIME for others.
PASSED_NARROW=${MUTANT:-}${PLANT:-}${TIME:-}

# Of these sources and this kernel, whatever else lies beside them.
passed_of() {
	uname -r
	find Makefile CHANGES bpf user hook conf tests -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum
}

# An empty TEST_PASSED, or with RESUME the one that is there, unless it is of
# other sources. At the top of them.
passed_begin() {
	local of
	of=$(passed_of | sha256sum) && mkdir -p "$TEST_PASSED" || return 1
	[ -n "${RESUME:-}" ] && [ "$of" = "$(cat "$TEST_PASSED/.of" 2>&1)" ] &&
		return
	rm -f "$TEST_PASSED"/*
	echo "$of" >"$TEST_PASSED/.of"
}

passed_file() { # NAME
	printf '%s/%s' "$TEST_PASSED" "$(tr -c 'A-Za-z0-9.\n-' _ <<<"$1")"
}

# What NAME said when it passed; fails if it has not.
passed() { # NAME
	[ -n "${TEST_PASSED:-}" ] && cat "$(passed_file "$1")" 2>/dev/null
}

passed_keep() { # NAME, what it said on standard input
	local file
	[ -n "${TEST_PASSED:-}" ] && [ -z "$PASSED_NARROW" ] || return 0
	file=$(passed_file "$1")
	cat >"$file.new" && mv "$file.new" "$file"
}
