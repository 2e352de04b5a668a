/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Establishes flows on every path, then lets the paths take turns. */
#include <err.h>
#include <stdio.h>

#include "established.h"
#include "ns.h"

#define MEMBERS 0x0a000000U /* 10.0.0.0 and on */

/* What a door has counted, and what it should have. */
struct book {
	uint64_t counted, sent;
	bool open; /* COUNTED is known */
};

static void assert_flows(const struct path *p, const struct traffic *t)
{
	uint64_t got = keeper_flows(p, t->v6, true);

	if (p->keeper == KEEPER_NONE || got == t->flows)
		return;
	errx(1, "%s keeps %lu flows, not %u", p->name, (unsigned long)got,
	     t->flows);
}

/* Between rounds: all flows are still there, and none of the last round's
 * packets was of another one. */
static void assert_books(const struct plan *plan, const struct kind *kind,
			 const struct traffic *t, struct book *book)
{
	struct counts counts;

	for (unsigned int i = 0; i < plan->n_paths; i++) {
		const struct path *p = &plan->path[i];
		uint64_t was = book[i].counted;

		assert_flows(p, t);
		if (p->keeper != KEEPER_DOOR)
			continue;
		keeper_counts(p, &counts);
		book[i].counted = kind->counted(&counts);
		if (book[i].open && book[i].counted - was != book[i].sent)
			errx(1, "%s: of %lu packets %lu were of its flows",
			     p->name, (unsigned long)book[i].sent,
			     (unsigned long)(book[i].counted - was));
		book[i].sent = 0;
		book[i].open = true;
	}
}

static void cell(const struct plan *plan, const struct kind *kind,
		 struct traffic *t, enum size size)
{
	static struct costs costs;
	struct book book[PATHS_MAX] = { 0 };
	unsigned int turn;
	char name[64];

	costs = (struct costs){ 0 };
	t->payload = PAYLOAD_DATA;
	t->length = size_length(size, t->v6);
	assert_books(plan, kind, t, book);
	for (unsigned int r = 0; costs.cost[0].n < plan->rounds; r++) {
		double cost[PATHS_MAX];

		for (unsigned int i = 0; i < plan->n_paths; i++) {
			turn = (r + i) % plan->n_paths;
			cost[turn] =
				kind->turn(&plan->path[turn], t, plan->packets,
					   &book[turn].sent);
		}
		plan_round(plan, &costs, cost);
		assert_books(plan, kind, t, book);
	}
	(void)snprintf(name, sizeof(name), "%s/%u/%s", family_name(t->v6),
		       t->flows, size_name(size));
	plan_figures(plan, &costs, plan->kind ?: kind->name, name);
}

static void establish(const struct plan *plan, const struct traffic *t)
{
	for (unsigned int i = 0; i < plan->n_paths; i++) {
		const struct path *p = &plan->path[i];

		/* it counts the other family, too */
		if (p->keeper == KEEPER_CONNTRACK)
			ns_sh(p->ns, "conntrack -F 2>/dev/null");
		path_sink(p, t->v6, false);
		/* a half-open one may have had to give way before its answer;
		 * and the first of many are moved by a second one */
		for (int pass = 0; pass < 3; pass++) {
			generator_establish(p, t);
			if (p->keeper != KEEPER_DOOR ||
			    (pass && keeper_flows(p, t->v6, true) == t->flows))
				break;
		}
		path_sink(p, t->v6, true);
	}
}

void established_rounds(const struct plan *plan, const struct kind *kind)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (unsigned int i = 0; i < plan->n_flows && plan->family[v6];
		     i++) {
			struct traffic t = { .v6 = v6,
					     .first = MEMBERS,
					     .flows = plan->flows[i] };

			establish(plan, &t);
			for (int size = 0; size < SIZES; size++)
				cell(plan, kind, &t, size);
		}
}
