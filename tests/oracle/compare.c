/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Compares the two worlds step by step. What differs must be named in the file
 * `differences`: which step, what is only seen with nft, what only with the
 * door, each line by a pattern of the shell's kind.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <ini.h>

#include "oracle.h"

#define DIFFERENCES_MAX 48
#define LINES_MAX       8

struct pattern {
	unsigned int n;
	char *line[LINES_MAX];
};

struct difference {
	char *name, *after, *verdict;
	unsigned int before; /* kernels, 1000 * major + minor; 0: all */
	struct pattern step, only[WORLDS], reason;
	unsigned long seen, directed;
	bool now; /* in the sequence at hand */
};

static struct difference difference[DIFFERENCES_MAX];
static unsigned int n_differences;
bool verbose;

/* The last step, as described then: later it is not known what was heard. */
static char done[256];

/* ---- the file -----------------------------------------------------------*/

static int add_line(struct pattern *p, const char *value)
{
	if (p->n == LINES_MAX)
		return 0;
	p->line[p->n++] = strdup(value);
	return 1;
}

/* "6.1.0-50-amd64" is 6001; 0: not a version. */
static unsigned int kernel_number(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return 0;
	return 1000 * major + minor;
}

static bool is_of_age(const struct difference *d)
{
	struct utsname kernel;

	return !uname(&kernel) && kernel_number(kernel.release) < d->before;
}

/* Whether it is to be seen on this kernel, the way it runs now. */
static bool applies(const struct difference *d)
{
	return !d->before || (nat_demux && is_of_age(d));
}

bool differences_of_age(void)
{
	unsigned int i;

	for (i = 0; i < n_differences; i++)
		if (is_of_age(&difference[i]))
			return true;
	return false;
}

static int take(void *user, const char *section, const char *key,
		const char *value)
{
	struct difference *d = &difference[n_differences - 1];

	(void)user;
	if (!n_differences || strcmp(d->name, section)) {
		if (n_differences == DIFFERENCES_MAX)
			return 0;
		d = &difference[n_differences++];
		d->name = strdup(section);
	}
	if (!strcmp(key, "step"))
		return add_line(&d->step, value);
	if (!strcmp(key, "nft"))
		return add_line(&d->only[NAT], value);
	if (!strcmp(key, "door"))
		return add_line(&d->only[DOOR], value);
	if (!strcmp(key, "reason"))
		return add_line(&d->reason, value);
	if (!strcmp(key, "before"))
		return (d->before = kernel_number(value)) != 0;
	if (!strcmp(key, "after"))
		d->after = strdup(value);
	else if (!strcmp(key, "verdict"))
		d->verdict = strdup(value);
	else
		return 0;
	return 1;
}

void differences_load(const char *file)
{
	int rc = ini_parse(file, take, NULL);
	unsigned int i;

	for (i = 0; !rc && i < n_differences; i++)
		if (!difference[i].reason.n || !difference[i].verdict ||
		    !difference[i].step.n)
			rc = -1;
	if (!rc)
		return;
	fprintf(stderr, "%s:%d: not a difference with step, verdict, reason\n",
		file, rc);
	abort();
}

/* ---- comparison ---------------------------------------------------------*/

static bool holds(const struct events *e, const char *line)
{
	unsigned int i;

	for (i = 0; i < e->n; i++)
		if (!strcmp(e->line[i], line))
			return true;
	return false;
}

/* The lines of E that OTHER has not. */
static unsigned int only_here(const struct events *e,
			      const struct events *other,
			      const char *line[EVENTS_MAX])
{
	unsigned int i, n = 0;

	for (i = 0; i < e->n; i++)
		if (!holds(other, e->line[i]))
			line[n++] = e->line[i];
	return n;
}

static bool is_optional(const struct pattern *p, unsigned int k)
{
	return !strncmp(p->line[k], "? ", 2);
}

/* Each line by a pattern, each pattern for at least one line unless it begins
 * with "? ". */
static bool fits(const struct pattern *p, const char *const *line,
		 unsigned int n)
{
	bool used[LINES_MAX] = { false };
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < p->n; k++)
			if (!fnmatch(p->line[k] + 2 * is_optional(p, k),
				     line[i], 0))
				break;
		if (k == p->n)
			return false;
		used[k] = true;
	}
	for (k = 0; k < p->n; k++)
		if (!used[k] && !is_optional(p, k))
			return false;
	return true;
}

static bool any_fits(const struct pattern *p, const char *text)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (!fnmatch(p->line[i], text, 0))
			return true;
	return false;
}

