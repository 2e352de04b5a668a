/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Puts results.json together, and reads it. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "results.h"

static json_t *read_figures(const char *path)
{
	FILE *in = fopen(path, "re");
	json_t *list = json_array(), *one;
	json_error_t error;
	char *line = NULL;
	size_t size = 0;

	if (!in)
		err(1, "%s", path);
	while (getline(&line, &size, in) > 0) {
		one = json_loads(line, 0, &error);
		if (!one)
			errx(1, "%s: %s", path, error.text);
		(void)json_array_append_new(list, one);
	}
	free(line);
	(void)fclose(in);
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
