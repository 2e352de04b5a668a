/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A common name: the only part of a path that a member chooses. */
#ifndef HOOK_NAME_H
#define HOOK_NAME_H

#include <stdbool.h>

#define NAME_MAX_LENGTH 64

/* NULL when NAME can be an account's, else why not. */
const char *name_wrong(const char *name);
/* The same rule for an instance's name. */
const char *instance_wrong(const char *name);
/* A network device of any sort: nothing that would forge a line of the log. */
const char *device_wrong(const char *name);
/* One that a shell takes as it is, too. */
bool device_plain(const char *name);

/* NAME fit for a log line: what is not plain text becomes '?'. */
#define NAME_SHOWN 96
const char *name_shown(const char *name, char out[NAME_SHOWN]);

#endif
