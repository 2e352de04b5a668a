#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The tests tested: every mutant of mutants.list is built in a copy of the
# sources, and the test named for it must fail there, which passes on the
# sources as they are. MUTANT=TEXT: only those whose name has TEXT.
set -u
cd "$(dirname "$0")/../.." || exit 1
list=$PWD/tests/long/mutants.list
n=0 failed=0
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM

verdict() { # 0|1 name
	n=$((n + 1))
	[ "$1" = 0 ] || failed=1
	[ "$1" = 0 ] && echo "ok $n - $2" || echo "not ok $n - $2"
}

# The programs and TEST, from the copy as it is.
build() { # test
	local goals=(all)
	case $1 in
	build/*) goals+=("$1") ;;
	*) goals+=(tests) ;;
	esac
	make --no-print-directory -j2 CPPFLAGS=-Wno-error "${goals[@]}" >"$copy/log" 2>&1
}

run() { # test
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 300 \
		env ANYPORT_SANDBOX= tests/sandbox.sh "$1" >"$copy/log" 2>&1 </dev/null &&
		! grep -q "^not ok" "$copy/log"
}

# Sources as they are: every test that is to notice something passes.
whole() {
	local test
	sed -n 's|^  \([^ ]*\)$|\1|p' "$list" | sort -u | while read -r test; do
		build "$test" && run "$test" && continue
		tail -n 20 "$copy/log" | sed 's/^/# /'
		echo "$test"
	done >"$copy/broken"
	grep '^#' "$copy/broken"
	[ ! -s "$copy/broken" ]
}

mutate() { # name file sed-script test
	local why=''
	cp "$2" "$copy/original"
	sed -i "$3" "$2"
	if cmp -s "$2" "$copy/original"; then
		why='its edit changes nothing'
	elif ! build "$4"; then
		why='it does not build'
		tail -n 5 "$copy/log" | sed 's/^/# /'
	elif run "$4"; then
		why="$4 does not notice"
	elif ! grep -q '^not ok' "$copy/log"; then
		why="$4 ended without a verdict"
		tail -n 5 "$copy/log" | sed 's/^/# /'
	fi
	if [ -n "$why" ]; then
		verdict 1 "$1: $why"
	else
		verdict 0 "$1: $(grep -m1 '^not ok' "$copy/log" | sed 's/^not ok [0-9]* - //') ($4)"
	fi
	cp "$copy/original" "$2"
}

mkdir "$copy/tree"
cp -a Makefile CHANGES bpf user hook conf tests "$copy/tree"
[ ! -d build ] || cp -a build "$copy/tree"
cd "$copy/tree" || exit 1
whole
verdict $? "sources as they are pass"

name='' file='' script=''
while IFS= read -r line; do
	case $line in
	'mutant '*) name=${line#mutant } ;;
	'  '*': '*) file=${line%%: *} script=${line#*: } file=${file#  } ;;
	'  '*)
		case $name in
		*"${MUTANT:-}"*) mutate "$name" "$file" "$script" "${line#  }" </dev/null ;;
		esac ;;
	esac
done <"$list"
echo "1..$n"
exit $failed
