/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Texts as configurations, for cmocka: taken, or refused in certain words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conftext.h"

unsigned int conf_cpus = 2;

unsigned int __wrap_config_cpus(void);
unsigned int __wrap_config_cpus(void)
{
	return conf_cpus;
}

int conf_parse(const char *text, size_t length, enum config_part part,
	       struct config **config, char **errors)
{
	size_t size;
	FILE *out = open_memstream(errors, &size);
	FILE *in = length ? fmemopen((void *)(uintptr_t)text, length, "r")
			  : fopen("/dev/null", "r");
	int err;

	assert_non_null(in);
	assert_non_null(out);
	*config = NULL;
	err = config_parse(in, "t.conf", part, out, config);
	fclose(in);
	fclose(out);
	return err;
}

struct config *conf_good(const char *text)
{
	struct config *config;
	char *errors;
	int err = conf_parse(text, strlen(text), CONFIG_ALL, &config, &errors);

	if (err)
		fail_msg("refused:\n%s", errors);
	assert_string_equal(errors, "");
	free(errors);
	return config;
}

char *conf_bad(const char *text)
{
	struct config *config;
	char *errors;
	int err = conf_parse(text, strlen(text), CONFIG_ALL, &config, &errors);

	if (err != -EINVAL)
		fail_msg("%d, not refused:\n%s", err, text);
	assert_null(config);
	return errors;
}

size_t conf_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

void conf_refused(const struct refusal *r)
{
	char text[4096], start[32];
	char *errors;

	assert_true(snprintf(text, sizeof(text), DOOR "%s", r->text) <
		    (int)sizeof(text));
	errors = conf_bad(text);
	(void)snprintf(start, sizeof(start), "t.conf:%u: ", r->line);
	if (conf_lines(errors) != 1 || strncmp(errors, start, strlen(start)) ||
	    !strstr(errors, r->why))
		fail_msg("expected \"%s...%s\" alone for\n%sgot\n%s", start,
			 r->why, r->text, errors);
	free(errors);
}
