/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* All figures of a run, what they were to be, and what they were before. */
#ifndef RESULTS_H
#define RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * The document of a run, results.json:
 *   schema 1; mode; time (Unix seconds); machine {processor, processors,
 *   memory (bytes)}; kernel; version
 *   figures [{name, unit, n, median, q1, q3, low, high}]
 *   targets [{text, figure, at_most or at_least, value, reached}]
 * Made of the file that figure_put() has written. Errors end the program.
 */
json_t *results_make(const char *figures, const char *mode);
json_t *results_load(const char *path);
void results_save(const json_t *results, const char *path);

/* NULL if there is no such figure. */
const json_t *results_figure(const json_t *results, const char *name);
double figure_number(const json_t *figure, const char *key);

/* Tables for people, one for each kind of figure. */
void results_print(const json_t *results, FILE *out);

/* Adds "targets" to RESULTS: of those whose figures were measured. */
void targets_judge(json_t *results);
void targets_print(const json_t *results, FILE *out);

/*
 * What must not get worse: the baseline has some of the ratios of a quick run.
 * False, and lines on stderr, when one was not measured, or is worse by more than
 * the baseline's tolerance and by all of its interval worse than the baseline;
 * what only seems worse is named, and holds.
 */
bool baseline_holds(const json_t *baseline, const json_t *results);
json_t *baseline_make(const json_t *results);

/* Writes the plots' data below DIR. */
void plots_write(const json_t *results, const char *dir);

#endif
