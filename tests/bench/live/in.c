/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * in [OPTIONS, see plan.h] PATH ...: what a packet of an established flow costs
 * on its way in, by each path, above the first path.
 */
#include <err.h>

#include "../lib/established.h"
#include "../lib/keeper.h"

static double measure(const struct path *p, struct traffic *t, unsigned int n)
{
	uint64_t sunk = path_sunk(p, t->v6);
	struct counts before, after;
	double ns;

	if (p->keeper == KEEPER_DOOR)
		keeper_counts(p, &before);
	ns = generator_send(p, t, n);
	sunk = path_sunk(p, t->v6) - sunk;
	if (sunk != n)
		errx(1, "%s: of %u packets %lu reached the socket", p->name, n,
		     (unsigned long)sunk);
	if (p->keeper != KEEPER_DOOR)
		return ns;
	keeper_counts(p, &after);
	if (after.established - before.established != n)
		errx(1, "%s: of %u packets %lu were of established flows",
		     p->name, n,
		     (unsigned long)(after.established - before.established));
	return ns;
}

int main(int argc, char **argv)
{
	struct plan plan;

	plan_read(&plan, argc, argv);
	established_rounds(&plan, "in", measure);
	figures_close();
	return 0;
}
