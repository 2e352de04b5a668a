/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * report make FIGURES MODE RESULTS   tables on stdout, RESULTS written
 * report plots RESULTS DIR           the plots' data below DIR
 * report check RESULTS BASELINE      exit status 1 when something got worse
 * report accept RESULTS BASELINE     what RESULTS has is the baseline now
 */
#include <err.h>
#include <string.h>

#include "../lib/results.h"

static int make(const char *figures, const char *mode, const char *path)
{
	json_t *results = results_make(figures, mode);

	targets_judge(results);
	results_print(results, stdout);
	targets_print(results, stdout);
	results_save(results, path);
	json_decref(results);
	return 0;
}

static int check(const json_t *results, const char *path)
{
	json_t *baseline = results_load(path);
	bool holds = baseline_holds(baseline, results);

	(void)printf("\n%s\n", holds ? "Nothing is worse than the baseline."
				     : "Some is worse than the baseline.");
	json_decref(baseline);
	return holds ? 0 : 1;
}

static int accept_now(const json_t *results, const char *path)
{
	json_t *baseline = baseline_make(results);

	results_save(baseline, path);
	json_decref(baseline);
	return 0;
}

int main(int argc, char **argv)
{
	json_t *results;
	int status = 0;

	if (argc == 5 && !strcmp(argv[1], "make"))
		return make(argv[2], argv[3], argv[4]);
	if (argc != 4)
		errx(2, "make, plots, check or accept?");
	results = results_load(argv[2]);
	if (!strcmp(argv[1], "plots"))
		plots_write(results, argv[3]);
	else if (!strcmp(argv[1], "check"))
		status = check(results, argv[3]);
	else if (!strcmp(argv[1], "accept"))
		status = accept_now(results, argv[3]);
	else
		status = 2;
	json_decref(results);
	return status;
}
