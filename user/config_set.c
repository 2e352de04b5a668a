/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Sets the keys that have one value: numbers, times, switches, names. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "config_set.h"

int set_refused(struct parser *p, const struct config_key *key,
		const char *value, const struct why *why)
{
	config_error(p, p->line, "%s = %.80s: %s", key->name, value, why->text);
	return 0;
}

void *set_grow(void *array, size_t n, size_t size)
{
	/* Powers of two only, so that a long list is not copied every time. */
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? 2 * n : 1, size);
}

static int set_u32(struct parser *p, const struct config_key *key, uint64_t n)
{
	*(uint32_t *)set_place(p, key) = (uint32_t)n;
	return 0;
}

int set_number(struct parser *p, const struct config_key *key,
	       const char *value)
{
	struct why why;
	uint64_t n;

	if (value_number(value, key->min, key->max, &n, &why))
		return set_refused(p, key, value, &why);
	return set_u32(p, key, n);
}

int set_percent(struct parser *p, const struct config_key *key,
		const char *value)
{
	struct why why;
	uint64_t n;

	if (value_percent(value, key->min, key->max, &n, &why))
		return set_refused(p, key, value, &why);
	return set_u32(p, key, n);
}

int set_milliseconds(struct parser *p, const struct config_key *key,
		     const char *value)
{
	struct why why;
	uint64_t ms;

	if (value_time(value, key->min, key->max, &ms, &why))
		return set_refused(p, key, value, &why);
	return set_u32(p, key, ms);
}

int set_seconds(struct parser *p, const struct config_key *key,
		const char *value)
{
	struct why why;
	uint64_t ms;

	if (!value_time(value, key->min, key->max, &ms, &why)) {
		if (ms % 1000 == 0)
			return set_u32(p, key, ms / 1000);
		(void)why_not(&why, "must be whole seconds");
	}
	return set_refused(p, key, value, &why);
}

int set_switch(struct parser *p, const struct config_key *key,
	       const char *value)
{
	struct why why;

	if (value_switch(value, set_place(p, key), &why))
		return set_refused(p, key, value, &why);
	return 0;
}

int set_budget(struct parser *p, const struct config_key *key,
	       const char *value)
{
	struct why why, all;
	uint64_t n = 0;

	if (!strcmp(value, "off") ||
	    !value_number(value, key->min, key->max, &n, &why))
		return set_u32(p, key, n);
	(void)why_not(&all, "%s packets a second, or be off", why.text);
	return set_refused(p, key, value, &all);
}

int set_path(struct parser *p, const struct config_key *key, const char *value)
{
	char **path = set_place(p, key);
	struct why why;

	if (value_path(value, &why))
		return set_refused(p, key, value, &why);
	*path = strdup(value);
	return *path ? 0 : -ENOMEM;
}

int set_attach(struct parser *p, const struct config_key *key,
	       const char *value)
{
	struct why why;

	if (value_attach(value, &p->config->attach, &why))
		return set_refused(p, key, value, &why);
	return 0;
}

int set_table(struct parser *p, const struct config_key *key, const char *value)
{
	struct why why;
	uint64_t n = RT_TABLE_MAIN;

	if (!strcmp(value, "main"))
		return set_u32(p, key, n);
	if (value_number(value, key->min, key->max, &n, &why) ||
	    n == RT_TABLE_LOCAL) {
		(void)why_not(&why, "must be main or a number from 1 to "
				    "4294967295 other than 255, the kernel's "
				    "own table");
		return set_refused(p, key, value, &why);
	}
	return set_u32(p, key, n);
}

int set_protocol(struct parser *p, const struct config_key *key,
		 const char *value)
{
	uint64_t n = RTPROT_STATIC;
	struct why why;

	if (strcmp(value, "static") &&
	    value_number(value, key->min, key->max, &n, &why)) {
		(void)why_not(&why, "must be static or a number from 4 to 255 "
				    "(see rtnetlink(7))");
		return set_refused(p, key, value, &why);
	}
	*(uint8_t *)set_place(p, key) = (uint8_t)n;
	return 0;
}
