/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The flow table: find, create, promote.
 *
 * A flow sits under the member's own port unless another flow holds that slot;
 * then under one of four alias ports, which a keyed hash of the flow names.
 * There is no table of aliases: the candidates are tried in order, so an entry
 * that was lost comes back under the very same port and OpenVPN sees the same
 * peer.
 */
#ifndef FLOW_H
#define FLOW_H

#include "fill.h"
#include "hash.h"

#define CANDIDATES 5 /* the member's own port, then 4 aliases */

/* A flow to look for: what the wire says, and the key that is being tried. */
struct seek {
	union flow_key key;
	__be16 real;
	__be16 dialled;
	__be32 door_ip[4]; /* set by seek_hashable(); IPv4 in [0] */
	__u64 aliases;     /* four candidate ports, 16 bits of hash each */
	__u32 tick;
	__u8 door;
	__u8 hashed; /* `aliases` has been computed */
	__u8 pad[2];
};

static __always_inline __be16 seek_port(const struct seek *seek, const int v)
{
	return v == 4 ? seek->key.k4.port : seek->key.k6.port;
}

static __always_inline void seek_at(struct seek *seek, __be16 port, const int v)
{
	if (v == 4)
		seek->key.k4.port = port;
	else
		seek->key.k6.port = port;
}

static __always_inline void seek_hashable(struct seek *seek,
					  const void *door_ip, const int v)
{
	if (v == 4)
		seek->door_ip[0] = *(const __be32 *)door_ip;
	else
		__builtin_memcpy(seek->door_ip, door_ip, 16);
}

/*
 * The door's address is hashed and not its id: an id may name another address
 * after a reboot, and the alias must be the same.
 */
static __always_inline void seek_hash(struct seek *seek, const int v)
{
	struct sip s;
	__u64 ports = (__u64)seek->real << 16 | seek->dialled;

	if (seek->hashed)
		return;
	sip_start(&s, secret.hash);
	if (v == 4) {
		sip_word(&s, (__u64)seek->key.k4.addr << 32 | seek->door_ip[0]);
		sip_word(&s, ports);
		seek->aliases = sip_end(&s, 16);
	} else {
		const __be32 *m = seek->key.k6.addr, *d = seek->door_ip;

		sip_word(&s, (__u64)m[0] << 32 | m[1]);
		sip_word(&s, (__u64)m[2] << 32 | m[3]);
		sip_word(&s, (__u64)d[0] << 32 | d[1]);
		sip_word(&s, (__u64)d[2] << 32 | d[3]);
		sip_word(&s, ports);
		seek->aliases = sip_end(&s, 40);
	}
	seek->hashed = 1;
}

/* Candidate I of a hashed seek; privileged ports would look odd in logs. */
static __always_inline __be16 seek_candidate(const struct seek *seek, __u32 i)
{
	__u32 port;

	if (!i)
		return seek->real;
	port = (seek->aliases >> ((i - 1) * 16)) & 0xffff;
	return bpf_htons(1024 + port % (65536 - 1024));
}

static __always_inline int flow_is(const struct ap_flow *flow,
				   const struct seek *seek)
{
	return flow->dialled == seek->dialled && flow->real == seek->real &&
	       flow->door == seek->door;
}

/* The bit of `aliased` for the member of SEEK. */
static __always_inline __u64 *aliased_word(const struct seek *seek,
					   __u64 *bit, const int v)
{
	__u64 x = v == 4 ? seek->key.k4.addr
			 : load64(seek->key.k6.addr) ^
				   load64(seek->key.k6.addr + 2);
	__u32 at;

	x = (x ^ secret.place[0]) * 0x9e3779b97f4a7c15ULL;
	*bit = 1ULL << (x >> 58);
	at = x >> 48 & (AP_ALIASED_WORDS - 1);
	return bpf_map_lookup_elem(&aliased, &at);
}

static __always_inline int maybe_aliased(const struct seek *seek, const int v)
{
	__u64 bit, *word = aliased_word(seek, &bit, v);

	return word && *word & bit;
}

