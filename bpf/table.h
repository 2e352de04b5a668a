/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The tables of flows, as anyport.h and place.h lay them out. Looking up takes
 * no call and no lock: an entry's key is stored last and taken away first, and
 * whoever acts on more than the key looks at the key again. Writers of a
 * segment take its lock.
 *
 * V is 4 or 6 and always a constant: each family has its code and tables.
 */
#ifndef TABLE_H
#define TABLE_H

#include "conf.h"
#include "place.h"

union flow_key {
	struct ap_key4 k4;
	struct ap_key6 k6;
	__u64 align; /* read by the word */
};

/* Both kinds of segment begin like this. */
struct segment_head {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 passed;
};

#define TABLE(name, v) ((v) == 4 ? (void *)&name##4 : (void *)&name##6)
/* Of an entry, and of its key, which the flow follows. */
#define ENTRY_SIZE(v) \
	((v) == 4 ? sizeof(struct ap_entry4) : sizeof(struct ap_entry6))
#define SEGMENTS_OF(c, name, v) ((v) == 4 ? (c)->name##4 : (c)->name##6)
#define SEGMENT_SIZE(v) \
	((v) == 4 ? sizeof(struct ap_segment4) : sizeof(struct ap_segment6))
#define BUCKETS_AT(v)                                    \
	((v) == 4 ? offsetof(struct ap_segment4, bucket) \
		  : offsetof(struct ap_segment6, bucket))
#define KEY_SIZE(v) ((v) == 4 ? sizeof(struct ap_key4) : sizeof(struct ap_key6))

struct spot {
	void *segment;
	__u32 at; /* number of the segment */
	__u64 bucket, stride;
};

static __always_inline void key_make(union flow_key *key, const void *member,
				     __be16 port, __be16 target, const int v)
{
	if (v == 4) {
		key->k4.addr = *(const __be32 *)member;
		key->k4.port = port;
		key->k4.target = target;
	} else {
		__builtin_memcpy(key->k6.addr, member, 16);
		key->k6.port = port;
		key->k6.target = target;
	}
}

static __always_inline __u32 load32(const void *p)
{
	return *(const __u32 *)p;
}

static __always_inline __u32 key_hash(const union flow_key *key, const int v)
{
	struct place_key k = {};

	if (v == 4) {
		k.rest = load64(&key->k4);
	} else {
		k.high = load64(key->k6.addr);
		k.low = load64(key->k6.addr + 2);
		k.rest = load32(&key->k6.port);
	}
	return place_hash(secret.place, &k, v);
}

/* Where KEY's flow would be, in a table of SEGMENTS; spot.segment may be NULL.
 */
static __always_inline struct spot spot_of(void *table, __u32 segments,
					   __u32 hash)
{
	struct place place = place_of(hash, segments);
	struct spot spot = {
		.segment = bpf_map_lookup_elem(table, &place.segment),
		.at = place.segment,
		.bucket = place.bucket,
		.stride = place.stride,
	};

	return spot;
}

static __always_inline void *bucket_at(void *segment, __u64 bucket, const int v)
{
	if (bucket >= AP_BUCKETS)
		bucket = 0;
	if (v == 4)
		return &((struct ap_segment4 *)segment)->bucket[bucket];
	return &((struct ap_segment6 *)segment)->bucket[bucket];
}

static __always_inline int entry_is(const void *entry,
				    const union flow_key *key, const int v)
{
	if (v == 4)
		return load64(entry) == load64(&key->k4);
	return load32(entry + 16) == load32(&key->k6.port) &&
	       load64(entry + 8) == load64(key->k6.addr + 2) &&
	       load64(entry) == load64(key->k6.addr);
}

static __always_inline struct ap_flow *
bucket_find(void *bucket, const union flow_key *key, const int v)
{
	UNROLL
	for (__u32 i = 0; i < place_ways(v); i++) {
		void *entry = bucket + i * ENTRY_SIZE(v);

		if (entry_is(entry, key, v))
			return entry + KEY_SIZE(v);
	}
	return (void *)0;
}

/*
 * Where an entry is, in a number: the functions below are global, so that the
 * verifier goes through each once, and those return no pointers. Bit 63: found.
 */
