#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The tests tested: every mutant of mutants.list is built in a copy of the
# sources, and the test named for it must fail there, which passes on the
# sources as they are. MUTANT=TEXT: only those whose name has TEXT.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/faults.sh

# The programs and TEST, from the copy as it is.
build() { # name test
	case $2 in
	build/*) built all "$2" ;;
	*) built tests ;;
	esac
}

run() { # test
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 300 \
		env ANYPORT_SANDBOX= tests/sandbox.sh "$1" >"$copy/log" 2>&1 </dev/null &&
		! grep -q "^not ok" "$copy/log"
}

# Sources as they are: every test that is to notice something passes.
whole() {
	local test rc=0
	for test in $(printf '%s\n' "${whats[@]}" | sort -u); do
		passed "unbroken $test" && continue
		build "" "$test" && run "$test" &&
			passed_keep "unbroken $test" </dev/null && continue
		tail -n 20 "$copy/log" | sed 's/^/# /'
		echo "# $test"
		rc=1
	done
	return $rc
}

noticed() { # name test
	if run "$2"; then
		said="$2 does not notice"
		: >"$copy/log"
	elif ! grep -q '^not ok' "$copy/log"; then
		said="$2 ended without a verdict"
	else
		said="$(sed -n 's/^not ok [0-9]* - //p;T;q' "$copy/log") ($2)"
		return 0
	fi
	return 1
}

faults_read tests/long/mutants.list mutant "${MUTANT:-}"
faults_copy build
whole
verdict $? "sources as they are pass"
faults build noticed
faults_done
