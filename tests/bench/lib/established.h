/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Rounds over flows that are established. */
#ifndef ESTABLISHED_H
#define ESTABLISHED_H

#include "keeper.h"
#include "plan.h"

struct kind {
	const char *name; /* of its figures: their first part */
	/* A turn of about N packets of T's flows by way of P: ns that one took;
	 * adds to *SENT. To see to it that each went where it should. */
	double (*turn)(const struct path *p, struct traffic *t, unsigned int n,
		       uint64_t *sent);
	/* Of a door's counters the one that counts these packets. */
	uint64_t (*counted)(const struct counts *c);
};

/* Every family, number of flows and size of PLAN. */
void established_rounds(const struct plan *plan, const struct kind *kind);

#endif
