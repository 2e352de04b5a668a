/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which configuration the hook reads. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "hooklog.h"
#include "privilege.h"

#define CONFIG_DIR  "/etc/anyport"
#define CONFIG_NAME "anyport.conf"

static int choose(const char *file, char path[4096], const char **why)
{
	/* The environment is never asked: it is the caller's. */
	if (privilege_raised() &&
	    (strchr(file, '/') || *file == '.' || !*file)) {
		*why = "-c: with a file capability FILE must be a name below " CONFIG_DIR
		       ", not a path";
		return -EINVAL;
	}
	if (strchr(file, '/'))
		return snprintf(path, 4096, "%s", file) < 4096 ? 0 : -EINVAL;
	return snprintf(path, 4096, CONFIG_DIR "/%s", file) < 4096 ? 0
								   : -EINVAL;
}

int config_option(int argc, char **argv, int *at, char path[4096],
		  const char **why)
{
	*why = "-c: the file's name is missing or too long";
	if (*at >= argc || strcmp(argv[*at], "-c"))
		return choose(CONFIG_NAME, path, why);
	if (*at + 1 >= argc)
		return -EINVAL;
	*at += 2;
	return choose(argv[*at - 1], path, why);
}

/*
 * What the capability may be used for stands in this file: with raised
 * privilege it must be root's alone to write. O_NONBLOCK: for a FIFO.
 */
static int open_config(const char *path, FILE **out)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;
	struct stat st;

	if (!err && privilege_raised() &&
	    (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid ||
	     st.st_mode & (S_IWGRP | S_IWOTH)))
		err = -EPERM;
	if (!err && !(*out = fdopen(fd, "r")))
		err = -ENOMEM;
	if (err && fd >= 0)
		close(fd);
	return err;
}

int config_load(const char *path, struct config **out)
{
	char *errors = NULL;
	size_t size;
	FILE *in = NULL, *to = open_memstream(&errors, &size);
	int err = open_config(path, &in);

	if (!to)
		err = -ENOMEM;
	if (err == -EPERM)
		hooklog_error("%s must be a file that only root can write "
			      "to: chown root %s, chmod go-w %s",
			      path, path, path);
	else if (err)
		hooklog_error("cannot read the configuration %s: %s; OpenVPN's "
			      "user must be able to",
			      path, strerror(-err));
	else
		err = config_parse(in, path, CONFIG_HOOK, to, out);
	if (to)
		fclose(to);
	if (in)
		fclose(in);
	hooklog_lines(errors, 10);
	free(errors);
	return err;
}
