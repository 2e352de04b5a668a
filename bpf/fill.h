/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Flows on their way into the tables: which entry gives way, and how much of a
 * table is in use. Writers of a segment take its lock.
 */
#ifndef FILL_H
#define FILL_H

#include "table.h"

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
static __always_inline __u64 bucket_choose(void *bucket, __u32 tick, __u32 idle,
					   __u32 *worth, const int v)
{
	__u64 best = 0;
	__u64 way; /* 64 bits: see place.h */

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
	/* or it compares with 3, of which Linux 6.1 learns no bound, or only
	 * after it has multiplied */
	OPAQUE(way);
	if (way >= place_ways(v))
		way = 0;
	OPAQUE(way);
	return way;
}

/*
 * Puts an established flow where there is room on its way; none: the oldest in
 * its first bucket goes. What is passed over is marked before. Was its first
 * bucket full?
 */
static __always_inline int spot_fill(struct spot *spot,
				     const union flow_key *key,
				     const struct ap_flow *flow, __u32 idle,
				     const int v)
{
	struct segment_head *head = spot->segment;
	__u64 bucket = spot->bucket;
	__u32 worth = 0, i;
	__u64 way = 0;

	bpf_spin_lock(&head->lock);
	NO_UNROLL
	for (i = 0; i <= AP_PROBES; i++) {
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
	return !!i;
}

/*
 * A flow has come. When more than one in five finds its first bucket full, and
 * not by chance, the segments in use are CROWDED.
 */
#define CROWDED_ONE 4
#define CROWDED     256

static __always_inline void spread_note(struct ap_spread *r, int full,
					__u32 tick)
{
	if (!r->shift)
		return;
	if (full)
		r->crowded += CROWDED_ONE;
	else if (r->crowded)
		r->crowded--;
	if (r->crowded < CROWDED)
		return;
	r->since = tick;
	r->from = r->shift;
	barrier();
	r->shift = 0;
	r->crowded = 0;
}

static __always_inline int flows_fill(const struct ap_config *c,
				      const union flow_key *key,
				      const struct ap_flow *flow, const int v)
{
	struct spot spot = spot_of(TABLE(flows, v), flows_segments(c, v),
				   key_hash(key, v));
	int full;

	if (!spot.segment)
		return -1;
	full = spot_fill(&spot, key, flow, c->idle_established, v);
	spread_note(&spread[v == 6], full, flow->seen);
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
	__u32 worth, idle = c->idle_half;
	__u64 way;
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

static __always_inline int flows_enter(const struct ap_config *c,
				       const union flow_key *key,
				       const struct ap_flow *flow, const int v)
{
	return v == 4 ? flows_fill4(key, flow, c->slot)
		      : flows_fill6(key, flow, c->slot);
}

static __always_inline void flows_put(const struct ap_config *c,
				      const union flow_key *key,
				      const struct ap_flow *flow, const int v)
{
	struct ap_flow *there = flows_find(c, key, v);

	if (there)
		*there = *flow;
	else
		flows_enter(c, key, flow, v);
}

/* Moves KEY's flow, if it is where flows were before: all segments are in use.
 */
static __always_inline void flows_settle(const struct ap_config *c,
					 const union flow_key *key, const int v)
{
	struct ap_flow *there, flow;
	__u64 found;

	if (likely(!spread[v == 6].from))
		return;
	found = flows_look(c, key, v);
	if (!(found & FOUND_BEHIND))
		return;
	there = entry_at(TABLE(flows, v), found, v);
	if (!there)
		return;
	flow = *there;
	flows_enter(c, key, &flow, v);
	if (!flow_moved(there, key, v))
		flow_remove(there);
}

static __always_inline int half_put(const struct ap_config *c,
				    const union flow_key *key,
				    const struct ap_flow *flow, const int v)
{
	return v == 4 ? half_fill4(key, flow, c->slot)
		      : half_fill6(key, flow, c->slot);
}

#endif
