/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the flood's generator tells its program before it loads it. */
#ifndef FLOOD_H
#define FLOOD_H

#include <linux/types.h>

/* All frames are this long, the shorter ones padded; a multiple of 8. */
#define FLOOD_FRAME 120

/* Offset in OpenVPN's packet of what varies of the session id's 8 bytes. */
#define FLOOD_SESSION 2

/* What the program keeps. */
struct flood_state {
	__u64 made; /* frames */
	__u64 random;
};

struct flood_plan {
	/* As sent, but for what the program fills in, which is zero. */
	__u64 frame[2][FLOOD_FRAME / 8];
	/*
	 * One's complement sums, in memory order, of all that does not vary:
	 * the transport's with its pseudo header, and IPv4's header.
	 */
	__u32 sum[2], ip_sum[2];
	__u64 seed;
	__u32 frames;  /* 1 or 2, in turns */
	__u32 ifindex; /* they leave by it */
	__u32 mixed;   /* also what looks like control packets and data */
	__u32 pad;
};

#endif
