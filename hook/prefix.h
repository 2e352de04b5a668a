/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* How addresses and prefixes lie to each other. */
#ifndef HOOK_PREFIX_H
#define HOOK_PREFIX_H

#include "../user/config.h"

/* Is B the same as A or inside it? */
bool prefix_covers(const struct ip_prefix *a, const struct ip_prefix *b);
bool prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);
bool prefix_in_ranges(const struct ip_prefix *prefix,
		      const struct hook_config *config);
/* As an address alone: without its length. */
const char *prefix_address(const struct ip_prefix *prefix, char out[64]);

#endif
