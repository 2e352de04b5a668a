/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the hook has to say: to syslog, or to stderr for a person. */
#ifndef HOOKLOG_H
#define HOOKLOG_H

#include <stdbool.h>

/* For a command that somebody typed (or a unit's): stderr alone. */
void hooklog_stderr(void);

__attribute__((format(printf, 1, 2))) void hooklog_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void hooklog_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void hooklog_info(const char *fmt, ...);

/* One error per line of TEXT; at most MAX lines. */
void hooklog_lines(const char *text, int max);

#endif
