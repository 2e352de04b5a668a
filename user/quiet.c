/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What libbpf and libxdp have to say: kept quiet, and the reasons kept. */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

#include "log.h"
#include "quiet.h"

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

__attribute__((format(printf, 1, 0))) static int heard(const char *fmt,
						       va_list args)
{
	char line[1024];

	(void)vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	keep_reason(line);
	log_debug("%s", line);
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
