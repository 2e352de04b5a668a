/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Establishes flows on every path, then lets the paths take turns. */
#include <err.h>
#include <stdio.h>

#include "established.h"
#include "keeper.h"
#include "ns.h"

#define MEMBERS 0x0a000000U /* 10.0.0.0 and on */

static void assert_flows(const struct path *p, const struct traffic *t)
{
	uint64_t got = keeper_flows(p, t->v6, true);

	if (p->keeper == KEEPER_NONE || got == t->flows)
		return;
	errx(1, "%s keeps %lu flows, not %u", p->name, (unsigned long)got,
	     t->flows);
}

/* The first packets of a turn bring tables and code into the caches that the
 * path before has used. */
static unsigned int warm_up(const struct traffic *t, unsigned int packets)
{
	unsigned int n = packets / 4;

	return t->flows > n && t->flows <= packets ? t->flows : n;
}

static void cell(const struct plan *plan, const char *kind, struct traffic *t,
		 enum size size, measure_fn *measure)
{
	static struct costs costs;
	unsigned int packets = plan->packets, turn;
	char name[64];

	costs = (struct costs){ 0 };
	t->payload = PAYLOAD_DATA;
	t->length = size_length(size, t->v6);
	if (packets < t->flows)
		packets = t->flows;
	for (unsigned int r = 0; r < plan->rounds; r++)
		for (unsigned int i = 0; i < plan->n_paths; i++) {
			const struct path *p;

			turn = (r + i) % plan->n_paths;
			p = &plan->path[turn];
			assert_flows(p, t);
			(void)measure(p, t, warm_up(t, packets));
			samples_add(&costs.cost[turn], measure(p, t, packets));
			assert_flows(p, t);
		}
	(void)snprintf(name, sizeof(name), "%s/%u/%s", family_name(t->v6),
		       t->flows, size_name(size));
	plan_figures(plan, &costs, kind, name);
}

static void establish(const struct plan *plan, const struct traffic *t)
{
	for (unsigned int i = 0; i < plan->n_paths; i++) {
		const struct path *p = &plan->path[i];

		/* it counts the other family, too */
		if (p->keeper == KEEPER_CONNTRACK)
			ns_sh(p->ns, "conntrack -F 2>/dev/null");
		path_sink(p, t->v6, false);
		generator_establish(p, t);
		path_sink(p, t->v6, true);
	}
}

void established_rounds(const struct plan *plan, const char *kind,
			measure_fn *measure)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (unsigned int i = 0; i < plan->n_flows && plan->family[v6];
		     i++) {
			struct traffic t = { .v6 = v6,
					     .first = MEMBERS,
					     .flows = plan->flows[i] };

			establish(plan, &t);
			for (int size = 0; size < SIZES; size++)
				cell(plan, kind, &t, size, measure);
		}
}
