/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The one capability, and what it must not be used for. */
#ifndef HOOK_PRIVILEGE_H
#define HOOK_PRIVILEGE_H

#include <stdbool.h>

/* Makes of whatever process we were started in one to rely on: 0, 1 and 2 are
 * open and nothing else, no write ends it, files are made with their modes. */
void privilege_start(void);
/* Was privilege raised by the file capability? */
bool privilege_raised(void);
/* NULL when routes can be changed, else what to mend. */
const char *privilege_missing(void);
/* For good. */
int privilege_drop(void);

#endif
