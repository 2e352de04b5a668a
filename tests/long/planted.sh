#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The fuzzers tested: each fault of planted.list is built into a copy of the
# sources, and the fuzzer named for it has to find it within TIME seconds (60),
# from the seeds that are kept. PLANT=TEXT: only those whose line has TEXT.
set -u
cd "$(dirname "$0")/../.." || exit 1
list=$PWD/tests/long/planted.list
export TIME=${TIME:-60}
n=0 failed=0
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM

verdict() { # 0|1 name
	n=$((n + 1))
	[ "$1" = 0 ] || failed=1
	[ "$1" = 0 ] && echo "ok $n - $2" || echo "not ok $n - $2"
}

build() { # fuzzer
	make --no-print-directory fuzzers "FUZZ=build/fuzz/tests/fuzz/$1" >"$copy/log" 2>&1
}

plant() { # fuzzer what file sed-script evidence
	local why='' begun
	cp "$3" "$copy/original"
	sed -i "$4" "$3"
	if cmp -s "$3" "$copy/original"; then
		why='its edit changes nothing'
	elif ! build "$1"; then
		why='it does not build'
	else
		begun=$SECONDS
		if tests/fuzz/run.sh "$1" >"$copy/log" 2>&1; then
			why="not found in $TIME s"
		elif ! grep -q -- "$5" "$copy/log"; then
			why="something else was found"
		fi
	fi
	if [ -n "$why" ]; then
		tail -n 60 "$copy/log" | sed 's/^/# /'
		verdict 1 "$1: $2: $why"
	else
		verdict 0 "$1: $2: found in $((SECONDS - begun)) s"
	fi
	cp "$copy/original" "$3"
}

mkdir "$copy/tree"
cp -a Makefile CHANGES bpf user hook tests "$copy/tree"
[ ! -d build/fuzz ] || { mkdir "$copy/tree/build"; cp -a build/fuzz "$copy/tree/build"; }
cd "$copy/tree" || exit 1
rm -rf build/fuzz/corpus

while IFS= read -r line; do
	case $line in
	'plant '*) fuzzer=${line#plant } what=${fuzzer#*: } fuzzer=${fuzzer%%: *} ;;
	'  '*': '*) file=${line%%: *} script=${line#*: } file=${file#  } ;;
	'  '*)
		case "$fuzzer: $what" in
		*"${PLANT:-}"*) plant "$fuzzer" "$what" "$file" "$script" "${line#  }" </dev/null ;;
		esac ;;
	esac
done <"$list"
if [ -z "${PLANT:-}" ]; then
	[ $n = "$(grep -c '^plant ' "$list")" ]
	verdict $? "each line of the list was a fault"
fi
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	grep -q "^plant $name: " "$list"
	verdict $? "$name has something to find"
done
echo "1..$n"
exit $failed
