#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What tests/run keeps of an interrupted run, so that the next one leaves it
# out: a test that has passed whole.
set -u
LAB_DIR=$(mktemp -d /tmp/anyport-test.XXXXXX)
trap 'rm -rf "$LAB_DIR"' EXIT
. tests/lab/tap.sh

mkdir "$LAB_DIR/passed"
says() { # name line
	printf '#!/bin/sh\necho >>"%s"\necho "%s"\necho 1..1\n' \
		"$LAB_DIR/$1.ran" "$2" >"$LAB_DIR/$1"
	chmod +x "$LAB_DIR/$1"
}
says good 'ok 1 - fine'
says skips 'ok 1 # SKIP a package is missing'
says fails 'not ok 1 - wrong'

# How often NAME has run after one more run of all.
runs() { # name times [variable=value ...]
	local name=$1 times=$2
	shift 2
	env ANYPORT_SANDBOX= TEST_LOG= MUTANT= PLANT= TIME= "$@" \
		TEST_PASSED="$LAB_DIR/passed" tests/run "$LAB_DIR/$name"
	[ "$(wc -l <"$LAB_DIR/$name.ran")" = "$times" ]
}
for narrow in MUTANT=x PLANT=x TIME=5; do
	ok "a test that passes" runs good 1 $narrow
	ok "runs again after one with $narrow" runs good 2 $narrow
	rm "$LAB_DIR/good.ran"
done
ok "and after it passed whole" runs good 1
ok "not again" runs good 1
ok "nor with TIME=5" runs good 1 TIME=5
for name in skips fails; do
	ok "a test that $name" runs $name 1
	ok "runs again" runs $name 2
done
tap_done
