/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The limiter: who may send OpenVPN a packet that belongs to no established
 * flow. All members share one socket buffer, so a flood of first packets would
 * starve those who are already on.
 *
 * A bucket is one number: the time until which its budget is spent. A packet
 * moves it on by the budget's cost in ns; what lies more than `burst` in the
 * future is refused. No refill, no second field, nothing to sweep.
 *
 * - More than half of the budget left: everybody is let in.
 * - Less: only who has not used up its prefix's bucket, so that one prefix
 *   cannot take what the others need.
 * - None: only prefixes that lately had an established flow, from a reserve
 *   that nobody else can touch, and of which each gets its own share only.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "conf.h"
#include "hash.h"

/* An hour, in ticks: a member who comes back within it is known. */
#define KNOWN_TICKS 3353

/*
 * Two processors may both see the same time and one of them be let in too
 * much: a bucket is allowed to be that wrong, and a lock would cost more.
 */
static __always_inline int bucket_take(__u64 *until, __u64 cost, __u64 burst,
				       __u64 now)
{
	__u64 t = *(volatile __u64 *)until;

	if (t < now) {
		*(volatile __u64 *)until = now + cost;
		return 1;
	}
	if (t - now + cost > burst)
		return 0;
	__sync_fetch_and_add(until, cost);
	return 1;
}

/*
 * Of a /32, or of the /64 whose first 8 bytes PREFIX is. Its lower bits name a
 * bucket, which others share; the upper half is the tag that tells who was
 * meant.
 */
static __always_inline __u64 prefix_hash(__u64 prefix)
{
	struct sip s;

	sip_start(&s, secret.hash);
	sip_word(&s, prefix);
	return sip_end(&s, 8);
}

static __always_inline struct ap_prefix *prefix_of(__u64 hash)
{
	__u32 at = hash & (AP_PREFIXES - 1);

	return bpf_map_lookup_elem(&prefixes, &at);
}

static __always_inline __u64 *known_word(__u64 hash, __u64 *bit)
{
	__u32 at = hash & (AP_PREFIXES - 1);

	*bit = 1ULL << (at & 63);
	at >>= 6;
	return bpf_map_lookup_elem(&known, &at);
}

/* Unless anybody in the same bucket has ever been, PREFIX is not either. */
static __always_inline int maybe_known(__u64 hash)
{
	__u64 bit, *word = known_word(hash, &bit);

	return word && *word & bit;
}

/* Called when a flow of PREFIX is established, and while it is in use. */
static __always_inline void prefix_known(const struct ap_config *c,
					 __u64 prefix, __u32 tick)
{
	__u64 bit, hash = prefix_hash(prefix), *word = known_word(hash, &bit);
	struct ap_prefix *p = prefix_of(hash);

	if (!p || !word)
		return;
	p->tag = hash >> 32;
	p->known = tick | 1; /* 0 means never */
	if (!(*word & bit))
		__sync_fetch_and_or(word, bit);
}

/* The tag keeps a flood from other sources out that share the bucket. */
static __always_inline int prefix_is_known(const struct ap_prefix *p, __u32 tag,
					   __u64 now)
{
	return p->known && p->tag == tag &&
	       (__s32)(tick_of(now) - p->known) <= KNOWN_TICKS;
}

/* May a packet of CLASS (enum ap_class) from PREFIX go to OpenVPN? */
static __always_inline int limit_admits(const struct ap_config *c, __u32 class,
					__u64 prefix)
{
	const struct ap_budget *budget;
	struct ap_bucket *bucket;
	struct ap_prefix *p;
	int left, was_on;
	__u32 at = class; /* its address goes to a helper; class's must not */
	__u64 spent, now, hash;

	if (class >= AP_CLASSES)
		return 1;
	budget = &c->budget[class];
	bucket = bpf_map_lookup_elem(&budgets, &at);
	if (!budget->cost || !bucket)
		return 1;
	now = now_ns();
	spent = bucket->all;
	if (spent < now + budget->burst / 2)
		return bucket_take(&bucket->all, budget->cost, budget->burst,
				   now);
	hash = prefix_hash(prefix);
	/* nothing is left but the reserve: here a flood ends */
	left = spent - now + budget->cost <= budget->burst;
	if (!left && !maybe_known(hash))
		return 0;
	p = prefix_of(hash);
	if (!p)
		return 0;
	/* a flood from others in the same bucket must not use its share up */
	was_on = prefix_is_known(p, hash >> 32, now);
	if (!left && !was_on)
		return 0;
	if (!bucket_take(&p->taken[class], budget->prefix, budget->burst, now))
		return 0;
	if (bucket_take(&bucket->all, budget->cost, budget->burst, now))
		return 1;
	return was_on && bucket_take(&bucket->reserve, budget->reserve,
				     budget->burst, now);
}

#endif
