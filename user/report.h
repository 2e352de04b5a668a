/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What is wrong or worth knowing, each with the command that mends it. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct finding {
	bool wrong;    /* status exits 1; else a warning */
	char *what;    /* no full stop, no newline */
	char *command; /* what mends it; NULL: nothing to type */
};

struct report {
	struct finding *item;
	size_t n;
	bool incomplete; /* out of memory: something is missing here */
};

/* COMMAND may be NULL. The same finding is taken once. */
__attribute__((format(printf, 4, 5))) void report_add(struct report *report,
						      bool wrong,
						      const char *command,
						      const char *fmt, ...);

/* True when nothing is wrong; warnings do not count. */
bool report_good(const struct report *report);

/* One finding a line, PREFIX before each, the command on a line below. */
void report_print(const struct report *report, const char *prefix, FILE *out);
void report_free(struct report *report);

/* A printf-style command, to be freed; NULL when out of memory. */
__attribute__((format(printf, 1, 2))) char *text_of(const char *fmt, ...);

#endif
