/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The directory of members' accounts: can what is in it be believed? */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account_dir.h"

/*
 * Who can write to it gives one member's file to another by renaming it: the
 * file's own owner and mode stay right. The sticky bit is no excuse: of the
 * files that it lets others put there none would be read, or it is a second
 * link to a member's, and a FIFO there keeps that member out.
 */
static bool dir_wrong(int fd, const char *path, uid_t owner,
		      char why[ACCOUNT_WHY])
{
	struct stat st;

	if (fstat(fd, &st))
		(void)snprintf(why, ACCOUNT_WHY, "%s cannot be examined", path);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		(void)snprintf(why, ACCOUNT_WHY,
			       "group or others can write to %s: chmod go-w %s",
			       path, path);
	else if (st.st_uid && st.st_uid != owner)
		(void)snprintf(why, ACCOUNT_WHY,
			       "%s belongs to uid %u: chown root %s", path,
			       st.st_uid, path);
	else
		return false;
	return true;
}

static const char *next_step(int err)
{
	switch (err) {
	case -ENOENT: return "make it, or name another in [hook] users";
	case -ENOTDIR: return "name a directory in [hook] users";
	case -EACCES:
		return "OpenVPN's user must be able to read it (chgrp openvpn, "
		       "chmod g+rx) and to enter those above it";
	default: return "OpenVPN's user must be able to read it";
	}
}

uid_t account_owner(void)
{
	const struct passwd *user = getpwnam("openvpn");

	return user ? user->pw_uid : 0;
}

uid_t account_as_owner(void)
{
	const struct passwd *user = getpwnam("openvpn");

	if (!user)
		return 0;
	if (user->pw_uid && !geteuid()) {
		/* OpenVPN gives the hook no supplementary groups. */
		(void)setgroups(0, NULL);
		(void)setfsgid(user->pw_gid);
		/* And with it go the capabilities to read everything. */
		(void)setfsuid(user->pw_uid);
	}
	return user->pw_uid;
}

int account_dir(const char *path, uid_t owner, char why[ACCOUNT_WHY])
{
	int err, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		err = -errno;
		(void)snprintf(why, ACCOUNT_WHY, "%s: %s: %s", path,
			       strerror(-err), next_step(err));
		return err;
	}
	if (!dir_wrong(fd, path, owner, why))
		return fd;
	close(fd);
	return -EPERM;
}
