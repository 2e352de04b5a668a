/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Checksums after an edit, by RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). A
 * valid checksum stays valid and a wrong one stays wrong. Pure. All words are
 * as they lie in the packet: the one's complement sum does not care.
 */
#ifndef REWRITE_H
#define REWRITE_H

#include "parse.h"

/* Adds to SUM what replacing OLD by NEW changes. */
static __always_inline __u32 sum_replace(__u32 sum, __u16 old, __u16 new)
{
	return sum + (__u16)~old + new;
}

static __always_inline __u16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* CHECK after the changes that CHANGE has added up. */
static __always_inline __u16 check_apply(__u16 check, __u32 change)
{
	return ~sum_fold((__u16)~check + change);
}

/* The same for UDP, where 0 says that there is none (RFC 768). */
static __always_inline __u16 udp_check_apply(__u16 check, __u32 change)
{
	if (!check)
		return 0;
	check = check_apply(check, change);
	return check ? check : 0xffff;
}

/* What replacing both ports of UDP adds to a sum. */
static __always_inline __u32 ports_change(const struct udphdr *udp,
					  __be16 source, __be16 dest)
{
	return sum_replace(sum_replace(0, udp->source, source), udp->dest,
			   dest);
}

static __always_inline void rewrite_udp(struct udphdr *udp, __be16 source,
					__be16 dest)
{
	udp->check =
		udp_check_apply(udp->check, ports_change(udp, source, dest));
	udp->source = source;
	udp->dest = dest;
}

/*
 * The UDP header that an ICMP error quotes, and the error's own checksum,
 * which covers the quote: the ports and the quoted checksum change under it.
 */
static __always_inline void rewrite_quoted(__u16 *icmp_check,
					   struct udphdr *udp, __be16 source,
					   __be16 dest)
{
	__u32 change = ports_change(udp, source, dest);
	__u16 check = udp_check_apply(udp->check, change);

	change = sum_replace(change, udp->check, check);
	*icmp_check = check_apply(*icmp_check, change);
	udp->check = check;
	udp->source = source;
	udp->dest = dest;
}

#endif
