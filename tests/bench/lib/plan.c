/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Command lines of the live rig, and its figures. */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busy.h"
#include "calm.h"
#include "plan.h"

#define WARM 2 /* s; after a rig is made the kernel has still much to tidy up */

static unsigned int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!n || *end || n > 100000000)
		errx(2, "not a number: %s", text);
	return (unsigned int)n;
}

static void read_flows(struct plan *plan, char *list)
{
	const char *one;

	while ((one = strsep(&list, ",")) && plan->n_flows < FLOWS_MAX)
		plan->flows[plan->n_flows++] = number(one);
}

void plan_read(struct plan *plan, int argc, char **argv)
{
	int option;

	*plan = (struct plan){ 0 };
	while ((option = getopt(argc, argv, "o:g:r:n:w:F:f:k:")) != -1) {
		switch (option) {
		case 'o': figures_open(optarg); break;
		case 'g': generator_open(optarg); break;
		case 'r': plan->rounds = number(optarg); break;
		case 'n': plan->packets = number(optarg); break;
		case 'w': plan->patience = number(optarg); break;
		case 'F':
			plan->family[0] = strchr(optarg, '4');
			plan->family[1] = strchr(optarg, '6');
			break;
		case 'f': read_flows(plan, optarg); break;
		case 'k': plan->kind = optarg; break;
		default: exit(2);
		}
	}
	if (!plan->rounds || !plan->packets || plan->rounds > SAMPLES_MAX)
		errx(2, "how many rounds (-r) of how many packets (-n)?");
	plan->n_paths = paths_open(plan->path, argc - optind, argv + optind);
	busy_pin();
}

int plan_path(const struct plan *plan, const char *name)
{
	for (unsigned int i = 0; i < plan->n_paths; i++)
		if (!strcmp(plan->path[i].name, name))
			return (int)i;
	return -1;
}

/* IPv6's headers leave 64 bytes no room; as much payload as IPv4 has. */
unsigned int size_length(enum size size, bool v6)
{
	if (size == FULL)
		return 14 + 1500;
	return v6 ? 84 : 64;
}

const char *size_name(enum size size)
{
	return size == FULL ? "full" : "small";
}

void plan_round(const struct plan *plan, struct costs *costs,
		const double *cost)
{
	static double warm;
	double now = busy_ns() / 1e9;
	bool calm = calm_was();

	if (!warm)
		warm = now + WARM;
	if (now < warm)
		return;
	if (!costs->until)
		costs->until = now + plan->patience;
	if (!calm) {
		if (now < costs->until)
			return;
		costs->disturbed++;
	}
	for (unsigned int i = 0; i < plan->n_paths; i++)
		samples_add(&costs->cost[i], cost[i]);
}

/* Round by round: what disturbs a round, disturbs all of its paths. */
static void put_added(const struct plan *plan, const struct costs *c,
		      unsigned int path, const char *kind, const char *cell)
{
	struct samples added = { 0 };

	for (size_t r = 0; r < c->cost[path].n; r++)
		samples_add(&added, c->cost[path].at[r] - c->cost[0].at[r]);
	figure_put(&added, "ns", "%s/%s/%s", kind, plan->path[path].name, cell);
	printf("  %-16s %+8.1f  (%+.1f to %+.1f)\n", plan->path[path].name,
	       samples_at(&added, 0.5), samples_at(&added, 0.25),
	       samples_at(&added, 0.75));
}

static void put_ratio(const struct plan *plan, const struct costs *c,
		      unsigned int path, unsigned int to, const char *kind,
		      const char *cell)
{
	struct samples ratio = { 0 };

	for (size_t r = 0; r < c->cost[path].n; r++)
		samples_add(&ratio,
			    (c->cost[path].at[r] - c->cost[0].at[r]) /
				    (c->cost[to].at[r] - c->cost[0].at[r]));
	figure_put(&ratio, "ratio", "%s/%s:%s/%s", kind, plan->path[path].name,
		   plan->path[to].name, cell);
}

void plan_figures(const struct plan *plan, const struct costs *costs,
		  const char *kind, const char *cell)
{
	int to = plan_path(plan, "iptables");
	struct samples base = costs->cost[0];

	figure_put(&base, "ns", "%s/%s/%s", kind, plan->path[0].name, cell);
	printf("%s %s, %u of %zu rounds disturbed: %s takes %.1f ns a packet; more than that:\n",
	       kind, cell, costs->disturbed, base.n, plan->path[0].name,
	       samples_at(&base, 0.5));
	for (unsigned int i = 1; i < plan->n_paths; i++) {
		put_added(plan, costs, i, kind, cell);
		if (to > 0 && plan->path[i].keeper == KEEPER_DOOR)
			put_ratio(plan, costs, i, (unsigned int)to, kind, cell);
	}
	(void)fflush(stdout);
}
