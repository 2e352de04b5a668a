/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A directory for the files of one test program, as a group's fixture. */
#ifndef SCRATCH_H
#define SCRATCH_H

extern char scratch_path[];
extern int scratch; /* its descriptor */

int scratch_make(void **state);
int scratch_remove(void **state);

#endif
