/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What must not get worse. */
#include <err.h>
#include <string.h>

#include "results.h"

#define TOLERANCE 0.15

/* Ratios that rounds of a second or two settle; the others vary more than the
 * tolerance from run to run. */
static const struct {
	const char *name;
	bool more_is_better;
} watched[] = {
	{ "in/native:iptables/v4/1/small", false },
	{ "in/native:iptables/v4/10000/small", false },
	{ "in/native:iptables/v6/10000/small", false },
	{ "in/tc:iptables/v4/10000/small", false },
	{ "out/native:iptables/v4/10000/small", false },
	{ "new/native:iptables/v4", false },
	{ "new/native:iptables/v6", false },
	{ "new/limited:iptables/v4", false },
	{ "connect/native 443:1194/v4", true },
	{ "bulk/native 443:1194/v4", true },
	{ "memory/door:conntrack/v4", false },
	{ "memory/door:conntrack/v6", false },
	{ "hook/hook:sudo/pair", false },
};
#define WATCHED (sizeof(watched) / sizeof(*watched))

json_t *baseline_make(const json_t *results)
{
	const char *mode = json_string_value(json_object_get(results, "mode"));
	json_t *ratios = json_object();

	if (!mode || strcmp(mode, "quick") != 0)
		errx(1, "only a quick run can be the baseline of quick runs");

	for (size_t i = 0; i < WATCHED; i++) {
		const json_t *f = results_figure(results, watched[i].name);

		if (!f)
			errx(1, "not measured: %s; the baseline stays",
			     watched[i].name);
		(void)json_object_set_new(
			ratios, watched[i].name,
			json_real(figure_number(f, "median")));
	}
	return json_pack("{s:i, s:f, s:O, s:O, s:o}", "schema", 1, "tolerance",
			 TOLERANCE, "machine",
			 json_object_get(results, "machine"), "kernel",
			 json_object_get(results, "kernel"), "ratios", ratios);
}

static bool worse(const char *name, double was, double is, double tolerance)
{
	for (size_t i = 0; i < WATCHED; i++)
		if (!strcmp(watched[i].name, name) && watched[i].more_is_better)
			return is < was * (1 - tolerance);
	return is > was * (1 + tolerance);
}

bool baseline_holds(const json_t *baseline, const json_t *results)
{
	double tolerance = figure_number(baseline, "tolerance"), was, is;
	const char *name;
	json_t *ratio;
	bool holds = true;

	json_object_foreach(json_object_get(baseline, "ratios"), name, ratio)
	{
		const json_t *f = results_figure(results, name);

		was = json_number_value(ratio);
		is = f ? figure_number(f, "median") : 0;
		if (f && !worse(name, was, is, tolerance))
			continue;
		holds = false;
		if (f)
			(void)fprintf(stderr, "worse: %s: %.3f, was %.3f\n",
				      name, is, was);
		else
			(void)fprintf(stderr, "not measured: %s\n", name);
	}
	return holds;
}