#define FOUND                        (1ULL << 63)
#define FOUND_HALF                   (1ULL << 62)
#define ENTRY_FOUND(segment, offset) (FOUND | (__u64)(segment) << 16 | (offset))

static __always_inline __u64 bucket_seek(void *segment, __u64 bucket,
					 const union flow_key *key, const int v)
{
	void *at = bucket_at(segment, bucket, v);
	struct ap_flow *flow = bucket_find(at, key, v);

	return flow ? ENTRY_FOUND(0, (void *)flow - segment - BUCKETS_AT(v))
		    : 0;
}

static __always_inline __u64 flows_seek(const struct ap_config *c,
					const union flow_key *key, const int v)
{
	struct spot spot = spot_of(TABLE(flows, v), SEGMENTS_OF(c, flows, v),
				   key_hash(key, v));
	const struct segment_head *head = spot.segment;

	if (!head)
		return 0;
	NO_UNROLL
	for (__u32 i = 0; i < AP_PROBES; i++) {
		__u64 found;

		if (spot.bucket >= AP_BUCKETS) /* never: for the verifier */
			break;
		found = bucket_seek(spot.segment, spot.bucket, key, v);
		if (found)
			return found | (__u64)spot.at << 16;
		if (likely(!(head->passed >> spot.bucket & 1)))
			return 0;
		spot.bucket = place_next(spot.bucket, spot.stride);
	}
	return 0;
}

static __always_inline __u64 half_seek(const struct ap_config *c,
				       const union flow_key *key, const int v)
{
	struct spot spot = spot_of(TABLE(half, v), SEGMENTS_OF(c, half, v),
				   key_hash(key, v));
	__u64 found;

	if (!spot.segment)
		return 0;
	found = bucket_seek(spot.segment, spot.bucket, key, v);
	return found ? found | (__u64)spot.at << 16 : 0;
}

__noinline __u64 flows_seek4(const union flow_key *key, __u32 slot)
{
	return key ? flows_seek(&config[slot & 1], key, 4) : 0;
}

__noinline __u64 flows_seek6(const union flow_key *key, __u32 slot)
{
	return key ? flows_seek(&config[slot & 1], key, 6) : 0;
}

__noinline __u64 half_seek4(const union flow_key *key, __u32 slot)
{
	return key ? half_seek(&config[slot & 1], key, 4) : 0;
}

__noinline __u64 half_seek6(const union flow_key *key, __u32 slot)
{
	return key ? half_seek(&config[slot & 1], key, 6) : 0;
}

/* For a reply: established or half-open, or promoted between the two? */
static __always_inline __u64 reply_seek(const struct ap_config *c,
					const union flow_key *key, const int v)
{
	__u64 found = flows_seek(c, key, v);

	if (found)
		return found;
	found = half_seek(c, key, v);
	return found ? found | FOUND_HALF : flows_seek(c, key, v);
}

__noinline __u64 reply_seek4(const union flow_key *key, __u32 slot)
{
	return key ? reply_seek(&config[slot & 1], key, 4) : 0;
}

__noinline __u64 reply_seek6(const union flow_key *key, __u32 slot)
{
	return key ? reply_seek(&config[slot & 1], key, 6) : 0;
}

static __always_inline struct ap_flow *entry_at(void *table, __u64 found,
						const int v)
{
	__u32 segment = found >> 16 & 0x3fffffff, offset = found & 0xffff;
	void *at;

	if (!(found & FOUND))
		return (void *)0;
	at = bpf_map_lookup_elem(table, &segment);
	if (!at ||
	    offset > SEGMENT_SIZE(v) - BUCKETS_AT(v) - sizeof(struct ap_flow))
		return (void *)0;
	return at + BUCKETS_AT(v) + offset;
}

static __always_inline struct ap_flow *
flows_find(const struct ap_config *c, const union flow_key *key, const int v)
{
	return entry_at(TABLE(flows, v),
			v == 4 ? flows_seek4(key, c->slot)
			       : flows_seek6(key, c->slot),
			v);
}

static __always_inline struct ap_flow *
half_find(const struct ap_config *c, const union flow_key *key, const int v)
{
	return entry_at(TABLE(half, v),
			v == 4 ? half_seek4(key, c->slot)
			       : half_seek6(key, c->slot),
			v);
}

