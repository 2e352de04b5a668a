/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The lock that every change of the state directory is made under. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"
#include "state.h"

static int lock_open(void)
{
	if (mkdir(STATE_DIR, 0755) && errno != EEXIST)
		return -errno;
	int fd = open(STATE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      0600);

	return fd < 0 ? -errno : fd;
}

/* The last unload removes the file: a lock on a removed file locks nothing. */
static bool lock_is_current(int fd)
{
	struct stat ours, named;

	return !fstat(fd, &ours) && !stat(STATE_LOCK, &named) &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static pid_t lock_holder(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return (pid_t)strtol(text, NULL, 10);
}

static void lock_sign(int fd)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", getpid());

	/* Only a message depends on it. */
	if (!ftruncate(fd, 0))
		(void)!pwrite(fd, text, n, 0);
}

int lock_take(int seconds, pid_t *holder)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int tries = seconds * 20;

	*holder = 0;
	for (;;) {
		int fd = lock_open();

		if (fd == -ENOENT && tries-- > 0)
			continue; /* the directory went away again */
		if (fd < 0)
			return fd;
		if (!flock(fd, LOCK_EX | LOCK_NB)) {
			if (lock_is_current(fd)) {
				lock_sign(fd);
				return fd;
			}
			close(fd);
			continue;
		}
		*holder = lock_holder(fd);
		close(fd);
		if (tries-- <= 0)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
}

void lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}

int lock_command(void)
{
	pid_t holder;
	int lock = lock_take(LOCK_SECONDS, &holder);

	if (lock == -EBUSY && holder)
		log_error("process %d has held " STATE_LOCK " for %d s: wait "
			  "for it, or end it, then try again",
			  holder, LOCK_SECONDS);
	else if (lock == -EBUSY)
		log_error("another anyport has held " STATE_LOCK " for %d s: "
			  "wait for it, then try again",
			  LOCK_SECONDS);
	else if (lock < 0)
		log_error("cannot lock " STATE_LOCK ": %s", strerror(-lock));
	return lock;
}
