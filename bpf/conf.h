/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The configuration in force, as a program reads it once per packet. */
#ifndef CONF_H
#define CONF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"

struct conf {
	const struct ap_config *c;
	__u32 generation;
	__u32 instance; /* which XDP program acts */
};

/* Generation N's; also in a subprogram, which cannot be passed a map value. */
static __always_inline void conf_of(struct conf *conf, __u32 generation)
{
	conf->generation = generation;
	conf->c = &config[generation & 1];
}

/* Before the first load there is one too: without an address. */
static __always_inline void conf_read(struct conf *conf)
{
	union {
		__u64 word;
		struct {
			__u32 generation, instance;
		};
	} both;

	/* one load of 8 bytes: both belong together */
	both.word = *(volatile const __u64 *)&active;
	conf->instance = both.instance;
	conf_of(conf, both.generation);
}

static __always_inline __u64 load64(const void *p)
{
	return *(const __u64 *)p;
}

/*
 * The id of a door address, or -1. The id is returned and not an index: to the
 * verifier it is an unknown byte, so that what follows is verified once and not
 * once for each round of the loop.
 */
static __always_inline int door_id4(const struct ap_config *c, __be32 ip)
{
	NO_UNROLL
	for (__u32 i = 0; i < AP_ADDRS && i < c->n4; i++)
		if (c->addr4[i].ip == ip)
			return c->addr4[i].id;
	return -1;
}

static __always_inline int door_id6(const struct ap_config *c, const void *ip)
{
	__u64 high = load64(ip), low = load64(ip + 8);

	NO_UNROLL
	for (__u32 i = 0; i < AP_ADDRS && i < c->n6; i++)
		if (load64(c->addr6[i].ip + 2) == low &&
		    load64(c->addr6[i].ip) == high)
			return c->addr6[i].id;
	return -1;
}

static __always_inline const struct ap_policy *
policy_of(const struct conf *conf, enum ap_proto proto, __be16 port)
{
	__u32 at = AP_POLICY_INDEX(conf->generation, proto, bpf_ntohs(port));

	return bpf_map_lookup_elem(&policy, &at);
}

/* Is PORT (network byte order) one that a target listens on? */
static __always_inline int is_target(const struct ap_config *c,
				     enum ap_proto proto, __be16 port)
{
	NO_UNROLL
	for (__u32 i = 0; i < AP_TARGETS && i < c->n_target[proto]; i++)
		if (c->target[proto][i] == port)
			return 1;
	return 0;
}

static __always_inline void count(enum ap_counter which)
{
	__u32 at = which;
	__u64 *counter = bpf_map_lookup_elem(&counters, &at);

	if (counter)
		*counter += 1;
}

static __always_inline __u64 now_ns(void)
{
	return bpf_ktime_get_coarse_ns();
}

static __always_inline __u32 tick_of(__u64 ns)
{
	return ns >> AP_TICK_SHIFT;
}

/*
 * The tick, up to 16 jiffies old. Reading a clock is a call, jiffies are a
 * load: the clock is only asked when they have moved on. Both halves of the
 * word are stored at once, and whoever loses a race has stored the same.
 */
static __always_inline int tick_is_known(__u32 *tick)
{
	__u64 clock = *(volatile __u64 *)&active.clock;

	*tick = clock;
	return clock >> 32 == (__u32)(bpf_jiffies64() >> 4);
}

static __always_inline __u32 now_tick(void)
{
	__u32 stamp = bpf_jiffies64() >> 4, tick;

	if (likely(tick_is_known(&tick)))
		return tick;
	tick = tick_of(now_ns());
	*(volatile __u64 *)&active.clock = (__u64)stamp << 32 | tick;
	return tick;
}

#endif