/* The flow that a reply belongs to. */
static __always_inline struct ap_flow *
reply_find(const struct ap_config *c, const union flow_key *key, const int v)
{
	__u64 found =
		v == 4 ? reply_seek4(key, c->slot) : reply_seek6(key, c->slot);

	return entry_at(found & FOUND_HALF ? TABLE(half, v) : TABLE(flows, v),
			found, v);
}

/* Ports and target are the last of a key; no target is 0. */
static __always_inline volatile __u32 *ports_of(struct ap_flow *flow)
{
	return (void *)flow - sizeof(__u32);
}

static __always_inline __be16 flow_target(struct ap_flow *flow)
{
	return *(volatile __be16 *)((void *)flow - sizeof(__be16));
}

static __always_inline void flow_remove(struct ap_flow *flow)
{
	*ports_of(flow) = 0;
}

/* Has the entry become another flow's since it was found? */
static __always_inline int flow_moved(struct ap_flow *flow,
				      const union flow_key *key, const int v)
{
	barrier();
	return !entry_is((void *)flow - KEY_SIZE(v), key, v);
}

/* Under the segment's lock. */
static __always_inline void entry_write(void *entry, const union flow_key *key,
					const struct ap_flow *flow, const int v)
{
	struct ap_flow *to = entry + KEY_SIZE(v);

	flow_remove(to);
	barrier();
	if (v == 4)
		*(__be32 *)entry = key->k4.addr;
	else
		__builtin_memcpy(entry, key->k6.addr, 16);
	*to = *flow;
	barrier();
	*ports_of(to) = v == 4 ? load32(&key->k4.port) : load32(&key->k6.port);
}

static __always_inline int flow_alive(const struct ap_flow *flow, __u32 tick,
				      __u32 idle)
{
	return (__s32)(tick - flow->seen) <= (__s32)idle;
}

static __always_inline int flow_equal(const struct ap_flow *a,
				      const struct ap_flow *b)
{
	return load32(&a->real) == load32(&b->real) && a->door == b->door;
}

/* Bits of what an entry is worth less than others; the rest is its age. */
#define WORTH_EMPTY  (1U << 31)
#define WORTH_OVER   (1U << 30) /* its time is */
#define WORTH_UNSURE (1U << 29) /* nothing is proven of its address */

/* X, when it is negative 1 (shifted down), else 0: no branches, see below. */
#define SIGN(x) ((__u32)(x) >> 31)

/*
 * How well an entry may be given away: nothing there, over its time, not
 * verified, verified; in each the oldest first. Without a branch, and so is
 * bucket_choose(): the verifier would go through every way to combine them.
 */
static __always_inline __u32 entry_worth(struct ap_flow *flow, __u32 tick,
					 __u32 idle)
{
	__u32 target = flow_target(flow), age = tick - flow->seen;
	__u32 valid = (__u32)~age >> 31;

	OPAQUE(valid);
	age *= valid; /* not from the other processor's next tick */
	return SIGN(target - 1) << 31 | SIGN(idle - age) << 30 |
	       SIGN((__u32)flow->state - 1) << 29 | age >> 2;
}

/* The way of BUCKET that is best given away, and what it is WORTH. */
static __always_inline __u32 bucket_choose(void *bucket, __u32 tick, __u32 idle,
					   __u32 *worth, const int v)
{
	__u64 best = 0;
	__u32 way;

	UNROLL
	for (__u32 i = 0; i < place_ways(v); i++) {
		void *flow = bucket + i * ENTRY_SIZE(v) + KEY_SIZE(v);
		__u64 this = (__u64)entry_worth(flow, tick, idle) << 2 | i;
		__u64 behind = this - best, worse = behind >> 63;

		OPAQUE(worse);
		best += behind * (worse ^ 1);
	}
	*worth = best >> 2;
	way = best & 3;
	/* or it compares with 3, of which Linux 6.1 learns no bound */
	OPAQUE(way);
	return way < place_ways(v) ? way : 0;
}

/*
 * Puts an established flow where there is room on its way; none: the oldest in
 * its first bucket goes. What is passed over is marked before.
 */
