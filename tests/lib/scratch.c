/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A directory for the files of one test program, as a group's fixture. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "scratch.h"

char scratch_path[] = "/tmp/anyport-test.XXXXXX";
int scratch = -1;

int scratch_make(void **state)
{
	(void)state;
	if (!mkdtemp(scratch_path))
		return -1;
	scratch = open(scratch_path, O_RDONLY | O_DIRECTORY);
	return scratch < 0;
}

int scratch_remove(void **state)
{
	char command[100];

	(void)state;
	close(scratch);
	snprintf(command, sizeof(command), "rm -rf %s", scratch_path);
	return system(command);
}
