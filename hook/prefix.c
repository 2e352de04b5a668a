/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* How addresses and prefixes lie to each other. */
#include <arpa/inet.h>
#include <string.h>

#include "prefix.h"

static const uint8_t *bytes(const struct ip_prefix *p)
{
	return p->family == AF_INET ? (const uint8_t *)&p->v4 : p->v6.s6_addr;
}

bool prefix_covers(const struct ip_prefix *a, const struct ip_prefix *b)
{
	size_t whole = a->length / 8;
	uint8_t mask = 0xff00 >> (a->length % 8);

	if (a->family != b->family || a->length > b->length)
		return false;
	if (memcmp(bytes(a), bytes(b), whole))
		return false;
	return !mask || !((bytes(a)[whole] ^ bytes(b)[whole]) & mask);
}

bool prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

bool prefix_in_ranges(const struct ip_prefix *prefix,
		      const struct hook_config *config)
{
	for (size_t i = 0; i < config->n_range; i++)
		if (prefix_covers(&config->range[i], prefix))
			return true;
	return false;
}

const char *prefix_address(const struct ip_prefix *prefix, char out[64])
{
	if (!inet_ntop(prefix->family, bytes(prefix), out, 64))
		out[0] = '\0';
	return out;
}
