/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which configuration the hook reads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int config_load(const char *path, struct config **out)
{
	char *errors = NULL;
	size_t size;
	FILE *in = fopen(path, "re");
	FILE *to = open_memstream(&errors, &size);
	int err = in ? 0 : -errno;

	if (!to)
		err = -ENOMEM;
	if (err)
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
