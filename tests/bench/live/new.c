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

static bool has_door(const struct path *p)
{
	return p->keeper == KEEPER_DOOR || p->keeper == KEEPER_LIMITED;
}

static void assert_sunk(const struct path *p, uint64_t sunk, uint64_t wanted,
			uint64_t sent)
{
	if (sunk != wanted)
		errx(1, "%s: of %lu first packets %lu reached the socket",
		     p->name, (unsigned long)sent, (unsigned long)sunk);
}

/* Every packet made a flow, or met the limiter where there is one. */
static void assert_door(const struct path *p, const struct counts *before,
			uint64_t sunk, uint64_t sent)
{
	struct counts after;
	uint64_t created, dropped;

	keeper_counts(p, &after);
	created = after.created - before->created;
	dropped = after.dropped - before->dropped;
	assert_sunk(p, sunk, created, sent);
	if (created + dropped != sent || (p->keeper == KEEPER_DOOR && dropped))
		errx(1, "%s: %lu first packets made %lu flows, %lu dropped",
		     p->name, (unsigned long)sent, (unsigned long)created,
		     (unsigned long)dropped);
}

static double turn(const struct path *p, struct traffic *t, unsigned int n)
{
	uint64_t sunk = path_sunk(p, t->v6), sent = 0, refused = 0;
	struct counts before;
	double ns;

	if (p->keeper == KEEPER_CONNTRACK)
		refused = keeper_refused(p);
	else if (has_door(p))
		keeper_counts(p, &before);
	ns = generator_turn(p, t, n, generator_send, &sent);
	sunk = path_sunk(p, t->v6) - sunk;
	if (has_door(p)) {
		assert_door(p, &before, sunk, sent);
	} else if (p->keeper == KEEPER_CONNTRACK) {
		/* a full conntrack looks for an old entry in a few places, and
		 * drops the packet if there is none: not
		 * more than one in twenty, or something else is wrong */
		refused = keeper_refused(p) - refused;
		assert_sunk(p, sunk, sent - refused, sent);
		if (refused > sent / 20)
			errx(1, "%s: conntrack refused %lu entries", p->name,
			     (unsigned long)refused);
	} else {
		assert_sunk(p, sunk, p->keeper == KEEPER_DROP ? 0 : sent, sent);
	}
	return ns;
}

/*
 * What the limiter turns away never gets to the socket, as nothing's packets
 * do. The fair ratio compares it with packets that are dropped at the same
 * place without a thought.
 */
static void put_limited(const struct plan *plan, const struct costs *c,
			const char *family)
{
	int limited = plan_path(plan, "limited"),
	    drop = plan_path(plan, "drop"), to = plan_path(plan, "iptables");
	struct samples ratio = { 0 };

	if (limited < 0 || drop < 0 || to < 0)
		return;
	for (unsigned int r = 0; r < plan->rounds; r++)
		samples_add(&ratio,
			    (c->cost[limited].at[r] - c->cost[drop].at[r]) /
				    (c->cost[to].at[r] - c->cost[0].at[r]));
	figure_put(&ratio, "ratio", "new/limited:iptables/%s", family);
}

static void rounds(const struct plan *plan, bool v6)
{
	static struct costs costs;
	struct traffic t[PATHS_MAX];
	unsigned int who;

	costs = (struct costs){ 0 };
	for (unsigned int i = 0; i < plan->n_paths; i++) {
		t[i] = (struct traffic){ .v6 = v6,
					 .payload = PAYLOAD_RESET,
					 .length = size_length(SMALL, v6),
					 .first = STRANGERS };
		path_sink(&plan->path[i], v6, true);
		for (int part = 0; part < 5; part++)
			(void)generator_send(&plan->path[i], &t[i], FILL / 5);
	}
	for (unsigned int r = 0; costs.cost[0].n < plan->rounds; r++) {
		double cost[PATHS_MAX];

		for (unsigned int i = 0; i < plan->n_paths; i++) {
			who = (r + i) % plan->n_paths;
			cost[who] =
				turn(&plan->path[who], &t[who], plan->packets);
		}
		plan_round(plan, &costs, cost);
	}
	put_limited(plan, &costs, family_name(v6));
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
