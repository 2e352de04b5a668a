/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The shipped file and the manual page name every key, default and range. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config_set.h"
#include "conftext.h"

#define SHIPPED "conf/anyport.conf"
#define MANUAL  "user/anyport.conf.5"

static char *shipped, *manual;

static char *slurp(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *in = fopen(path, "r");

	if (!text || !in || !fread(text, 1, 65535, in))
		fail_msg("%s: cannot be read", path);
	fclose(in);
	return text;
}

/*
 * The part of TEXT from BEGIN (at a line's start) up to the next line that
 * starts with END; the caller's to free. NULL: there is no BEGIN.
 */
static char *part(const char *text, const char *begin, const char *end)
{
	const char *from = text, *to;
	char mark[64];

	if (strncmp(text, begin, strlen(begin))) {
		(void)snprintf(mark, sizeof(mark), "\n%s", begin);
		from = strstr(text, mark);
		if (!from)
			return NULL;
		from++;
	}
	(void)snprintf(mark, sizeof(mark), "\n%s", end);
	to = strstr(from, mark);
	return to ? strndup(from, (size_t)(to - from + 1)) : strdup(from);
}

static char *number(const struct config_key *key, uint64_t n, char out[32])
{
	bool ms = key->set == set_seconds || key->set == set_milliseconds;

	if (!ms)
		(void)snprintf(out, 32, "%" PRIu64, n);
	else if (n % 1000)
		(void)snprintf(out, 32, "%" PRIu64 "ms", n);
	else
		(void)snprintf(out, 32, "%" PRIu64 "s", n / 1000);
	return out;
}

/* Line breaks as blanks, and without the # of comments. */
static void unfold(char *text)
{
	for (char *s = text; *s; s++)
		if (*s == '\n' || *s == '#')
			*s = ' ';
	for (char *s = strstr(text, "  "); s; s = strstr(text, "  "))
		memmove(s, s + 1, strlen(s));
}

static void has_range(const struct config_key *key, char *text,
		      const char *fmt_from, const char *where)
{
	char from[32], to[32], range[128];

	if (!key->max)
		return;
	unfold(text);
	(void)snprintf(range, sizeof(range), "%s%s to %s", fmt_from,
		       number(key, key->min, from), number(key, key->max, to));
	if (!strcasestr(text, range))
		fail_msg("%s: %s: no \"%s\" in: %s", where, key->name, range,
			 text);
}

/* The lines of SECTION from the end of the block before KEY's to its own. */
static char *shipped_block(const char *section, const char *key, char **line)
{
	char name[64], *at = NULL, *start;

	for (int comment = 1; comment >= 0 && !at; comment--) {
		(void)snprintf(name, sizeof(name),
			       "\n%s%s = ", comment ? "#" : "", key);
		at = strstr(section, name);
	}
	if (!at)
		return NULL;
	*line = at + strlen(name);
	for (start = at; start > section; start--)
		if (start[0] == '\n' && start[-1] == '\n')
			break;
	return strndup(start, (size_t)(at - start));
}

static void shipped_file(void **state)
{
	char begin[32];

	(void)state;
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		char *section, *block, *value = NULL;

		(void)snprintf(begin, sizeof(begin), "[%s]", key->section);
		section = part(shipped, begin, "[");
		assert_non_null(section);
		block = shipped_block(section, key->name, &value);
		if (!block)
			fail_msg(SHIPPED ": %s has no %s", begin, key->name);
		if (!strchr(block, '#'))
			fail_msg(SHIPPED ": %s: no comment", key->name);
		value[strcspn(value, "\n")] = '\0';
		if (key->preset && strcmp(value, key->preset))
			fail_msg(SHIPPED ": %s: %s, not %s", key->name, value,
				 key->preset);
		has_range(key, block, "from ", SHIPPED);
		free(block);
		free(section);
	}
}

static void manual_page(void **state)
{
	char begin[64], preset[64];
	size_t entries = 0;

	(void)state;
	for (const char *s = manual; (s = strstr(s, "\n.BI \"")); s++)
		entries++;
	assert_int_equal(entries, config_n_keys);
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		char *section, *entry;

		(void)snprintf(begin, sizeof(begin), ".SS [%s]\n",
			       key->section);
		section = part(manual, begin, ".S");
		assert_non_null(section);
		(void)snprintf(begin, sizeof(begin), ".BI \"%s = \" ",
			       key->name);
		entry = part(section, begin, ".TP");
		if (!entry)
			fail_msg(MANUAL ": no %s in [%s]", key->name,
				 key->section);
		(void)snprintf(preset, sizeof(preset), "\nDefault: %s.\n",
			       key->preset ? key->preset : "none");
		if (!strstr(entry, preset))
			fail_msg(MANUAL ": %s: not %s", key->name, preset + 1);
		if (key->repeats && !strstr(entry, "\nMay repeat"))
			fail_msg(MANUAL ": %s may repeat", key->name);
		has_range(key, entry, "Range: ", MANUAL);
		free(entry);
		free(section);
	}
}

/* Takes the # off "#key = value" in [door], or everywhere. */
static char *uncomment(bool everywhere)
{
	const char *end = everywhere ? NULL : strstr(shipped, "[udp]");
	char *out = strdup(shipped), *to = out;

	for (const char *s = shipped; *s; s++)
		if (*s != '#' || !islower((unsigned char)s[1]) ||
		    s[-1] != '\n' || (end && s > end))
			*to++ = *s;
	*to = '\0';
	return out;
}

static void as_shipped(void **state)
{
	char *errors = conf_bad(shipped);

	(void)state;
	/* Only what nobody but the operator can know is missing. */
	assert_int_equal(conf_lines(errors), 2);
	assert_non_null(strstr(errors, "names no interface; add"));
	assert_non_null(strstr(errors, "names no address; add"));
	free(errors);
}

static void filled_in(void **state)
{
	char *text = uncomment(false);
	struct config *c = conf_good(text);
	struct config *plain = conf_good(DOOR);

	(void)state;
	assert_int_equal(c->n_address, 2);
	assert_true(port_in(&c->proto[AP_TCP].pass, 22));
	assert_memory_equal(&c->limits, &plain->limits, sizeof(c->limits));
	assert_memory_equal(&c->proto[AP_UDP], &plain->proto[AP_UDP],
			    sizeof(c->proto[AP_UDP]));
	config_free(c);
	config_free(plain);
	free(text);
}

/* The examples too, with all defaults written out. */
static void everything(void **state)
{
	char *text = uncomment(true);
	struct config *c = conf_good(text);
	struct config *plain = conf_good(DOOR);

	(void)state;
	assert_memory_equal(&c->limits, &plain->limits, sizeof(c->limits));
	assert_string_equal(c->hook.users, plain->hook.users);
	assert_string_equal(c->hook.state, plain->hook.state);
	assert_int_equal(c->hook.table, plain->hook.table);
	assert_int_equal(c->hook.deadline, plain->hook.deadline);
	assert_int_equal(c->n_instance, 2);
	assert_non_null(c->instance[1].management);
	assert_non_null(c->instance[1].status);
	config_free(c);
	config_free(plain);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_file), cmocka_unit_test(manual_page),
		cmocka_unit_test(as_shipped),   cmocka_unit_test(filled_in),
		cmocka_unit_test(everything),
	};
	int failed;

	shipped = slurp(SHIPPED);
	manual = slurp(MANUAL);
	failed = cmocka_run_group_tests_name("config_docs", tests, NULL, NULL);
	free(shipped);
	free(manual);
	return failed;
}
