/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Runs another program, without a shell and for a bounded time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

#define OUTPUT_MAX (64U << 20)

static int find_program(const char *name, char path[64])
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin",
					    "/bin", "/usr/local/sbin" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (snprintf(path, 64, "%s/%s", dirs[i], name) < 64 &&
		    !access(path, X_OK))
			return 0;
	return -ENOENT;
}

static int start(const char *const argv[], int out, pid_t *pid)
{
	static const char *const env[] = { "LC_ALL=C",
					   "PATH=/usr/sbin:/usr/bin", NULL };
	posix_spawn_file_actions_t files;
	char path[64];
	int err = find_program(argv[0], path);

	if (err)
		return err;
	err = posix_spawn_file_actions_init(&files);
	if (err)
		return -err;
	err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY,
					       0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!err)
		err = posix_spawn_file_actions_addopen(&files, 2, "/dev/null",
						       O_WRONLY, 0);
	if (!err)
		err = posix_spawn(pid, path, &files, NULL, (char **)argv,
				  (char **)env);
	(void)posix_spawn_file_actions_destroy(&files);
	return -err;
}

static long long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int grow(char **out, size_t *size)
{
	size_t more = *size ? 2 * *size : 65536;
	char *buffer;

	if (more > OUTPUT_MAX)
		return -EFBIG;
	buffer = realloc(*out, more);
	if (!buffer)
		return -ENOMEM;
	*out = buffer;
	*size = more;
	return 0;
}

/* 0 when there is something to read, or the end of it. */
static int wait_for(int fd, long long until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		long long left = until - now_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n > 0)
			return 0;
		if (!n)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int read_all(int fd, long long until, char **out)
{
	size_t size = 0, n = 0;

	for (;;) {
		int err = n + 1 < size ? 0 : grow(out, &size);
		ssize_t got;

		err = err ?: wait_for(fd, until);
		if (err)
			return err;
		got = read(fd, *out + n, size - n - 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		(*out)[n += got > 0 ? (size_t)got : 0] = '\0';
		if (!got)
			return 0;
	}
}

/*
 * Its output has ended, or is not wanted: so may it. One that goes on without
 * output is ended too.
 */
static int reap(pid_t pid, int err, long long until, int *status)
{
	int ended = pidfd_open(pid, 0);

	if (!err && ended < 0)
		err = -errno;
	err = err ?: wait_for(ended, until);
	if (err)
		(void)kill(pid, SIGKILL);
	if (ended >= 0)
		(void)close(ended);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return err;
}

int child_read(const char *const argv[], int ms, char **out)
{
	long long until = now_ms() + ms;
	int pipes[2], err, status = 0;
	pid_t pid = -1;

	*out = NULL;
	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	err = start(argv, pipes[1], &pid);
	(void)close(pipes[1]);
	if (!err) {
		err = read_all(pipes[0], until, out);
		err = reap(pid, err, until, &status);
	}
	(void)close(pipes[0]);
	if (!err && status)
		err = geteuid() ? -EPERM : -EIO;
	if (err) {
		free(*out);
		*out = NULL;
	}
	return err;
}

bool child_exists(const char *program)
{
	char path[64];

	return !find_program(program, path);
}
