/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Doors of network namespaces that were deleted without unload: nobody is left
 * in there who could take them away.
 */
#ifndef GONE_H
#define GONE_H

#include "pin.h"

/* The first of them; PATHS are its own only with 0. 0, 1: none is, or -errno. */
int gone_find(struct pin_paths *paths);

/* Removes them all, files and pins. Under the lock. 0 or -errno. */
int gone_clean(void);

#endif
