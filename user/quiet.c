/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What libbpf and libxdp have to say: kept quiet, and the reasons kept. */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xdp/libxdp.h>

#include "log.h"
#include "quiet.h"

/* A refused program comes with all that the verifier walked through. */
#define LINES_MAX 60

static char reason[128];

const char *quiet_reason(void)
{
	return reason;
}

void quiet_forget(void)
{
	reason[0] = '\0';
}

/* libbpf prints a netlink extended acknowledgement behind this prefix. */
static void keep_reason(const char *line)
{
	static const char prefix[] = "Kernel error message: ";
	const char *said = strstr(line, prefix);

	if (said)
		(void)snprintf(reason, sizeof(reason), "%s",
			       said + sizeof(prefix) - 1);
}

/* Where the last LINES_MAX lines of TEXT begin. */
static char *tail_of(char *text)
{
	char *at = text + strlen(text);
	unsigned int n = 0;

	while (at > text && (at[-1] != '\n' || n++ < LINES_MAX))
		at--;
	return at;
}

__attribute__((format(printf, 1, 0))) static int heard(const char *fmt,
						       va_list args)
{
	char *text, *line, *rest;

	if (vasprintf(&text, fmt, args) < 0)
		return 0;
	rest = tail_of(text);
	while ((line = strsep(&rest, "\n"))) {
		keep_reason(line);
		if (*line)
			log_debug("%s", line);
	}
	free(text);
	return 0;
}

__attribute__((format(printf, 2, 0))) static int
from_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	return heard(fmt, args);
}

__attribute__((format(printf, 2, 0))) static int
from_libxdp(enum libxdp_print_level level, const char *fmt, va_list args)
{
	(void)level;
	return heard(fmt, args);
}

void quiet_libraries(void)
{
	libbpf_set_print(from_libbpf);
	libxdp_set_print(from_libxdp);
}
