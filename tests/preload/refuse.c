/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * For LD_PRELOAD: a kernel that refuses programs. libbpf loads them by libc's
 * syscall(); those whose names are among REFUSE (blanks between) fail with the
 * number in REFUSE_ERRNO. Each name that was to be loaded is a line of the file
 * REFUSE_LOG.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS 6

typedef long (*call)(long number, ...);

static void note(const char *name)
{
	const char *path = getenv("REFUSE_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			     0600)
		      : -1;

	if (fd < 0)
		return;
	(void)dprintf(fd, "%s\n", name);
	close(fd);
}

static bool is_refused(const char *name)
{
	const char *all = getenv("REFUSE");
	size_t n = strlen(name);

	for (const char *at = all; n && at && (at = strstr(at, name)); at += n)
		if ((at == all || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

static bool refuses_load(const union bpf_attr *attr)
{
	char name[BPF_OBJ_NAME_LEN + 1] = "";
	const char *number = getenv("REFUSE_ERRNO");

	memcpy(name, attr->prog_name, BPF_OBJ_NAME_LEN);
	note(name);
	if (!number || !is_refused(name))
		return false;
	errno = atoi(number);
	return true;
}

long syscall(long number, ...)
{
	static call next;
	long a[ARGUMENTS];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD &&
	    refuses_load((const union bpf_attr *)a[1]))
		return -1;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
