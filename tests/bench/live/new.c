/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * new [OPTIONS, see plan.h] PATH ...: what a first packet costs that makes a
 * flow, by each path, above the first path. No source ever comes again, and
 * every table is full already: each flow takes the place of an older one.
 */
#include <err.h>
#include <stdio.h>

#include "../lib/keeper.h"
#include "../lib/plan.h"

#define STRANGERS 0x0a100000U /* 10.16.0.0 and on */
/* More than conntrack's default, and than the door's half-open tier. */
#define FILL 300000

static void assert_sunk(const struct path *p, uint64_t sunk, unsigned int n)
{
	if (sunk != n)
		errx(1, "%s: of %u first packets %lu reached the socket",
		     p->name, n, (unsigned long)sunk);
}

/* Every packet made a flow, or met the limiter where there is one. */
static void assert_door(const struct path *p, const struct counts *before,
			uint64_t sunk, unsigned int n)
{
	struct counts after;
	uint64_t created, dropped;

	keeper_counts(p, &after);
	created = after.created - before->created;
	dropped = after.dropped - before->dropped;
	assert_sunk(p, sunk, (unsigned int)created);
	if (created + dropped != n || (p->keeper == KEEPER_DOOR && dropped))
		errx(1, "%s: %u first packets made %lu flows, %lu dropped",
		     p->name, n, (unsigned long)created,
		     (unsigned long)dropped);
}

static double measure(const struct path *p, struct traffic *t, unsigned int n)
{
	uint64_t sunk = path_sunk(p, t->v6), early[2], refused[2];
	struct counts before;
	double ns;

	if (p->keeper == KEEPER_CONNTRACK)
		keeper_evicted(p, &early[0], &refused[0]);
	else if (p->keeper == KEEPER_DOOR || p->keeper == KEEPER_LIMITED)
		keeper_counts(p, &before);
	ns = generator_send(p, t, n);
	sunk = path_sunk(p, t->v6) - sunk;
	switch (p->keeper) {
	case KEEPER_NONE: assert_sunk(p, sunk, n); break;
	case KEEPER_DROP: assert_sunk(p, sunk, 0); break;
	case KEEPER_CONNTRACK:
		/* translated and delivered, so there was an entry */
		assert_sunk(p, sunk, n);
		keeper_evicted(p, &early[1], &refused[1]);
		if (refused[1] != refused[0])
			errx(1, "%s: conntrack refused entries", p->name);
		break;
	case KEEPER_DOOR:
	case KEEPER_LIMITED: assert_door(p, &before, sunk, n); break;
	case KEEPERS: break;
	}
	return ns;
}

static void rounds(const struct plan *plan, bool v6)
{
	static struct costs costs;
	static uint32_t fresh;
	struct traffic t[PATHS_MAX];
	unsigned int turn;

	costs = (struct costs){ 0 };
	for (unsigned int i = 0; i < plan->n_paths; i++) {
		t[i] = (struct traffic){ .v6 = v6,
					 .payload = PAYLOAD_RESET,
					 .length = size_length(SMALL, v6),
					 .first = STRANGERS,
					 .at = fresh };
		path_sink(&plan->path[i], v6, true);
		(void)measure(&plan->path[i], &t[i], FILL);
	}
	for (unsigned int r = 0; r < plan->rounds; r++)
		for (unsigned int i = 0; i < plan->n_paths; i++) {
			const struct path *p;

			turn = (r + i) % plan->n_paths;
			p = &plan->path[turn];
			(void)measure(p, &t[turn], plan->packets / 4);
			samples_add(&costs.cost[turn],
				    measure(p, &t[turn], plan->packets));
		}
	fresh = t[0].at;
	plan_figures(plan, &costs, "new", family_name(v6));
}

int main(int argc, char **argv)
{
	struct plan plan;

	plan_read(&plan, argc, argv);
	for (int v6 = 0; v6 < 2; v6++)
		if (plan.family[v6])
			rounds(&plan, v6);
	figures_close();
	return 0;
}
