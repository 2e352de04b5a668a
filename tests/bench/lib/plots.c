/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Data for report/plots.gp: a line a row; columns: label, median, q1, q3. */
#include <err.h>
#include <string.h>

#include "results.h"

static const char *const ways[] = { "iptables", "nft", "tc", "generic",
				    "native" };
#define WAYS (sizeof(ways) / sizeof(*ways))

static FILE *open_data(const char *dir, const char *name)
{
	char path[256];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	out = fopen(path, "we");
	if (!out)
		err(1, "%s", path);
	return out;
}

static void put(FILE *out, const json_t *results, const char *name)
{
	const json_t *f = results_figure(results, name);

	if (f)
		(void)fprintf(out, " %.6g %.6g %.6g",
			      figure_number(f, "median"),
			      figure_number(f, "q1"), figure_number(f, "q3"));
	else
		(void)fputs(" ? ? ?", out);
}

/* A row for each number of flows, three columns for each way. */
static void write_flows(const json_t *results, const char *dir,
			const char *kind, const char *family)
{
	static const char *const flows[] = { "1", "10000", "100000" };
	static const char *const label[] = { "1 flow", "10,000 flows",
					     "100,000 flows" };
	char name[96];
	FILE *out;

	(void)snprintf(name, sizeof(name), "%s-%s", kind, family);
	out = open_data(dir, name);
	for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++) {
		(void)fprintf(out, "\"%s\"", label[i]);
		for (size_t w = 0; w < WAYS; w++) {
			(void)snprintf(name, sizeof(name), "%s/%s/%s/%s/small",
				       kind, ways[w], family, flows[i]);
			put(out, results, name);
		}
		(void)fputc('\n', out);
	}
	(void)fclose(out);
}

static void write_new(const json_t *results, const char *dir)
{
	static const char *const label[] = { "IPv4", "IPv6" };
	char name[96];
	FILE *out = open_data(dir, "new");

	for (int v6 = 0; v6 < 2; v6++) {
		(void)fprintf(out, "\"%s\"", label[v6]);
		for (size_t w = 0; w < WAYS; w++) {
			(void)snprintf(name, sizeof(name), "new/%s/v%d",
				       ways[w], v6 ? 6 : 4);
			put(out, results, name);
		}
		put(out, results, v6 ? "new/limited/v6" : "new/limited/v4");
		(void)fputc('\n', out);
	}
	(void)fclose(out);
}

void plots_write(const json_t *results, const char *dir)
{
	write_flows(results, dir, "in", "v4");
	write_flows(results, dir, "in", "v6");
	write_flows(results, dir, "out", "v4");
	write_new(results, dir);
}
