/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Where in its table a flow is. Pure: the programs and the commands must agree.
 *
 * Keyed, so that nobody can aim at another's bucket, and cheap, because every
 * packet pays for it. It need not be more: who fills a bucket of half-open
 * flows pays the limiter for each, and established ones take a TLS handshake.
 */
#ifndef PLACE_H
#define PLACE_H

#include "anyport.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* What X is stays unknown to the compiler, which makes branches of arithmetic
 * that it recognizes, and the verifier takes both sides of every branch. */
#define OPAQUE(x) asm volatile("" : "+r"(x))

struct place {
	__u32 segment;
	__u64 bucket; /* 64 bits: the verifier loses bounds in conversions */
	__u64 stride; /* buckets to the next that is tried */
};

/* What distinguishes flows of a family, before it is mixed. */
struct place_key {
	__u64 high, low; /* the IPv6 address */
	__u64 rest; /* IPv4: all of the key; IPv6: port and target, as they lie
		     */
};

#define PLACE_ODD 0x9fb21c651e98df25ULL /* odd, and many bits set */

/*
 * Multiplying by the secret would do for random keys. But members behind one
 * address have ports in a row, and others have the same port at addresses in a
 * row: many secrets turn those into few and crowded buckets. What comes before
 * tears them apart.
 */
static __always_inline __u32 place_hash(const __u64 secret[2],
					const struct place_key *key,
					const int v)
{
	__u64 x = key->rest ^ secret[0];

	if (v == 6) {
		x = (x ^ key->high) * PLACE_ODD;
		x ^= x >> 32;
		x ^= key->low;
	}
	x ^= x >> 29;
	x *= PLACE_ODD;
	x ^= x >> 32;
	return x * (secret[1] | 1) >> 32;
}

/* Each part takes the bits that the one before has left. SEGMENTS: how many. */
static __always_inline struct place place_of(__u32 hash, __u32 segments)
{
	__u64 segment = (__u64)hash * segments;
	__u64 bucket = (segment & 0xffffffff) * AP_BUCKETS;
	__u64 stride = (bucket & 0xffffffff) * (AP_BUCKETS - 1);
	struct place place = {
		.segment = segment >> 32,
		.bucket = bucket >> 32,
		.stride = 1 + (stride >> 32),
	};

	return place;
}

static __always_inline __u64 place_next(__u64 bucket, __u64 stride)
{
	__u64 beyond = bucket + stride - AP_BUCKETS, negative = beyond >> 63;

	OPAQUE(negative);
	return beyond + AP_BUCKETS * negative;
}

static __always_inline __u32 place_ways(const int v)
{
	return v == 4 ? AP_WAYS4 : AP_WAYS6;
}

/*
 * Segments of a table for ENTRIES flows. Established flows get half as much
 * again: as long as they are no more than ENTRIES, there is a place for each
 * among the AP_PROBES buckets where it is looked for.
 */
static __always_inline __u32 place_segments(__u32 entries, int spare,
					    const int v)
{
	__u64 room = spare ? entries + (__u64)entries / 2 : entries;
	__u64 one = AP_BUCKETS * place_ways(v);

	return (room + one - 1) / one;
}

/* The shift that a table of SEGMENTS begins with; see struct ap_spread. */
static __always_inline __u32 place_shift(__u32 segments)
{
	__u32 shift = 0;

	while (segments >> shift > AP_FEW)
		shift++;
	return shift;
}

#endif
