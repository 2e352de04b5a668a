/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The tables of flows, as anyport.h and place.h lay them out. Looking up takes
 * no call and no lock: an entry's key is stored last and taken away first, and
 * whoever acts on more than the key looks at the key again. How flows get in is
 * in fill.h.
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
#define FOUND_BEHIND                 (1ULL << 62) /* to be moved */
#define ENTRY_FOUND(segment, offset) (FOUND | (__u64)(segment) << 16 | (offset))

static __always_inline __u64 bucket_seek(void *segment, __u64 bucket,
					 const union flow_key *key, const int v)
{
	void *at = bucket_at(segment, bucket, v);
	struct ap_flow *flow = bucket_find(at, key, v);

	return flow ? ENTRY_FOUND(0, (void *)flow - segment - BUCKETS_AT(v))
		    : 0;
}

/* How many segments of FLOWS are in use. */
static __always_inline __u32 flows_segments(const struct ap_config *c,
					    const int v)
{
	return SEGMENTS_OF(c, flows, v) >> (spread[v == 6].shift & 31);
}

static __always_inline __u64 spot_seek(const struct spot *spot,
				       const union flow_key *key, const int v)
{
	const struct segment_head *head = spot->segment;
	__u64 bucket = spot->bucket;

	if (!head)
		return 0;
	NO_UNROLL
	for (__u32 i = 0; i < AP_PROBES; i++) {
		__u64 found;

		if (bucket >= AP_BUCKETS) /* never: for the verifier */
			break;
		found = bucket_seek(spot->segment, bucket, key, v);
		if (found)
			return found | (__u64)spot->at << 16;
		if (likely(!(head->passed >> bucket & 1)))
			return 0;
		bucket = place_next(bucket, spot->stride);
	}
	return 0;
}

/* May flows still be where they were before all segments were in use? */
static __always_inline int spread_behind(const struct ap_config *c,
					 struct ap_spread *r, __u32 tick)
{
	if (likely(!r->from))
		return 0;
	if ((__s32)(tick - r->since) <= (__s32)c->idle_established + 1)
		return 1;
	r->from = 0;
	return 0;
}

/* In SLOT: where flows were before. */
#define BEHIND 2

static __always_inline __u64 flows_seek(const union flow_key *key, __u32 slot,
					const int v)
{
	const struct ap_config *c = &config[slot & 1];
	struct ap_spread *s = &spread[v == 6];
	__u32 shift = s->shift;
	__u32 tick = 0;
	struct spot spot;
	__u64 found;

	if (slot & BEHIND) {
		tick = now_tick(); /* what a reload leaves is 0 */
		if (!spread_behind(c, s, tick))
			return 0;
		shift = s->from;
	}
	spot = spot_of(TABLE(flows, v),
		       SEGMENTS_OF(c, flows, v) >> (shift & 31),
		       key_hash(key, v));
	found = spot_seek(&spot, key, v);
	if (found && slot & BEHIND) {
		s->since = tick;
		found |= FOUND_BEHIND;
	}
	return found;
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
	return key ? flows_seek(key, slot, 4) : 0;
}

__noinline __u64 flows_seek6(const union flow_key *key, __u32 slot)
{
	return key ? flows_seek(key, slot, 6) : 0;
}

__noinline __u64 half_seek4(const union flow_key *key, __u32 slot)
{
	return key ? half_seek(&config[slot & 1], key, 4) : 0;
}

__noinline __u64 half_seek6(const union flow_key *key, __u32 slot)
{
	return key ? half_seek(&config[slot & 1], key, 6) : 0;
}

/* The last one: what was behind may have been moved meanwhile. */
static __always_inline __u64 flows_look(const struct ap_config *c,
					const union flow_key *key, const int v)
{
	__u32 slot = c->slot;
	__u64 found = v == 4 ? flows_seek4(key, slot) : flows_seek6(key, slot);

	if (likely(found || !spread[v == 6].from))
		return found;
	found = v == 4 ? flows_seek4(key, slot | BEHIND)
		       : flows_seek6(key, slot | BEHIND);
	if (found)
		return found;
	return v == 4 ? flows_seek4(key, slot) : flows_seek6(key, slot);
}

static __always_inline __u64 half_look(const struct ap_config *c,
				       const union flow_key *key, const int v)
{
	return v == 4 ? half_seek4(key, c->slot) : half_seek6(key, c->slot);
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
	return entry_at(TABLE(flows, v), flows_look(c, key, v), v);
}

static __always_inline struct ap_flow *
half_find(const struct ap_config *c, const union flow_key *key, const int v)
{
	return entry_at(TABLE(half, v), half_look(c, key, v), v);
}

/* The flow that a reply belongs to: promoted between the two look-ups? */
static __always_inline struct ap_flow *
reply_find(const struct ap_config *c, const union flow_key *key, const int v)
{
	struct ap_flow *flow = flows_find(c, key, v);

	if (likely(flow))
		return flow;
	flow = half_find(c, key, v);
	return flow ?: flows_find(c, key, v);
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

#endif
