# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# For tests that kill a program at its system calls. Between two calls that
# change something outside the process every moment is like the next, so dying
# just before each of them, and before the last, is dying anywhere.

# "call n" for each call of the first process of a trace (strace -f -o) that
# may change something that outlives it: the n-th of that name. What is not
# known to be harmless counts as a change.
kill_points() { # trace
	awk '
	# What only reads, and what changes the process itself.
	BEGIN {
		n = split("access arch_prctl bind brk clock_nanosleep " \
			"clone clone3 close close_range connect dup dup2 dup3 " \
			"execve exit_group faccessat faccessat2 fcntl fstat " \
			"fstatfs futex getdents64 getegid geteuid getgid " \
			"getpeername getpid getppid getrandom getsockname " \
			"getsockopt gettid getuid ioctl lseek membarrier mmap " \
			"mprotect mremap munmap nanosleep newfstatat pipe2 " \
			"poll prctl pread64 prlimit64 read readlink " \
			"readlinkat recvfrom recvmsg rseq rt_sigaction " \
			"rt_sigprocmask rt_sigreturn sched_getaffinity " \
			"set_robust_list set_tid_address setfsgid setns " \
			"setpgid setsid setsockopt shutdown socket socketpair " \
			"statfs statx sysinfo umask uname vfork wait4 alarm " \
			"setitimer timer_create timer_settime " \
			"capget capset setresuid setresgid setuid setgid", a, " ")
		for (i in a)
			harmless[a[i]] = 1
	}
	NR == 1 { main = $1 }
	$1 != main || !match($0, /^[0-9]+ +[a-z0-9_]+\(/) { next }
	{
		call = substr($0, 1, RLENGTH - 1)
		sub(/^[0-9]+ +/, "", call)
		seen[call]++
		last = call " " seen[call]
	}
	call in harmless { next }
	# Only an open that makes or empties a file changes one.
	call ~ /^open(at)?$/ && !/O_CREAT|O_TRUNC/ { next }
	# Of bpf, what makes a descriptor goes with the process.
	call == "bpf" && !/\(BPF_(MAP_(UPDATE|DELETE|CREATE)|OBJ_PIN|LINK_|PROG_LOAD)/ { next }
	call ~ /^send/ && /RTM_GET|SOCK_DIAG|CTNETLINK|=NLMSG_/ { next }
	call ~ /^send/ && !/RTM_/ { next }
	# What is said to the terminal.
	call == "write" && /write\([12],/ { next }
	{ print last }
	END { print last }' "$1"
}

# Of those lines N, first of all those at which what was prepared takes effect;
# the rest towards the end. 0: all.
kill_choose() { # n
	awk -v p="$1" '
	!p { print; next }
	/^(send|rename|mount|umount)/ { first[++f] = $0; next }
	{ rest[++r] = $0 }
	END {
		step = p > 1 ? (f - 1) / (p - 1) : 0
		for (i = 0; i < p && f > p; i++)
			print first[1 + int(i * step)]
		for (i = 1; i <= f && f <= p; i++)
			print first[i]
		if (f >= p)
			exit
		step = r > p - f ? r / (p - f) : 1
		for (i = 0; i < p - f && i < r; i++)
			print rest[r - int(i * step)]
	}'
}