static __always_inline void spot_fill(struct spot *spot,
				      const union flow_key *key,
				      const struct ap_flow *flow, __u32 idle,
				      const int v)
{
	struct segment_head *head = spot->segment;
	__u64 bucket = spot->bucket;
	__u32 way = 0, worth = 0;

	bpf_spin_lock(&head->lock);
	NO_UNROLL
	for (__u32 i = 0; i <= AP_PROBES; i++) {
		if (i == AP_PROBES) /* full */
			bucket = spot->bucket;
		if (bucket >= AP_BUCKETS) /* never: for the verifier */
			break;
		way = bucket_choose(bucket_at(head, bucket, v), flow->seen,
				    idle, &worth, v);
		if (worth >= WORTH_OVER || i == AP_PROBES)
			break;
		head->passed |= 1ULL << bucket;
		bucket = place_next(bucket, spot->stride);
	}
	entry_write(bucket_at(head, bucket, v) + way * ENTRY_SIZE(v), key, flow,
		    v);
	bpf_spin_unlock(&head->lock);
}

static __always_inline int flows_fill(const struct ap_config *c,
				      const union flow_key *key,
				      const struct ap_flow *flow, const int v)
{
	struct spot spot = spot_of(TABLE(flows, v), SEGMENTS_OF(c, flows, v),
				   key_hash(key, v));

	if (!spot.segment)
		return -1;
	spot_fill(&spot, key, flow, c->idle_established, v);
	return 0;
}

/*
 * Puts a half-open flow into its bucket, where the one that is worth least goes
 * for it. 0 when it is there, also when it had been; otherwise the key is
 * another live flow's.
 */
static __always_inline int half_fill(const struct ap_config *c,
				     const union flow_key *key,
				     const struct ap_flow *flow, const int v)
{
	struct spot spot = spot_of(TABLE(half, v), SEGMENTS_OF(c, half, v),
				   key_hash(key, v));
	struct segment_head *head = spot.segment;
	__u32 worth, way, idle = c->idle_half;
	struct ap_flow *there;
	void *bucket;
	int taken = 0;

	if (!head)
		return -1;
	bucket = bucket_at(head, spot.bucket, v);
	bpf_spin_lock(&head->lock);
	there = bucket_find(bucket, key, v);
	if (there && flow_alive(there, flow->seen, idle)) {
		taken = !flow_equal(there, flow);
	} else {
		if (there)
			flow_remove(there);
		way = bucket_choose(bucket, flow->seen, idle, &worth, v);
		entry_write(bucket + way * ENTRY_SIZE(v), key, flow, v);
	}
	bpf_spin_unlock(&head->lock);
	return taken ? -1 : 0;
}

__noinline int flows_fill4(const union flow_key *key,
			   const struct ap_flow *flow, __u32 slot)
{
	return key && flow ? flows_fill(&config[slot & 1], key, flow, 4) : -1;
}

__noinline int flows_fill6(const union flow_key *key,
			   const struct ap_flow *flow, __u32 slot)
{
	return key && flow ? flows_fill(&config[slot & 1], key, flow, 6) : -1;
}

__noinline int half_fill4(const union flow_key *key, const struct ap_flow *flow,
			  __u32 slot)
{
	return key && flow ? half_fill(&config[slot & 1], key, flow, 4) : -1;
}

__noinline int half_fill6(const union flow_key *key, const struct ap_flow *flow,
			  __u32 slot)
{
	return key && flow ? half_fill(&config[slot & 1], key, flow, 6) : -1;
}

static __always_inline void flows_put(const struct ap_config *c,
				      const union flow_key *key,
				      const struct ap_flow *flow, const int v)
{
	struct ap_flow *there = flows_find(c, key, v);

	if (there)
		*there = *flow;
	else if (v == 4)
		flows_fill4(key, flow, c->slot);
	else
		flows_fill6(key, flow, c->slot);
}

static __always_inline int half_put(const struct ap_config *c,
				    const union flow_key *key,
				    const struct ap_flow *flow, const int v)
{
	return v == 4 ? half_fill4(key, flow, c->slot)
		      : half_fill6(key, flow, c->slot);
}

#endif
