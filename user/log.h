/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Messages for the operator: to stderr, errno kept. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

extern const char *log_name; /* printed before each line; "anyport" */
extern bool log_verbose;     /* -v: debug lines and the libraries' own output */

__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);

#endif
