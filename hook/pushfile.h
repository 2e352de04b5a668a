/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The file in which client-connect tells OpenVPN what to push. */
#ifndef HOOK_PUSHFILE_H
#define HOOK_PUSHFILE_H

#include "account.h"
#include "env.h"

/* Opens what OpenVPN named: an existing regular file of the caller's. A
 * descriptor, or -errno. */
int pushfile_open(const char *path);
/* Writes and closes FD whatever happens; on failure the file is empty. */
int pushfile_write(int fd, const struct account *account,
		   const struct env *env);
/* Empties and closes it. */
void pushfile_abandon(int fd);

#endif
