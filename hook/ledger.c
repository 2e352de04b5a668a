/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A member's sessions: one locked file per name, replaced all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger.h"
#include "prefix.h"

#define MODE 0660 /* root makes some of them, OpenVPN's user changes them */

int ledger_dir(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		int err = -errno;

		close(fd);
		return err;
	}
	if (geteuid() == 0)
		setfsgid(st.st_gid);
	return fd;
}

static bool is_regular(int fd, struct stat *st)
{
	return !fstat(fd, st) && S_ISREG(st->st_mode);
}

/* A file that was replaced while we waited for its lock is nobody's. */
static bool still_there(int dir, const char *name, const struct stat *st)
{
	struct stat now;

	return !fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) &&
	       now.st_ino == st->st_ino && now.st_dev == st->st_dev;
}

/* A locked descriptor, or -errno; -EAGAIN when the file was replaced. */
static int open_locked(int dir, const char *name,
		       const struct deadline *deadline)
{
	struct stat st;
	int fd, err;

	fd = openat(dir, name,
		    O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    MODE);
	if (fd < 0)
		return -errno;
	err = is_regular(fd, &st) ? deadline_flock(deadline, fd) : -EBADF;
	if (!err && !still_there(dir, name, &st))
		err = -EAGAIN;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int read_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	if (n < 0)
		return -errno;
	if ((size_t)n == size - 1)
		return -EFBIG;
	text[n] = '\0';
	/* Cut short by a NUL byte it would not parse the same. */
	return strlen(text) == (size_t)n ? 0 : -EINVAL;
}

/* What cannot be read is no reason to keep a member out: start afresh. */
static void load(int fd, struct ledger *out)
{
	char text[LEDGER_SIZE_MAX];
	int err = read_text(fd, text, sizeof(text));

	if (!err)
		err = ledger_parse(text, out);
	if (err) {
		out->n = 0;
		out->damaged = true;
	}
}

static void start(struct ledger *out, int dir, const char *name)
{
	out->dir = dir;
	out->fd = -1;
	out->n = 0;
	out->damaged = false;
	snprintf(out->name, sizeof(out->name), "%s", name);
}

int ledger_open(int dir, const char *name, const struct deadline *deadline,
		struct ledger *out)
{
	char temporary[NAME_MAX_LENGTH + 2];
	int fd;

	start(out, dir, name);
	do {
		fd = open_locked(dir, name, deadline);
	} while (fd == -EAGAIN && deadline_left(deadline));
	if (fd < 0)
		return fd == -EAGAIN ? -ETIMEDOUT : fd;
	out->fd = fd;
	/* Of an event that died while it wrote: whoever has the lock is alone.
	 */
	snprintf(temporary, sizeof(temporary), "%s~", name);
	(void)unlinkat(dir, temporary, 0);
	load(fd, out);
	return 0;
}

int ledger_peek(int dir, const char *name, struct ledger *out)
{
	struct stat st;
	int fd;

	start(out, dir, name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (is_regular(fd, &st))
		load(fd, out);
	else
		out->damaged = true;
	close(fd);
	return 0;
}

/* A new file, locked before anybody can see it; or -errno. */
static int new_file(int dir, const char *name)
{
	int fd, err;

	(void)unlinkat(dir, name, 0);
	fd = openat(dir, name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd < 0)
		return -errno;
	/* OpenVPN's umask is its own affair. */
	if (!fchmod(fd, MODE) && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = -errno;
	close(fd);
	(void)unlinkat(dir, name, 0);
	return err;
}

static int replace(struct ledger *ledger, const char *text, size_t size)
{
	char temporary[NAME_MAX_LENGTH + 2];
	int fd, err = 0;
	ssize_t n;

	snprintf(temporary, sizeof(temporary), "%s~", ledger->name);
	fd = new_file(ledger->dir, temporary);
	if (fd < 0)
		return fd;
	n = write(fd, text, size);
	if (n != (ssize_t)size)
		err = n < 0 ? -errno : -ENOSPC;
	else if (renameat(ledger->dir, temporary, ledger->dir, ledger->name))
		err = -errno;
	if (err) {
		(void)unlinkat(ledger->dir, temporary, 0);
		close(fd);
		return err;
	}
	close(ledger->fd);
	ledger->fd = fd;
	return 0;
}

int ledger_write(struct ledger *ledger)
{
	char text[LEDGER_SIZE_MAX];
	size_t size;

	if (!ledger->n)
		return unlinkat(ledger->dir, ledger->name, 0) && errno != ENOENT
			       ? -errno
			       : 0;
	size = ledger_format(ledger, text, sizeof(text));
	if (size >= sizeof(text) - 1)
		return -EFBIG;
	return replace(ledger, text, size);
}

void ledger_close(struct ledger *ledger)
{
	struct stat st;

	if (ledger->fd < 0)
		return;
	/*
	 * Made by opening it, for the lock: leave no empty file behind. When
	 * ledger_write() has removed it, one of that name is another event's.
	 */
	if (!ledger->n && !fstat(ledger->fd, &st) &&
	    still_there(ledger->dir, ledger->name, &st))
		(void)unlinkat(ledger->dir, ledger->name, 0);
	close(ledger->fd);
	ledger->fd = -1;
}

struct claim *ledger_owner(struct ledger *ledger)
{
	struct claim *owner = NULL;

	for (struct claim *c = ledger->claim; c < ledger->claim + ledger->n;
	     c++)
		if (!c->gone && (!owner || c->seq > owner->seq))
			owner = c;
	return owner;
}

uint64_t ledger_next(const struct ledger *ledger)
{
	uint64_t seq = 0;

	for (size_t i = 0; i < ledger->n; i++)
		if (ledger->claim[i].seq > seq)
			seq = ledger->claim[i].seq;
	return seq + 1;
}

struct claim *ledger_add(struct ledger *ledger)
{
	struct claim *place = ledger->claim;

	if (ledger->n < LEDGER_CLAIMS) {
		place = &ledger->claim[ledger->n++];
	} else {
		for (size_t i = 1; i < ledger->n; i++)
			if (ledger->claim[i].seq < place->seq)
				place = &ledger->claim[i];
	}
	memset(place, 0, sizeof(*place));
	return place;
}

void ledger_remove(struct ledger *ledger, struct claim *claim)
{
	*claim = ledger->claim[--ledger->n];
}

/* Not by address and port: they change when a member roams. */
bool claim_of_session(const struct claim *claim, const struct env *env)
{
	return claim->pid == env->pid &&
	       claim->daemon_start == env->daemon_start &&
	       claim->time_unix == env->time_unix &&
	       !strcmp(claim->instance, env->instance);
}

const struct hook_route *claim_route(const struct claim *claim,
				     const struct ip_prefix *dst)
{
	for (size_t i = 0; i < claim->n_route; i++) {
		const struct ip_prefix *p = &claim->route[i].dst;

		if (p->family == dst->family && p->length == dst->length &&
		    prefix_covers(p, dst))
			return &claim->route[i];
	}
	return NULL;
}
