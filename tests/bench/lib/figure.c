/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Samples, and the file that they go to. */
#include <err.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

#include "figure.h"

static FILE *out;

void samples_add(struct samples *s, double value)
{
	if (s->n == SAMPLES_MAX)
		errx(1, "more than %d samples of one figure", SAMPLES_MAX);
	s->at[s->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_at(struct samples *s, double at)
{
	double place = at * (double)(s->n - 1);
	size_t below = (size_t)place;

	if (!s->n)
		errx(1, "a figure without a sample");
	qsort(s->at, s->n, sizeof(*s->at), compare);
	if (below + 1 >= s->n)
		return s->at[s->n - 1];
	return s->at[below] +
	       (place - (double)below) * (s->at[below + 1] - s->at[below]);
}

/*
 * By the sign test, whatever the distribution: the median is below the K-th
 * smallest of N samples with the probability that a coin shows heads fewer than
 * K times.
 */
void samples_interval(struct samples *s, double *low, double *high)
{
	double chance = 1, below;
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++)
		chance /= 2;
	below = chance;
	while (below <= 0.025 && k < s->n / 2) {
		k++;
		chance *= (double)(s->n - k + 1) / (double)k;
		below += chance;
	}
	k = k ? k - 1 : 0;
	(void)samples_at(s, 0); /* sorts */
	*low = s->at[k];
	*high = s->at[s->n - 1 - k];
}

void figures_open(const char *path)
{
	out = fopen(path, "ae");
	if (!out || setvbuf(out, NULL, _IOLBF, BUFSIZ)) /* for who is killed */
		err(1, "%s", path);
}

void figure_put(struct samples *s, const char *unit, const char *name, ...)
{
	char text[160];
	va_list args;
	json_t *json, *list = json_array();

	va_start(args, name);
	(void)vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	for (size_t i = 0; i < s->n; i++)
		(void)json_array_append_new(list, json_real(s->at[i]));
	json = json_pack("{s:s, s:s, s:o}", "name", text, "unit", unit,
			 "samples", list);
	if (!json ||
	    json_dumpf(json, out, JSON_COMPACT | JSON_REAL_PRECISION(6)))
		errx(1, "cannot write a figure");
	(void)fputc('\n', out);
	json_decref(json);
}

void figures_close(void)
{
	if (fclose(out))
		err(1, "figures");
}
