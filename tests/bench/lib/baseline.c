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

enum verdict { HOLDS, NOT_SETTLED, WORSE };

static enum verdict judge(const json_t *f, double was, double tolerance,
			  bool more_is_better)
{
	double is = figure_number(f, "median");

	if (more_is_better ? is >= was * (1 - tolerance)
			   : is <= was * (1 + tolerance))
		return HOLDS;
	if (more_is_better ? figure_number(f, "high") >= was
			   : figure_number(f, "low") <= was)
		return NOT_SETTLED;
	return WORSE;
}

static bool more_is_better(const char *name)
{
	for (size_t i = 0; i < WATCHED; i++)
		if (!strcmp(watched[i].name, name))
			return watched[i].more_is_better;
	return false;
}

bool baseline_holds(const json_t *baseline, const json_t *results)
{
	static const char *const says[] = {
		[NOT_SETTLED] = "not settled, measure again",
		[WORSE] = "worse",
	};
	double tolerance = figure_number(baseline, "tolerance"), was;
	enum verdict verdict;
	const char *name;
	json_t *ratio;
	bool holds = true;

	json_object_foreach(json_object_get(baseline, "ratios"), name, ratio)
	{
		const json_t *f = results_figure(results, name);

		if (!f) {
			holds = false;
			(void)fprintf(stderr, "not measured: %s\n", name);
			continue;
		}
		was = json_number_value(ratio);
		verdict = judge(f, was, tolerance, more_is_better(name));
		if (verdict == HOLDS)
			continue;
		holds = holds && verdict != WORSE;
		(void)fprintf(stderr, "%s: %s: %.3f (%.3f to %.3f), was %.3f\n",
			      says[verdict], name, figure_number(f, "median"),
			      figure_number(f, "low"), figure_number(f, "high"),
			      was);
	}
	return holds;
}
