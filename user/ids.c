/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Ids of addresses: see struct ap_addr for the rules. */
#include <string.h>

#include "ids.h"

#define NO_ID AP_IDS

static bool same(const struct ip_prefix *a, const struct ip_prefix *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->v4.s_addr == b->v4.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6, &b->v6);
}

static uint8_t find(const struct state *state, const struct ip_prefix *address)
{
	for (uint8_t id = 0; id < AP_IDS; id++)
		if (state->address[id].family &&
		    same(&state->address[id], address))
			return id;
	return NO_ID;
}

/* AP_IDS is twice AP_ADDRS, so that one is always left. */
_Static_assert(AP_IDS >= 2 * AP_ADDRS, "a reload could run out of ids");

static uint8_t unused(const struct state *state, uint64_t taken,
		      uint64_t *reused)
{
	for (uint8_t id = 0; id < AP_IDS; id++)
		if (!state->address[id].family)
			return id;
	for (uint8_t id = 0; id < AP_IDS; id++) {
		if (state->in_use[id] || taken >> id & 1)
			continue;
		*reused |= 1ULL << id;
		return id;
	}
	return NO_ID;
}

void ids_assign(struct state *state, const struct config *config,
		uint8_t id[AP_ADDRS], uint64_t *reused)
{
	uint64_t taken = 0;

	*reused = 0;
	for (size_t i = 0; i < config->n_address; i++) {
		id[i] = find(state, &config->address[i]);
		if (id[i] != NO_ID)
			taken |= 1ULL << id[i];
	}
	for (size_t i = 0; i < config->n_address; i++) {
		if (id[i] != NO_ID)
			continue;
		id[i] = unused(state, taken, reused);
		taken |= 1ULL << id[i];
		state->address[id[i]] = config->address[i];
	}
}

void ids_use(struct state *state, const uint8_t *id, size_t n)
{
	memset(state->in_use, 0, sizeof(state->in_use));
	for (size_t i = 0; i < n; i++)
		state->in_use[id[i]] = true;
}
