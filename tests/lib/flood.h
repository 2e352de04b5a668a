/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the flood's generator tells its program before it loads it. */
#ifndef FLOOD_H
#define FLOOD_H

#include <linux/types.h>

struct flood_plan {
	__u64 seed;
	__u32 ifindex; /* frames leave by it */
	__u32 mixed;   /* also what looks like control packets and data */
	/* one's complement sums, in memory order, of all that does not vary:
	 * the transport's with its pseudo header, for each version of IP */
	__u32 sum4, sum6;
	__u32 ip_sum; /* of the IPv4 header */
	__u32 pad;
};

/* In the template these are zero, and the program fills them in. */
#define FLOOD_SESSION 2 /* offset in OpenVPN's packet: 6 bytes of its 8 */

#endif
