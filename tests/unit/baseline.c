/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the benchmark calls worse than its baseline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../bench/lib/results.h"

static const char less[] = "new/native:iptables/v4",
		  more[] = "bulk/native 443:1194/v4";

/* Does a run with this median and interval hold against WAS? */
static bool holds(const char *name, double was, double median, double low,
		  double high)
{
	json_t *baseline = json_pack("{s:f, s:{s:f}}", "tolerance", 0.15,
				     "ratios", name, was);
	json_t *results =
		json_pack("{s:[{s:s, s:f, s:f, s:f}]}", "figures", "name", name,
			  "median", median, "low", low, "high", high);
	bool is = baseline_holds(baseline, results);

	json_decref(baseline);
	json_decref(results);
	return is;
}

static void within_tolerance(void **state)
{
	(void)state;
	assert_true(holds(less, 0.20, 0.22, 0.21, 0.23));
	assert_true(holds(less, 0.20, 0.10, 0.09, 0.11));
	assert_true(holds(more, 1.00, 0.90, 0.88, 0.92));
	assert_true(holds(more, 1.00, 1.40, 1.30, 1.50));
}

static void worse(void **state)
{
	(void)state;
	assert_false(holds(less, 0.20, 0.24, 0.21, 0.30));
	assert_false(holds(more, 1.00, 0.80, 0.70, 0.98));
}

/* A neighbour on the same host makes any figure look bad, but not narrow. */
static void not_settled(void **state)
{
	(void)state;
	assert_true(holds(less, 0.20, 0.24, 0.19, 0.40));
	assert_true(holds(more, 1.00, 0.80, 0.60, 1.01));
}

static void not_measured(void **state)
{
	json_t *baseline = json_pack("{s:f, s:{s:f}}", "tolerance", 0.15,
				     "ratios", less, 0.20);
	json_t *results = json_pack("{s:[]}", "figures");

	(void)state;
	assert_false(baseline_holds(baseline, results));
	json_decref(baseline);
	json_decref(results);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_tolerance),
		cmocka_unit_test(worse),
		cmocka_unit_test(not_settled),
		cmocka_unit_test(not_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
