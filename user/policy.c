/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* From the configuration to what the programs read: policy and limits. */
#include <arpa/inet.h>
#include <string.h>

#include "config.h"
#include "place.h"

#define NS 1000000000ULL

/*
 * The coarse clock that the programs read steps by up to 10 ms, so a budget
 * must allow well more than one step at once; and a burst must fit into the
 * buffer of OpenVPN's socket: with the default of 208 KiB, about 280 small
 * packets, that is 250 ms of a thousand packets a second.
 */
#define BURST (250 * 1000000ULL)

static void set_port(struct ap_policy *policy, uint8_t flags, uint8_t target,
		     uint16_t port)
{
	*policy = (struct ap_policy){ .flags = flags,
				      .target = target,
				      .port = htons(port) };
}

static uint8_t target_index(const uint16_t *target, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (target[i] == port)
			return (uint8_t)i;
	return 0; /* config_check.c has refused more than AP_TARGETS */
}

/* Each step overrides the one before: target, claim, map, pass, own ports. */
void policy_build(const struct config *config, enum ap_proto proto,
		  struct ap_policy *table, struct ap_config *kernel)
{
	const struct proto_config *c = &config->proto[proto];
	uint16_t target[AP_TARGETS];
	size_t n = config_targets(config, proto, target);

	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		set_port(&table[port],
			 port_in(&c->claim, (uint16_t)port) ? AP_CLAIM : 0, 0,
			 c->target);
	for (size_t i = 0; i < c->n_map; i++) {
		const struct port_map *m = &c->map[i];

		set_port(&table[m->dialled], table[m->dialled].flags,
			 target_index(target, n, m->target), m->target);
	}
	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		if (!port || port_in(&c->pass, (uint16_t)port))
			table[port].flags = AP_PASS;
	memset(kernel->target[proto], 0, sizeof(kernel->target[proto]));
	for (size_t i = 0; i < n; i++) {
		set_port(&table[target[i]], AP_OWN, (uint8_t)i, target[i]);
		kernel->target[proto][i] = htons(target[i]);
	}
	kernel->n_target[proto] = (uint32_t)n;
}

/* Rounded up, so that an entry never lives less than it was promised. */
static uint32_t ticks(uint32_t seconds)
{
	return (uint32_t)((seconds * NS + (1ULL << AP_TICK_SHIFT) - 1) >>
			  AP_TICK_SHIFT);
}

/* What one packet takes of PERCENT of BUDGET; rounded up: never above it. */
static uint64_t cost(uint32_t budget, uint32_t percent)
{
	uint64_t share = (uint64_t)budget * percent;

	return (100 * NS + share - 1) / share;
}

static struct ap_budget budget(const struct limits_config *l, uint32_t rate)
{
	if (!rate)
		return (struct ap_budget){ 0 };
	return (struct ap_budget){
		.cost = cost(rate, 100 - l->reserve),
		.reserve = cost(rate, l->reserve),
		.prefix = cost(rate, l->prefix_share),
		.burst = BURST,
	};
}

void policy_limits(const struct config *config, struct ap_config *kernel)
{
	const struct limits_config *l = &config->limits;

	kernel->nat_first = l->nat_first;
	kernel->nat_last = l->nat_last;
	kernel->idle_established = ticks(l->established_idle);
	kernel->idle_half = ticks(l->half_open_idle);
	kernel->idle_nat = ticks(l->remembered_idle);
	kernel->filter = config->filter;
	kernel->mark = config->mark;
	kernel->established = l->established;
	kernel->half_open = l->half_open;
	kernel->flows4 = place_segments(l->established, 1, 4);
	kernel->flows6 = place_segments(l->established, 1, 6);
	kernel->half4 = place_segments(l->half_open, 0, 4);
	kernel->half6 = place_segments(l->half_open, 0, 6);
	for (int i = 0; i < AP_CLASSES; i++)
		kernel->budget[i] = budget(l, l->budget[i]);
}