static __always_inline void set_aliased(const struct seek *seek, const int v)
{
	__u64 bit, *word = aliased_word(seek, &bit, v);

	if (word && !(*word & bit))
		__sync_fetch_and_or(word, bit);
}

/*
 * The live flow of SEEK among those that are ESTABLISHED or half-open, trying
 * the candidates from FIRST on; the key of SEEK is where it was found. NULL
 * leaves the key undefined.
 */
static __always_inline struct ap_flow *
flow_find(const int established, struct seek *seek, const struct ap_config *c,
	  __u32 first, __u32 last, const int v)
{
	__u32 idle = established ? c->idle_established : c->idle_half;

	NO_UNROLL
	for (__u32 i = first; i < last; i++) {
		struct ap_flow *flow;

		seek_at(seek, seek_candidate(seek, i), v);
		flow = established ? flows_find(c, &seek->key, v)
				   : half_find(c, &seek->key, v);
		if (flow && flow_is(flow, seek) &&
		    flow_alive(flow, seek->tick, idle))
			return flow;
	}
	return (void *)0;
}
/*
 * Does a live established flow hold SEEK's key? One that is over its time is
 * removed: replies are looked up there first.
 */
static __always_inline int slot_established(const struct seek *seek,
					    const struct ap_config *c,
					    const int v)
{
	struct ap_flow *flow = flows_find(c, &seek->key, v);

	if (!flow)
		return 0;
	if (flow_alive(flow, seek->tick, c->idle_established))
		return 1;
	flow_remove(flow);
	return 0;
}
/*
 * Puts a new half-open flow at SEEK's key. 0 when it is there. Two processors
 * may do so at once, and the egress program may promote meanwhile: it is undone
 * if the slot has become an established flow's.
 */
static __always_inline int slot_fill(struct seek *seek,
				     const struct ap_config *c, const int v)
{
	struct ap_flow *now, flow = {
		.dialled = seek->dialled,
		.real = seek->real,
		.door = seek->door,
		.state = AP_NEW,
		.seen = seek->tick,
	};

	if (half_put(c, &seek->key, &flow, v))
		return -1;
	now = flows_find(c, &seek->key, v);
	if (likely(!now || flow_is(now, seek)))
		return 0;
	now = half_find(c, &seek->key, v);
	if (now && flow_is(now, seek))
		flow_remove(now);
	return -1;
}
enum created { CREATED, CREATED_ALIAS, CREATED_TAKEOVER, NOT_CREATED };

/* All candidates are held: the oldest that is not established gives way. */
static __always_inline enum created
flow_take_over(struct seek *seek, const struct ap_config *c, const int v)
{
	__u32 best = CANDIDATES, most = 0;
	struct ap_flow *flow;

	NO_UNROLL
	for (__u32 i = 0; i < CANDIDATES; i++) {
		__u32 worth = WORTH_EMPTY;

		seek_at(seek, seek_candidate(seek, i), v);
		if (slot_established(seek, c, v))
			continue;
		flow = half_find(c, &seek->key, v);
		if (flow)
			worth = entry_worth(flow, seek->tick, c->idle_half);
		if (best == CANDIDATES || worth > most) {
			best = i;
			most = worth;
		}
	}
	if (best == CANDIDATES)
		return NOT_CREATED;
	seek_at(seek, seek_candidate(seek, best), v);
	flow = half_find(c, &seek->key, v);
	if (flow)
		flow_remove(flow);
	return slot_fill(seek, c, v) ? NOT_CREATED : CREATED_TAKEOVER;
}

/* Makes the half-open flow of SEEK; its key is where. */
static __always_inline enum created
flow_create(struct seek *seek, const struct ap_config *c, const int v)
{
	NO_UNROLL
	for (__u32 i = 0; i < CANDIDATES; i++) {
		if (i == 1) /* the hash is only paid for on a collision */
			seek_hash(seek, v);
		seek_at(seek, seek_candidate(seek, i), v);
		if (slot_established(seek, c, v) || slot_fill(seek, c, v))
			continue;
		if (!i)
			return CREATED;
		set_aliased(seek, v);
		return CREATED_ALIAS;
	}
	set_aliased(seek, v);
	return flow_take_over(seek, c, v);
}

#endif
