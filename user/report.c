/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What is wrong or worth knowing, each with the command that mends it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

char *text_of(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

static bool report_has(const struct report *report, const char *what)
{
	for (size_t i = 0; i < report->n; i++)
		if (!strcmp(report->item[i].what, what))
			return true;
	return false;
}

/* Takes WHAT and COMMAND over. */
static void report_take(struct report *report, bool wrong, char *what,
			char *command)
{
	struct finding *item;

	if (!report_has(report, what)) {
		item = reallocarray(report->item, report->n + 1, sizeof(*item));
		if (item) {
			report->item = item;
			item[report->n++] =
				(struct finding){ wrong, what, command };
			return;
		}
		report->incomplete = true;
	}
	free(what);
	free(command);
}

void report_add(struct report *report, bool wrong, const char *command,
		const char *fmt, ...)
{
	va_list args;
	char *what, *copy = command ? strdup(command) : NULL;

	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		what = NULL;
	va_end(args);
	if (what && (copy || !command)) {
		report_take(report, wrong, what, copy);
		return;
	}
	report->incomplete = true;
	free(what);
	free(copy);
}

bool report_good(const struct report *report)
{
	for (size_t i = 0; i < report->n; i++)
		if (report->item[i].wrong)
			return false;
	return !report->incomplete;
}

void report_print(const struct report *report, const char *prefix, FILE *out)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct finding *f = &report->item[i];

		fprintf(out, "%s%s\n", prefix, f->what);
		if (f->command)
			fprintf(out, "%*smend: %s\n", (int)strlen(prefix), "",
				f->command);
	}
	if (report->incomplete)
		fprintf(out, "%sout of memory: this list is incomplete\n",
			prefix);
}

void report_free(struct report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		free(report->item[i].what);
		free(report->item[i].command);
	}
	free(report->item);
	*report = (struct report){ 0 };
}
