/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * in [OPTIONS, see plan.h] PATH ...: what a packet of an established flow costs
 * on its way in, by each path, above the first path.
 */
#include <err.h>

#include "../lib/established.h"

static double turn(const struct path *p, struct traffic *t, unsigned int n,
		   uint64_t *sent)
{
	uint64_t sunk = path_sunk(p, t->v6), this = 0;
	double ns = generator_turn(p, t, n, generator_send, &this);

	sunk = path_sunk(p, t->v6) - sunk;
	if (sunk != this)
		errx(1, "%s: of %lu packets %lu reached the socket", p->name,
		     (unsigned long)this, (unsigned long)sunk);
	*sent += this;
	return ns;
}

static uint64_t counted(const struct counts *c)
{
	return c->established;
}

int main(int argc, char **argv)
{
	static const struct kind in = { "in", turn, counted };
	struct plan plan;

	plan_read(&plan, argc, argv);
	established_rounds(&plan, &in);
	figures_close();
	return 0;
}
