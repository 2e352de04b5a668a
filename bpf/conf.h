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

/* 0 when there is one; the door is closed to programs before the first load */
static __always_inline int conf_read(struct conf *conf)
{
	union {
		__u64 word;
		struct ap_active active;
	} both;
	__u32 zero = 0, slot;
	const struct ap_active *now = bpf_map_lookup_elem(&active, &zero);

	if (!now)
		return -1;
	/* one load of 8 bytes: both belong together */
	both.word = *(volatile const __u64 *)now;
	conf->generation = both.active.generation;
	conf->instance = both.active.instance;
	slot = conf->generation & 1;
	conf->c = bpf_map_lookup_elem(&config, &slot);
	return conf->c ? 0 : -1;
}

/* The same configuration again, in a subprogram: no map value can be passed. */
static __always_inline int conf_again(struct conf *conf, __u32 generation)
{
	__u32 slot = generation & 1;

	conf->generation = generation;
	conf->c = bpf_map_lookup_elem(&config, &slot);
	return conf->c ? 0 : -1;
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

#endif
