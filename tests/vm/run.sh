#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# run.sh [-c COMMAND] [KERNEL ...] [-- TEST ...]: boots Debian's stock kernels
# (6.1 unless named) one after the other under software emulation, with this
# host's root file system read-only below a layer in memory, and runs the
# tests (or the shell's COMMAND) there. A test that is skipped there and not
# listed in expected-skips has failed, and so has a kernel that complained.
#
# One emulated processor, whose clock counts instructions, one to the
# nanosecond: however slow or busy this host is, the guest takes itself for a
# machine of ordinary speed, and no time limit in it runs out early. While it
# is idle its clock follows the host's.
# Where there are several tests, as many machines share them as VM_JOBS says (the
# host's processors, unless memory is short).
# Environment: TEST_TIMEOUT (the guest's seconds for one test), VM_TIMEOUT
# (seconds for a kernel), VM_MEMORY (MiB), V=1, TEST_PASSED (lib/passed.sh).
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/passed.sh
here=tests/vm command='' kernels=() children=() qemu='' work=''

usage() {
	echo "usage: run.sh [-c COMMAND] [KERNEL ...] [-- TEST ...]" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--) shift; break ;;
	-c) [ $# -ge 2 ] || usage; command=$2; shift 2 ;;
	-*) usage ;;
	*) kernels+=("$1"); shift ;;
	esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=(6.1)
[ -n "$command" ] || [ $# -gt 0 ] || usage

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	local child
	for child in "${children[@]}"; do
		kill "$child" 2>/dev/null && wait "$child"
	done
	if [ -n "$qemu" ]; then
		kill -KILL "$qemu"
		wait "$qemu"
	fi 2>/dev/null
	[ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What the guest runs: the same sandbox and runner as on the host, with fewer
# rounds where all of them would take minutes.
job() {
	echo "export PORT_STEP=${PORT_STEP:-41} KILL_POINTS=${KILL_POINTS:-2}"
	echo "export TEST_TIMEOUT=${TEST_TIMEOUT:-600} V=${V:-} TEST_JOBS=1 LAB_PATIENCE=2"
	if [ -n "$command" ]; then
		echo "$command"
	else
		printf '%q ' tests/sandbox.sh tests/run "$@"
		echo
	fi
}

# Two network cards on one wire are there for tests of a real driver. Without
# erms the kernel clears and copies pages by eight bytes, not by one, an
# instruction each under emulation; and a program that always has the same
# addresses is translated once (27 s, not 62, for a test's second run).
start() {
	local dir=$1 nic=() i
	for i in 0 1; do
		nic+=(-netdev "hubport,id=n$i,hubid=0"
			-device "virtio-net-pci,netdev=n$i,mac=52:54:00:61:70:0$i")
	done
	qemu-system-x86_64 -nodefaults -no-user-config -no-reboot \
		-display none -machine q35 -accel tcg,thread=single \
		-icount shift=0 -cpu max,la57=off,erms=off,fsrm=off -smp 1 \
		-m "${VM_MEMORY:-3072}" \
		-kernel "$dir/vmlinuz" -initrd "$dir/initrd" \
		-append "console=ttyS0 loglevel=5 mitigations=off norandmaps panic=-1 top=$PWD tree=$dir/tree" \
		-serial "file:$work/console" -serial "file:$work/output" \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=out,path=$work/shared,security_model=none" \
		-device virtio-9p-pci,fsdev=out,mount_tag=out "${nic[@]}" \
		</dev/null >"$work/qemu" 2>&1 &
	qemu=$!
}

# Every skip in OUTPUT must have its line: kernel, test, text in the reason.
unexpected() {
	awk -v kernel="$1" '
	NR == FNR {
		if (NF && $1 !~ /^#/ && $1 == kernel) {
			test[++n] = $2
			sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "")
			why[n] = $0
		}
		next
	}
	/^(ok|FAIL) / { current = $2 }
	/^ +(\| )?ok [0-9]+.*# *SKIP/ {
		for (i = 1; i <= n; i++)
			if (test[i] == current && index($0, why[i]))
				next
		sub(/^[ |]+/, "")
		print "not expected on " kernel ": " current ": " $0
	}' $here/expected-skips "$2"
}

# What a kernel says when something in it broke.
complaints() {
	grep -aE 'WARNING: |BUG: |Oops|general protection|Kernel panic|UBSAN' \
		"$1" | grep -av 'soft lockup'
}

verdict() {
	local kernel=$1 status
	status=$(cat "$work/shared/status" 2>/dev/null)
	if [ -z "$status" ]; then
		echo "kernel $kernel: ended early; its last words:"
		tail -n 20 "$work/qemu" "$work/console"
		return 1
	fi
	if complaints "$work/console"; then
		echo "kernel $kernel: complained (above)"
		status=1
	fi
	if unexpected "$kernel" "$work/output" | grep .; then
		status=1
	fi
	return "$status"
}

run() {
	local kernel=$1 dir=build/vm/$1 rc start=$SECONDS name
	shift
	name="vm $kernel $(cksum <<<"$command $*")"
	passed "$name" && return
	work=$(mktemp -d "$dir/run.XXXXXX") && mkdir "$work/shared" || return 1
	job "$@" >"$work/shared/job"
	touch "$work/console" "$work/output"
	echo "kernel $(cat "$dir/release"): booting under emulation"
	start "$dir"
	# In the background: a trap runs during "wait", but not during a command.
	timeout "${VM_TIMEOUT:-7200}" \
		tail --pid=$qemu -s 0.5 -n +1 -f "$work/output" &
	wait $! ||
		echo "kernel $kernel: ran out of its ${VM_TIMEOUT:-7200} s"
	kill -KILL "$qemu" 2>/dev/null
	wait "$qemu" 2>/dev/null
	qemu=''
	verdict "$kernel"
	rc=$?
	[ $rc != 0 ] || passed_keep "$name" <"$work/output"
	cp "$work/console" "$work/output" "$dir/"
	rm -rf "$work"
	work=
	echo "kernel $kernel: exit status $rc after $((SECONDS - start)) s"
	return $rc
}

# How many machines at once: each wants a processor and its memory.
machines() { # tests
	local n=${VM_JOBS:-$(nproc)} room
	room=$(awk -v each="${VM_MEMORY:-3072}" '/^MemAvailable/ {
		print int($2 / 1024 / (each * 1.25)) }' /proc/meminfo)
	[ "$n" -le "$room" ] || n=$room
	[ "$n" -le "$1" ] || n=$1
	[ "$n" -ge 1 ] || n=1
	echo "$n"
}

# Every Nth test to each of N machines, each run by a script of its own.
shared() { # machines kernel test ...
	local n=$1 kernel=$2 i rc=0 list test
	shift 2
	for ((i = 0; i < n; i++)); do
		list=()
		for ((test = i + 1; test <= $#; test += n)); do
			list+=("${!test}")
		done
		VM_JOBS=1 $here/run.sh "$kernel" -- "${list[@]}" &
		children+=($!)
	done
	for i in "${children[@]}"; do
		wait "$i" || rc=1
	done
	children=()
	return $rc
}

fetched() {
	$here/kernel.sh "$1" "build/vm/$1" && $here/openvpn.sh build/vm/openvpn
}

bad=0
for k in "${kernels[@]}"; do
	n=$(machines $#)
	if ! fetched "$k"; then
		bad=1
	elif [ "$n" -gt 1 ]; then
		shared "$n" "$k" "$@" || bad=1
	else
		run "$k" "$@" || bad=1
	fi
done
exit $bad
