#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [NAME ...]: runs the fuzzers built by "make fuzzers" (all of them), each
# for TIME seconds (default 10), from the seeds in tests/fuzz/corpus/NAME and from
# what earlier runs found, and prints how much of the sources that it is for each
# has reached. SEED=N repeats a run's choices; an input that fails is kept in
# build/fuzz: build/fuzz/tests/fuzz/NAME FILE repeats it (prog: in sandbox.sh).
set -u
cd "$(dirname "$0")/../.." || exit 1
time=${TIME:-10} seed=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
dir=build/fuzz
n=0 failed=0 shown=
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# What each fuzzer is for, and the part of its lines that it reaches at least, in
# percent: the seeds alone do.
sources() { # name
	case $1 in
	account) echo 75 hook/{account,pushfile}.c ;;
	config) echo 85 user/config{,_check,_keys,_list,_ports,_set}.c user/{policy,value}.c ;;
	door) echo "$(sources prog)" bpf/peer.bpf.c ;; # has no test runs
	prog) echo 85 bpf/{xdp,tc,lookup}.bpf.c bpf/{conf,decide,fill,flow,hash,hook,hot,icmp,limit,local,ovpn,parse,place,rewrite,steer,table,tcp,udp}.h ;;
	env) echo 75 hook/{config_file,env,ledger_text,name,script,status_file}.c ;;
	parse) echo 85 bpf/{ovpn,parse}.h ;;
	esac
}

requirements() { # name
	case $1 in
	env) echo 37 ;;
	prog) echo 3 4 9 20 ;;
	esac
}

# Those of door are stories for prog as well; long runs take what door found.
seeds() { # name
	local list=("$dir/corpus/$1" "tests/fuzz/corpus/$1")
	[ "$1" != prog ] || list=("$dir/corpus/prog" tests/fuzz/corpus/door)
	[ "$1" != prog ] || [ "$time" -lt 60 ] || list+=("$dir/corpus/door")
	echo "${list[@]}"
}

# A line for each source, then one with all; fails when there is too little.
coverage() { # name least source ...
	local name=$1 least=$2 profile=$dir/$1.profile
	shift 2
	llvm-profdata merge -o "$profile" "$profile.raw" &&
		llvm-cov report "$dir/tests/fuzz/$name" \
			-instr-profile="$profile" "$@" 2>/dev/null |
		awk -v least="$least" '
		$8 ~ /^[0-9]+$/ {
			printf "# %-16s %7s of lines, %7s of branches\n", $1, $10, $13
			all = $10
		}
		END { exit all + 0 < least }'
}

fuzz() { # name
	local list what run=()
	mkdir -p "$dir/corpus/$1" "$dir/corpus/door"
	# shellcheck disable=SC2207 # words
	list=($(seeds "$1")) what=($(sources "$1"))
	# the programs in the kernel need a namespace for their sockets
	[ "$1" != prog ] || run=(env ANYPORT_SANDBOX= tests/sandbox.sh)
	if ! LLVM_PROFILE_FILE=$dir/$1.profile.raw "${run[@]}" \
		"$dir/tests/fuzz/$1" -max_total_time="$time" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 -seed="$seed" \
		-artifact_prefix="$dir/$1-" "${list[@]}" >"$log" 2>&1; then
		tail -n 80 "$log" | sed 's/^/# /'
		echo "not ok $n - $1, seed $seed"
		failed=1
	elif ! coverage "$1" "${what[@]}"; then
		echo "not ok $n - $1 reaches less than ${what[0]} % of its sources"
		failed=1
	else
		echo "ok $n - $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $time s, seed $seed"
		shown="$shown$(requirements "$1") "
	fi
}

# shellcheck disable=SC2046 # words
[ $# -gt 0 ] || set -- $(basename -s .c tests/fuzz/*.c)
for name; do
	n=$((n + 1))
	if [ "$name" = prog ] && [ "$(id -u)" != 0 ]; then
		echo "ok $n - prog # SKIP loading programs needs root"
	else
		fuzz "$name"
	fi
done
[ -z "${shown// /}" ] || printf 'req %s\n' $shown
echo "1..$n"
exit $failed
