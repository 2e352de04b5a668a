/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the generator program and who runs it have to agree on. */
#ifndef GEN_H
#define GEN_H

#include <linux/types.h>

/*
 * Element 0 of map `gen`. Frame after frame the next flow's source goes into
 * the template that the test run was given. SUM_L3 and SUM_L4: the one's
 * complement sums of what does not change, as 16-bit words from memory.
 */
struct gen {
	__u32 at;      /* which flow is next, from FIRST on ... */
	__u32 flows;   /* ... and of how many; 0: never the same twice */
	__u32 first;   /* the first flow's source, host byte order */
	__u32 ifindex; /* where frames go */
	__be16 dialled;
	__u16 v6;
	__u32 sum_l3;
	__u32 sum_l4;
};

/* IPv4: the source address; IPv6: its second 32 bits. Host byte order. */
#define GEN_SOURCE(first, n) ((first) + (n))
/* Every source with another port, so that hashes are put to the test. */
#define GEN_PORT(n) (32768 + ((n)*40503U & 0x7fff))

#endif
