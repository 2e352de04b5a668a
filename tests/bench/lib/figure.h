/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Figures: many samples of one thing, kept as a median with its quartiles. */
#ifndef FIGURE_H
#define FIGURE_H

#include <stddef.h>
#include <stdio.h>

#define SAMPLES_MAX 1024

struct samples {
	size_t n;
	double at[SAMPLES_MAX];
};

void samples_add(struct samples *s, double value);
/* The value that the fraction AT of them is below; sorts S. */
double samples_at(struct samples *s, double at);
/* The interval that holds the true median with a probability of 95 %; all of
 * the samples when they are too few to say. Sorts S. */
void samples_interval(struct samples *s, double *low, double *high);

/*
 * Figures go to a file, a JSON object a line: name, unit, samples. What is put
 * by one name more than once is one figure in the end (results_make()).
 * Names have parts, "udp/native/v4/10000/small". Errors end the program.
 */
void figures_open(const char *path);
void figure_put(struct samples *s, const char *unit, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
void figures_close(void);

#endif
