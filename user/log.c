/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Messages for the operator: one line each on stderr. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

const char *log_name = "anyport";
bool log_verbose;

/* errno is kept: callers log first and return it afterwards. */
__attribute__((format(printf, 2, 0))) static void
log_line(const char *level, const char *fmt, va_list args)
{
	int saved = errno;
	char line[2048];

	(void)vsnprintf(line, sizeof(line), fmt, args);
	(void)fprintf(stderr, "%s: %s%s\n", log_name, level, line);
	errno = saved;
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line("", fmt, args);
	va_end(args);
}

void log_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line("warning: ", fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line("", fmt, args);
	va_end(args);
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	if (!log_verbose)
		return;
	va_start(args, fmt);
	log_line("debug: ", fmt, args);
	va_end(args);
}