static bool has_come(const char *names)
{
	unsigned int i;
	char word[64];
	int n;

	if (!names)
		return true;
	while (sscanf(names, " %63[^ ]%n", word, &n) == 1) {
		for (i = 0; i < n_differences; i++)
			if (!strcmp(difference[i].name, word) &&
			    difference[i].now)
				return true;
		names += n;
	}
	return false;
}

static bool same(void)
{
	const struct events *a = &world[NAT].events, *b = &world[DOOR].events;
	unsigned int i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->line[i], b->line[i]))
			return false;
	return true;
}

bool differences_judge(const struct sequence *s, unsigned int n, bool directed)
{
	const char *only[WORLDS][EVENTS_MAX];
	unsigned int count[WORLDS], i;
	struct difference *d;

	script_describe(s, n, done, sizeof(done));
	if (same())
		return true;
	for (i = 0; i < WORLDS; i++)
		count[i] =
			only_here(&world[i].events, &world[!i].events, only[i]);
	for (d = difference; d < difference + n_differences; d++) {
		if (!applies(d) || !any_fits(&d->step, done) ||
		    !has_come(d->after) ||
		    !fits(&d->only[NAT], only[NAT], count[NAT]) ||
		    !fits(&d->only[DOOR], only[DOOR], count[DOOR]))
			continue;
		d->seen++;
		d->directed += directed;
		d->now = true;
		return true;
	}
	return false;
}

void differences_start(void)
{
	unsigned int i;

	for (i = 0; i < n_differences; i++)
		difference[i].now = false;
}

unsigned int differences_count(void)
{
	return n_differences;
}

unsigned int differences_unshown(bool print)
{
	unsigned int i, n = 0;

	for (i = 0; i < n_differences; i++) {
		if (difference[i].directed || !applies(&difference[i]))
			continue;
		n++;
		if (print)
			printf("# named, and in no directed sequence: %s\n",
			       difference[i].name);
	}
	return n;
}

void differences_print(void)
{
	const struct difference *d;
	unsigned int i;

	for (d = difference; d < difference + n_differences; d++) {
		printf("# %s (%s), %lu times\n", d->name, d->verdict, d->seen);
		for (i = 0; i < d->reason.n; i++)
			printf("#     %s\n", d->reason.line[i]);
	}
}

/* ---- running ------------------------------------------------------------*/

static void print_worlds(void)
{
	const struct events *e;
	unsigned int i, k;

	printf("# %s\n", done);
	for (i = 0; i < WORLDS; i++) {
		e = &world[i].events;
		printf("#  %s\n", i == NAT ? "nft:" : "door:");
		for (k = 0; k < e->n; k++)
			printf("#   %s %s\n",
			       holds(&world[!i].events, e->line[k]) ? " " : "*",
			       e->line[k]);
	}
}

/* "Too big", in either family. */
static bool is_too_big(const struct sequence *s, unsigned int n)
{
	const struct step *st = &s->step[n];

	if (st->op != OP_ERROR)
		return false;
	return s->flow[st->flow].v6
		       ? st->arg[A_TYPE] == 2
		       : (st->arg[A_TYPE] ?: 3) == 3 && st->arg[A_CODE] == 4;
}

/*
 * Where such an error has reached different ones in the two worlds, their
 * kernels know different ways to the member, whatever is sent from then on.
 */
static bool parts(const struct sequence *s, unsigned int n, bool directed)
{
	return !directed && is_too_big(s, n) && !same();
}

bool sequence_run(const struct sequence *s, bool directed, unsigned int *where)
{
	bool ok = true;
	unsigned int n, i;

	members_new();
	differences_start();
	for (n = 0; ok && n < s->n_steps; n++) {
		for (i = 0; i < WORLDS; i++)
			step_do(&world[i], s, n);
		ok = differences_judge(s, n, directed);
		if (verbose)
			print_worlds();
		*where = n;
		if (parts(s, n, directed))
			break;
	}
	for (i = 0; i < WORLDS; i++)
		step_end(&world[i]);
	return ok;
}

static void without(struct sequence *to, const struct sequence *s,
		    unsigned int step)
{
	*to = *s;
	memmove(&to->step[step], &to->step[step + 1],
		(--to->n_steps - step) * sizeof(to->step[0]));
}

void sequence_shrink(const struct sequence *s, unsigned int where)
{
	struct sequence best = *s, smaller;
	unsigned int at, i;

	print_worlds();
	best.n_steps = where + 1;
	for (i = best.n_steps; i-- > 0;) {
		if (i >= best.n_steps)
			continue;
		without(&smaller, &best, i);
		if (sequence_run(&smaller, false, &at))
			continue;
		best = smaller;
		best.n_steps = at + 1;
	}
	script_print(&best);
	if (sequence_run(&best, false, &at))
		printf("# (and now it does not differ: it depends on time)\n");
	else
		print_worlds();
}
