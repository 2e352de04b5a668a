/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which files can be a member's account, asked of the opened descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "account.h"
#include "prefix.h"

/*
 * O_NONBLOCK: a FIFO must not make OpenVPN wait. The descriptor is checked,
 * not the name, so that nothing can change in between.
 */
static int open_beneath(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			 O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool file_wrong(int dir, int fd, struct account_report *report)
{
	unsigned int before = report->n;
	struct stat st, parent;

	if (fstat(fd, &st) || fstat(dir, &parent)) {
		account_error(report, 0, "cannot be examined");
		return true;
	}
	if (!S_ISREG(st.st_mode))
		account_error(report, 0, "is not a regular file");
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		account_error(report, 0,
			      "group or others can write to it: "
			      "chmod go-w %s",
			      report->file);
	else if (st.st_uid && st.st_uid != parent.st_uid)
		account_error(report, 0, "belongs to uid %u: chown root %s",
			      st.st_uid, report->file);
	else if (st.st_size > ACCOUNT_SIZE_MAX)
		account_error(report, 0, "has more than %d bytes",
			      ACCOUNT_SIZE_MAX);
	return report->n != before;
}

static int read_all(int fd, char *text, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, text + done, size - done);

		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

static int read_opened(int dir, int fd, struct account_report *report,
		       struct account *out)
{
	char text[ACCOUNT_SIZE_MAX + 1];
	int n;

	if (file_wrong(dir, fd, report))
		return -EINVAL;
	n = read_all(fd, text, sizeof(text));
	if (n < 0)
		return n;
	if (n > ACCOUNT_SIZE_MAX) {
		account_error(report, 0, "has more than %d bytes",
			      ACCOUNT_SIZE_MAX);
		return -EINVAL;
	}
	return account_parse(text, n, report, out);
}

int account_read(int dir, const char *name, struct account_report *report,
		 struct account *out)
{
	int fd = open_beneath(dir, name);
	int err;

	if (fd == -ELOOP) {
		account_error(report, 0,
			      "is a symbolic link: put the file "
			      "itself there");
		return -EINVAL;
	}
	/* A socket; a device without a driver. */
	if (fd == -ENXIO || fd == -ENODEV) {
		account_error(report, 0, "is not a regular file");
		return -EINVAL;
	}
	if (fd < 0)
		return fd;
	err = read_opened(dir, fd, report, out);
	close(fd);
	return err;
}

static void in_ranges(const struct ip_prefix *prefix, unsigned int line,
		      const struct hook_config *config,
		      struct account_report *report)
{
	char text[64];

	if (!prefix->family || prefix_in_ranges(prefix, config))
		return;
	account_error(report, line,
		      "%s/%u is outside the ranges of the "
		      "configuration ([hook] range = ...)",
		      prefix_address(prefix, text), prefix->length);
}

int account_in_ranges(const struct account *account,
		      const struct hook_config *config,
		      struct account_report *report)
{
	unsigned int before = report->n;

	in_ranges(&account->ip4, account->line4, config, report);
	in_ranges(&account->ip6, account->line6, config, report);
	for (size_t i = 0; i < account->n_prefix; i++)
		in_ranges(&account->prefix[i], account->line[i], config,
			  report);
	return report->n == before ? 0 : -EINVAL;
}
