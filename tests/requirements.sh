#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# requirements.sh [-w] [LOG ...]: prints which test has shown which requirement,
# by the "req N" lines in the output of tests/run (TEST_LOG, or build/test.log),
# and compares with tests/REQUIREMENTS.md; -w writes that file. A test that did
# not run, or skipped some of its cases, shows what the file says; one that ran
# shows what it printed. So does it check that what tests/RFC.md says of anyport
# has tests, and that they exist.
set -u
cd "$(dirname "$0")/.." || exit
LIST=tests/requirements.list TABLE=tests/REQUIREMENTS.md RFCS=tests/RFC.md
LAST=44
write=
[ "${1:-}" != -w ] || { write=1; shift; }
[ $# -gt 0 ] || set -- "${TEST_LOG:-build/test.log}"

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# "ran TEST", "part TEST" when cases were skipped, "req N TEST".
from_logs() {
	awk '
	function name(path) {
		if (path !~ /\.sh$/)
			path = path ".c"
		sub(/^(\.\/)?(build\/)?tests\//, "", path)
		return path
	}
	/^(ok  |FAIL) / {
		test = name($2)
		good = $1 == "ok"
		print $5 == 0 ? "ran" : "part", test
	}
	/^ +(\| )?(# *)?req [0-9]+$/ && good { print "req", $NF, test }
	' "$@"
}

# "req N TEST" of the file as it is.
from_table() {
	[ ! -e $TABLE ] || awk -F ' *[|] *' '$2 ~ /^[0-9]+$/ {
		n = split($4, test, ", ")
		for (i = 1; i <= n; i++) {
			sub(/ .*/, "", test[i])
			if (test[i] ~ /\//)
				print "req", $2, test[i]
		}
	}' $TABLE
}

shown() { # "N TEST", of the logs and of what the logs say nothing of
	from_logs "$@" >"$work/logs"
	{
		grep '^req' "$work/logs"
		from_table | while read -r req n test; do
			[ -e "tests/$test" ] &&
				! grep -qx "ran $test" "$work/logs" &&
				echo "$req $n $test"
		done
	} | sort -u -k2,2n -k3,3 | cut -d' ' -f2-
}

table() { # of the file with "N TEST"
	cat <<-'END'
	# Requirements and the tests that show them

	Written by `tests/requirements.sh -w`; the texts are in `requirements.list`.
	Tests in `long/` are run by `make test-long` only, the others by `make test`.

	| | requirement | shown by |
	|---|---|---|
	END
	awk -F '\t' '
	NR == FNR {
		split($0, pair, " ")
		n = pair[1]
		if (pair[2] !~ /^long\//)
			daily[n] = 1
		if (n in tests)
			pair[2] = tests[n] ", " pair[2]
		tests[n] = pair[2]
		next
	}
	function row() {
		if (number == "")
			return
		if (!(number in tests))
			tests[number] = why ? "nothing: " why : "NOTHING"
		else if (!(number in daily))
			tests[number] = tests[number] " (`make test-long` only)"
		printf "| %s | %s | %s |\n", number, text, tests[number]
	}
	/^[0-9]/ {
		row()
		number = text = $0
		sub(/ .*/, "", number)
		sub(/^[0-9]+ /, "", text)
		why = ""
	}
	$2 ~ /^note: / { text = text ". Note: " substr($2, 7) }
	$2 ~ /^empty: / { why = substr($2, 8) }
	END { row() }
	' "$1" $LIST
}

# ---- checks ---------------------------------------------------------------------
all_listed() {
	sed -n 's/^\([0-9][0-9]*\) .*/\1/p' $LIST | cmp - <(seq $LAST)
}
none_empty() { ! grep 'NOTHING |$' "$work/table"; }
as_written() { diff $TABLE "$work/table"; }

# A row for each REQ of each document, in order.
rfc_rows() {
	sed -n 's/^| \([0-9]* REQ-[0-9]*\) .*/\1/p' $RFCS | uniq |
		cmp - <(seq -f '4787 REQ-%g' 14; seq -f '5382 REQ-%g' 10
			seq -f '5508 REQ-%g' 11)
}
# `DIR/FILE` or `DIR/FILE:FUNCTION` in backquotes.
rfc_tests() {
	local test file bad=0
	for test in $(grep -o '`[a-z]*/[^` ][^` ]*`' $RFCS | tr -d '`'); do
		file=tests/${test%%:*}
		[ -e "$file" ] && [ "${test#*:}" = "$test" ] ||
			grep -qsw "${test#*:}" "$file" || {
			echo "$test: no such test"
			bad=1
		}
	done
	return $bad
}
# Nothing is to be shown of what there is not.
rfc_shown() {
	! awk -F ' *[|] *' '$2 ~ /REQ-/ && $4 !~ /n\/a/ && $6 !~ /`/ {
		print $2 " is marked " $4 " without a test"
	}' $RFCS | grep .
}

n=0 failed=0
ok() { # name command
	n=$((n + 1))
	if "$2" >"$work/said" 2>&1; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$work/said"
		failed=1
	fi
}

for log; do
	[ -r "$log" ] || { echo "requirements.sh: no $log" >&2; exit 2; }
done
shown "$@" >"$work/shown"
table "$work/shown" >"$work/table"
[ -z "$write" ] || cp "$work/table" $TABLE
sed -n 's/^| \([0-9]*\) |.*| \(.*\) |$/# \1: \2/p' "$work/table"
ok "every requirement from 1 to $LAST is in the list" all_listed
ok "each is shown by a test, or why not is explained" none_empty
ok "they are shown as $TABLE says (-w writes it)" as_written
ok "$RFCS has a row for each requirement on NATs" rfc_rows
ok "the tests that it names exist" rfc_tests
ok "what it says that anyport does or does not has a test" rfc_shown
echo "1..$n"
exit $failed
