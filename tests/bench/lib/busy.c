/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Time of one core, by the scheduler's own account. */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "busy.h"

#define PRIORITY (-10)

void busy_pin(void)
{
	long last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(last, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "cannot stay on processor %ld", last);
	if (setpriority(PRIO_PROCESS, 0, PRIORITY))
		err(1, "priority");
}

/* Of schedstat's numbers the second is what we waited for the core. */
static double waited_ns(void)
{
	static int fd = -1;
	char text[96], *wait;
	ssize_t n;

	if (fd < 0)
		fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		err(1, "/proc/thread-self/schedstat");
	text[n] = '\0';
	(void)strtoull(text, &wait, 10);
	return (double)strtoull(wait, NULL, 10);
}

double busy_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec - waited_ns();
}
