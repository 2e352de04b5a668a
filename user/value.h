/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * One function per type of value, for the configuration and for the command
 * line: the whole text must be the value. 0, or -EINVAL and in WHY what is
 * allowed.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct why {
	char text[200];
};

__attribute__((format(printf, 2, 3))) int why_not(struct why *why,
						  const char *fmt, ...);

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *out,
		 struct why *why);
int value_percent(const char *text, uint64_t min, uint64_t max, uint64_t *out,
		  struct why *why);
/* 300, 300s, 5min or 500ms; a bare number is seconds. */
int value_time(const char *text, uint64_t min_ms, uint64_t max_ms,
	       uint64_t *ms, struct why *why);
int value_switch(const char *text, bool *out, struct why *why);
int value_attach(const char *text, enum attach_mode *out, struct why *why);
const char *attach_name(enum attach_mode mode);
int value_port(const char *text, uint16_t *port, struct why *why);
/* 67 or 67-68 */
int value_ports(const char *text, uint16_t *first, uint16_t *last,
		struct why *why);
/* A unicast address that other hosts can reach. */
int value_address(const char *text, struct ip_prefix *out, struct why *why);
/* The same with a prefix length; without one it is a host's. */
int value_prefix(const char *text, struct ip_prefix *out, struct why *why);
int value_interface(const char *text, char out[IF_NAMESIZE], struct why *why);
int value_path(const char *text, struct why *why);

bool prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);
/* "198.51.100.1", "2001:db8::/32": the length only when it is not a host's. */
#define PREFIX_TEXT 64
const char *prefix_text(const struct ip_prefix *prefix, char out[PREFIX_TEXT]);

#endif
