/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Figures as tables: the name's second part is the row, the rest the column. */
#include <err.h>
#include <string.h>

#include "results.h"

#define CELLS_MAX 32
#define PART      48

struct table {
	char kind[PART], family[PART];
	unsigned int rows, columns;
	char row[CELLS_MAX][PART], column[CELLS_MAX][PART];
	const json_t *cell[CELLS_MAX][CELLS_MAX];
};

static const struct {
	const char *kind, *title;
} titles[] = {
	{ "in",
	  "UDP in, established flows: ns a packet; \"nothing\" (the member "
	  "dials 1194)\n  whole, the others what they add to it" },
	{ "new", "UDP in, every packet from a new source and every table full: "
		 "ns a packet,\n  above nothing" },
	{ "out", "UDP out, answers of established flows: ns a packet, above "
		 "nothing" },
	{ "price", "The door (\"native\"), its parts, and what others pay for "
		   "it: ns a packet,\n  above nothing" },
	{ "program",
	  "The XDP program alone, by test runs: ns a packet, above an "
	  "empty program" },
	{ "connect", "TCP: microseconds of one core for a connection, both "
		     "ends; ratios: of connections/s" },
	{ "bulk", "TCP: Gbit/s of one core, both ends" },
	{ "openvpn", "OpenVPN: throughput of a tunnel, Mbit/s" },
	{ "memory", "Kernel memory: bytes a flow; fixed: kB in all" },
	{ "hook", "A member connects and leaves: how long OpenVPN waits, us" },
	{ "stall", "50 members connect: round trips of another's pings, ms" },
};

static const char *title_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		if (!strcmp(titles[i].kind, kind))
			return titles[i].title;
	return kind;
}

static unsigned int place(char list[][PART], unsigned int *n, const char *text)
{
	for (unsigned int i = 0; i < *n; i++)
		if (!strcmp(list[i], text))
			return i;
	if (*n == CELLS_MAX)
		errx(1, "a table of more than %d rows or columns", CELLS_MAX);
	(void)snprintf(list[*n], PART, "%s", text);
	return (*n)++;
}

/* "kind/row/family/column"; a table holds one family. */
static bool name_parts(const json_t *figure, char kind[PART], char row[PART],
		       char family[PART], char column[PART])
{
	const char *name = json_string_value(json_object_get(figure, "name"));

	*family = '\0';
	if (sscanf(name, "%47[^/]/%47[^/]/v%1[46]/%47[^\n]", kind, row, family,
		   column) == 4)
		return true;
	*family = '\0';
	return sscanf(name, "%47[^/]/%47[^/]/%47[^\n]", kind, row, column) == 3;
}

static void add(struct table *t, const json_t *figure)
{
	char kind[PART], row[PART], family[PART], column[PART];
	unsigned int r, c;

	if (!name_parts(figure, kind, row, family, column) ||
	    strcmp(kind, t->kind) != 0 || strcmp(family, t->family) != 0)
		return;
	r = place(t->row, &t->rows, row);
	c = place(t->column, &t->columns, column);
	t->cell[r][c] = figure;
}

/* The median, and half of what the middle half of all rounds spans. */
static void print_cell(const json_t *f, FILE *out)
{
	double median, spread;
	int digits;

	if (!f) {
		(void)fprintf(out, "%18s", "");
		return;
	}
	median = figure_number(f, "median");
	spread = json_object_get(f, "q3")
			 ? (figure_number(f, "q3") - figure_number(f, "q1")) / 2
			 : median - figure_number(f, "q1");
	digits = median < 10 && median > -10 ? 3 : median < 1000 ? 1 : 0;
	(void)fprintf(out, "%10.*f +-%5.*f", digits, median,
		      digits > 1 ? 2 : digits, spread);
}

static void print_table(const struct table *t, FILE *out)
{
	(void)fprintf(out, "\n%s%s%s\n%-18s", title_of(t->kind),
		      *t->family ? "; IPv" : "", t->family, "");
	for (unsigned int c = 0; c < t->columns; c++)
		(void)fprintf(out, " %17s", t->column[c]);
	(void)fputc('\n', out);
	for (unsigned int r = 0; r < t->rows; r++) {
		(void)fprintf(out, "  %-16s", t->row[r]);
		for (unsigned int c = 0; c < t->columns; c++)
			print_cell(t->cell[r][c], out);
		(void)fputc('\n', out);
	}
}

/* The kinds and families, in the order in which they were measured. */
void results_print(const json_t *results, FILE *out)
{
	static struct table t;
	static char seen[CELLS_MAX][PART];
	const json_t *list = json_object_get(results, "figures"), *one, *other;
	char row[PART], column[PART], key[2 * PART];
	unsigned int n = 0, before;
	size_t i, j;

	json_array_foreach(list, i, one)
	{
		memset(&t, 0, sizeof(t));
		if (!name_parts(one, t.kind, row, t.family, column))
			continue;
		(void)snprintf(key, sizeof(key), "%s/%s", t.kind, t.family);
		before = n;
		if (place(seen, &n, key) < before)
			continue;
		json_array_foreach(list, j, other) add(&t, other);
		print_table(&t, out);
	}
}
