/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Runs another program, without a shell and for a bounded time. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds ARGV[0] in the system's own directories, whatever PATH says, and runs
 * it for at most MS milliseconds. What it prints is stored in *OUT with a NUL
 * at its end, to be freed. 0; -ENOENT: no such program; -ETIMEDOUT; -EFBIG;
 * -EPERM: it ended with an error and we are not root; -EIO: with an error.
 */
int child_read(const char *const argv[], int ms, char **out);

bool child_exists(const char *program);

#endif
