#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh full|quick   measures (at most 41 and 8 minutes): tables on stdout,
#                     results.json and, if full, plots in build/bench. quick
#                     fails when something got worse than baseline.json.
# run.sh accept       the last quick run's ratios are the baseline now
# run.sh keep         the last full run's results and plots are those that the
#                     README shows
#
# Each section has a sandbox of its own and a limit in seconds; a section that
# fails is told, and the others go on. What packets cost depends on where in
# memory a door happens to be, by a fifth: every path is made anew
# several times.
set -u
mode=${1:-full}
out=build/bench
here=tests/bench
report=build/tests/bench/report/report
export BENCH_FIGURES=$PWD/$out/figures
trap 'echo "bench: interrupted" >&2; exit 130' INT TERM

sections() { # name, how often, limit of a full run, of a quick one
	cat <<-EOF
	program 1 120 40
	live 3 500 85
	state 1 90 20
	hook 1 120 30
	stall 1 300 65
	openvpn 1 300 65
	EOF
}

# What a section is told: the mode, but how many pairs the hook.
argument() {
	case $1 in
	program) ;;
	hook) echo 200 ;;
	*) echo "$mode" ;;
	esac
}

# In the foreground, or Ctrl-C would not get there.
section() { # name limit
	# shellcheck disable=SC2046
	nice -n -10 tests/sandbox.sh timeout --foreground -k 5 "$2" \
		"$here/$1/run.sh" $(argument "$1") >>"$out/$1.log" 2>&1
}

measure() {
	local name times full quick limit bad failed=0 began
	rm -rf "$out"
	mkdir -p "$out" || return
	: >"$BENCH_FIGURES"
	while read -r name times full quick <&3; do
		limit=$full
		[ "$mode" = full ] || limit=$quick
		printf '%-8s ' "$name" >&2
		began=$SECONDS
		bad=0
		for ((; times > 0; times--)); do
			section "$name" "$limit" || bad=1
		done
		if [ $bad -eq 0 ]; then
			echo "$((SECONDS - began)) s" >&2
		else
			echo "failed after $((SECONDS - began)) s:" >&2
			tail -n 5 "$out/$name.log" | sed 's/^/         /' >&2
			failed=1
		fi
		[ "$name" != program ] ||
			awk -f $here/report/program.awk $out/program.log \
				>>"$BENCH_FIGURES"
	done 3< <(sections)
	return $failed
}

plots() {
	mkdir -p $out/plots &&
	$report plots $out/results.json $out/plots &&
	(cd $out/plots && gnuplot ../../../$here/report/plots.gp)
}

compare() {
	if [ -e $here/baseline.json ]; then
		$report check $out/results.json $here/baseline.json
	else
		echo "There is no baseline yet: make bench-accept."
	fi
}

case $mode in
full | quick)
	measure
	failed=$?
	$report make $out/figures "$mode" $out/results.json || exit
	if [ "$mode" = full ]; then plots; else compare; fi || failed=1
	exit $failed
	;;
accept)
	$report accept $out/results.json $here/baseline.json &&
	echo "$here/baseline.json is new; commit it alone, and say why"
	;;
keep)
	mkdir -p $here/results &&
	cp $out/results.json $out/plots/*.svg $here/results/
	;;
*)
	echo "run.sh full|quick|accept|keep" >&2
	exit 2
	;;
esac
