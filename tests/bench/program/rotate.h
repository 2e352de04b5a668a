/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What program.c and rotate.bpf.c agree on. */
#ifndef ROTATE_H
#define ROTATE_H

#include <linux/types.h>

enum which { EMPTY, BARE, DOOR, PROGRAMS };

#define BLOCK  512 /* packets; well below a time slice */
#define BLOCKS (PROGRAMS * 1000)

/* Which flow is next, and of how many; 0: never the same twice. */
struct turn {
	__u32 at, flows;
	__u32 count;   /* packets so far */
	__u32 program; /* enum which */
	__u64 since;   /* ns when the block began */
};

#endif
