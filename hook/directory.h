/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reading a directory from its beginning. */
#ifndef HOOK_DIRECTORY_H
#define HOOK_DIRECTORY_H

#include <dirent.h>

/* The entries of DIR, which stays the caller's; NULL: errno says why. */
DIR *directory_entries(int dir);

#endif
