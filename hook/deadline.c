/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The event's time budget: OpenVPN serves nobody while a hook runs. */
#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "deadline.h"

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void deadline_start(struct deadline *deadline)
{
	deadline->start = now();
	deadline_set(deadline, 2000);
}

void deadline_set(struct deadline *deadline, uint32_t ms)
{
	deadline->end = deadline->start + ms * 1000000LL;
}

int deadline_left(const struct deadline *deadline)
{
	int64_t left = deadline->end - now();

	return left <= 0 ? 0 : (left + 999999) / 1000000;
}

int64_t deadline_spent(const struct deadline *deadline)
{
	return (now() - deadline->start) / 1000;
}

int deadline_sleep(const struct deadline *deadline, int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	if (deadline_left(deadline) <= ms)
		return -ETIMEDOUT;
	(void)nanosleep(&t, NULL);
	return 0;
}

int deadline_pause(const struct deadline *deadline, unsigned int try)
{
	return deadline_sleep(deadline, try < 10 ? 1 : 5);
}

/*
 * Polled: an alarm signal would have to be told apart from OpenVPN's, and a
 * blocking flock() has no time limit of its own.
 */
int deadline_flock(const struct deadline *deadline, int fd)
{
	for (unsigned int try = 0;; try++) {
		int err;

		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		err = deadline_pause(deadline, try);
		if (err)
			return err;
	}
}
