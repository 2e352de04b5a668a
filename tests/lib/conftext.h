/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Texts as configurations, for cmocka: taken, or refused in certain words. */
#ifndef CONFTEXT_H
#define CONFTEXT_H

#include "config_parse.h"

/* Four lines: what is appended starts in line 5. */
#define DOOR                                                                   \
	"[door]\n"                                                             \
	"interface = eth0\n"                                                   \
	"address = 198.51.100.1\n"                                             \
	"\n"

/* What the parser takes for this machine's CPUs (link with a wrap). */
extern unsigned int conf_cpus;

/* ERRORS is the caller's to free; what config_parse() returns. */
int conf_parse(const char *text, size_t length, enum config_part part,
	       struct config **config, char **errors);
struct config *conf_good(const char *text);
/* The errors, the caller's to free. */
char *conf_bad(const char *text);
size_t conf_lines(const char *text);

struct refusal {
	const char *text; /* behind DOOR */
	unsigned int line;
	const char *why;
};

/* Exactly one error, at that line, with those words. */
void conf_refused(const struct refusal *r);

#define CONF_REFUSED(list)                                                     \
	for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)          \
	conf_refused(&(list)[i])

#endif
