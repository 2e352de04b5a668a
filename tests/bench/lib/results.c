/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Puts results.json together, and reads it. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "figure.h"
#include "results.h"

/* Of what was put by the same name, say by several loads, the samples are one
 * figure's. */
static void gather(json_t *list, json_t *one)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	json_t *other, *samples = json_object_get(one, "samples");
	size_t i;

	if (!name)
		errx(1, "a figure without a name");
	json_array_foreach(list, i, other)
	{
		if (strcmp(json_string_value(json_object_get(other, "name")),
			   name) != 0)
			continue;
		if (!samples ||
		    json_array_extend(json_object_get(other, "samples"),
				      samples))
			errx(1, "%s: there are two of it", name);
		return;
	}
	(void)json_array_append(list, one);
}

/* Samples become their median, quartiles and interval. */
static void sum_up(json_t *figure)
{
	struct samples s = { 0 };
	const json_t *list = json_object_get(figure, "samples"), *one;
	double low, high;
	size_t i;

	if (!list)
		return;
	json_array_foreach(list, i, one)
		samples_add(&s, json_number_value(one));
	samples_interval(&s, &low, &high);
	if (json_object_update_new(
		    figure,
		    json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "n",
			      (json_int_t)s.n, "median", samples_at(&s, 0.5),
			      "q1", samples_at(&s, 0.25), "q3",
			      samples_at(&s, 0.75), "low", low, "high",
			      high)) ||
	    json_object_del(figure, "samples"))
		errx(1, "a figure cannot be summed up");
}

static json_t *read_figures(const char *path)
{
	FILE *in = fopen(path, "re");
	json_t *list = json_array(), *one;
	json_error_t error;
	char *line = NULL;
	size_t size = 0, i;

	if (!in)
		err(1, "%s", path);
	while (getline(&line, &size, in) > 0) {
		one = json_loads(line, 0, &error);
		if (!one)
			errx(1, "%s: %s", path, error.text);
		gather(list, one);
		json_decref(one);
	}
	free(line);
	(void)fclose(in);
	json_array_foreach(list, i, one)
		sum_up(one);
	return list;
}

static void processor_name(char *name, size_t size)
{
	FILE *in = fopen("/proc/cpuinfo", "re");
	char line[256], *colon;

	(void)snprintf(name, size, "unknown");
	while (in && fgets(line, sizeof(line), in)) {
		colon = strstr(line, ": ");
		if (strncmp(line, "model name", 10) || !colon)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		(void)snprintf(name, size, "%s", colon + 2);
		break;
	}
	if (in)
		(void)fclose(in);
}

json_t *results_make(const char *figures, const char *mode)
{
	struct sysinfo memory;
	struct utsname kernel;
	char processor[128];
	json_t *results;

	if (sysinfo(&memory) || uname(&kernel))
		err(1, "what machine is this?");
	processor_name(processor, sizeof(processor));
	results = json_pack("{s:i, s:s, s:I, s:{s:s, s:i, s:I}, s:s, s:s, s:o}",
			    "schema", 1, "mode", mode, "time",
			    (json_int_t)time(NULL), "machine", "processor",
			    processor, "processors", get_nprocs(), "memory",
			    (json_int_t)memory.totalram * memory.mem_unit,
			    "kernel", kernel.release, "version", VERSION,
			    "figures", read_figures(figures));
	if (!results)
		errx(1, "out of memory");
	return results;
}

json_t *results_load(const char *path)
{
	json_error_t error;
	json_t *results = json_load_file(path, 0, &error);

	if (!results)
		errx(1, "%s:%d: %s", path, error.line, error.text);
	if (json_integer_value(json_object_get(results, "schema")) != 1)
		errx(1, "%s: another schema than 1", path);
	return results;
}

void results_save(const json_t *results, const char *path)
{
	if (json_dump_file(results, path,
			   JSON_INDENT(1) | JSON_REAL_PRECISION(6)))
		errx(1, "%s: cannot be written", path);
}

const json_t *results_figure(const json_t *results, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(
		json_object_get(results, "figures"), i,
		one) if (!strcmp(json_string_value(json_object_get(one,
								   "name")),
				 name)) return one;
	return NULL;
}

double figure_number(const json_t *figure, const char *key)
{
	return json_number_value(json_object_get(figure, key));
}
