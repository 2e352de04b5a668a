/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reading a directory from its beginning. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "directory.h"

DIR *directory_entries(int dir)
{
	/* A copy by dup() would share the place that was read up to. */
	int err, fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (!entries && fd >= 0) {
		err = errno;
		close(fd);
		errno = err;
	}
	return entries;
}
