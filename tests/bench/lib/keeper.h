/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* How many flows a path has and what became of its packets, by the tools that
 * an operator would ask. */
#ifndef KEEPER_H
#define KEEPER_H

#include "path.h"

struct counts {
	uint64_t established, half_open, created; /* packets in, by flow */
	uint64_t dropped;                         /* by the limiter */
	uint64_t restored;                        /* out */
};

/* The door's counters. */
void keeper_counts(const struct path *p, struct counts *c);
/* Of the door: established or other flows of a family. conntrack counts both
 * families together, and none as half open. */
uint64_t keeper_flows(const struct path *p, bool v6, bool established);
/* New entries that conntrack has refused. */
uint64_t keeper_refused(const struct path *p);

#endif
