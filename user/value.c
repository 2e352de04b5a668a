/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Numbers, times, ports, names and paths, read strictly from text. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "value.h"

int why_not(struct why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/*
 * Decimal digits at the start of TEXT; *END is behind them. strtoull() would
 * take blanks and signs too.
 */
static bool digits(const char *text, const char **end, uint64_t *out)
{
	uint64_t n = 0;

	for (*end = text; isdigit((unsigned char)**end); (*end)++) {
		if (n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(**end - '0');
	}
	*out = n;
	return *end != text;
}

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *out,
		 struct why *why)
{
	const char *end;

	if (digits(text, &end, out) && !*end && *out >= min && *out <= max)
		return 0;
	return why_not(why,
		       "must be a whole number from %" PRIu64 " to %" PRIu64,
		       min, max);
}

int value_percent(const char *text, uint64_t min, uint64_t max, uint64_t *out,
		  struct why *why)
{
	const char *end;

	if (digits(text, &end, out) && (!*end || !strcmp(end, "%")) &&
	    *out >= min && *out <= max)
		return 0;
	return why_not(why, "must be from %" PRIu64 " to %" PRIu64 " percent",
		       min, max);
}

static bool unit_ms(const char *unit, uint64_t *ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "", 1000 },
		{ "s", 1000 },
		{ "ms", 1 },
		{ "min", 60000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name))
			continue;
		*ms = units[i].ms;
		return true;
	}
	return false;
}

static const char *time_text(uint64_t ms, char out[24])
{
	if (ms % 1000)
		(void)snprintf(out, 24, "%" PRIu64 "ms", ms);
	else
		(void)snprintf(out, 24, "%" PRIu64 "s", ms / 1000);
	return out;
}

int value_time(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *ms,
	       struct why *why)
{
	char from[24], to[24];
	const char *end;
	uint64_t unit;

	if (digits(text, &end, ms)) {
		while (*end == ' ' || *end == '\t')
			end++;
		/* Compared before the product, which could wrap. */
		if (unit_ms(end, &unit) && *ms <= max_ms / unit &&
		    *ms * unit >= min_ms) {
			*ms *= unit;
			return 0;
		}
	}
	return why_not(why,
		       "must be a time from %s to %s: a whole number, then ms, "
		       "s (also when nothing follows) or min",
		       time_text(min_ms, from), time_text(max_ms, to));
}

int value_switch(const char *text, bool *out, struct why *why)
{
	*out = !strcmp(text, "on") || !strcmp(text, "yes");
	if (*out || !strcmp(text, "off") || !strcmp(text, "no"))
		return 0;
	return why_not(why, "must be on or off (yes and no do as well)");
}

int value_port(const char *text, uint16_t *port, struct why *why)
{
	const char *end;
	uint64_t n;

	if (!digits(text, &end, &n) || *end || n < 1 || n > 65535)
		return why_not(why, "a port must be a number from 1 to 65535");
	*port = (uint16_t)n;
	return 0;
}

int value_ports(const char *text, uint16_t *first, uint16_t *last,
		struct why *why)
{
	uint64_t from = 0, to;
	const char *end;
	bool ok = digits(text, &end, &from);

	to = from;
	if (ok && *end) {
		end += strspn(end, " \t");
		ok = *end == '-';
		end += ok;
		end += strspn(end, " \t");
		ok = ok && digits(end, &end, &to) && !*end;
	}
	if (!ok)
		return why_not(why, "must be a port, 1 to 65535, or a range of "
				    "ports such as 67-68");
	if (from < 1 || to < 1 || from > 65535 || to > 65535)
		return why_not(why, "a port must be a number from 1 to 65535");
	if (from > to)
		return why_not(why,
			       "the range is reversed; write %" PRIu64
			       "-%" PRIu64,
			       to, from);
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
}

/* What the kernel takes for a name, less '%', which it replaces by a number. */
int value_interface(const char *text, char out[IF_NAMESIZE], struct why *why)
{
	size_t length = strlen(text);

	if (!length || length >= IF_NAMESIZE)
		return why_not(why, "an interface name has 1 to %d characters",
			       IF_NAMESIZE - 1);
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)text[i]) || strchr("/:%,", text[i]))
			return why_not(why, "is not an interface name (one "
					    "name a line)");
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return why_not(why, "is not an interface name");
	memcpy(out, text, length + 1);
	return 0;
}

int value_path(const char *text, struct why *why)
{
	if (text[0] != '/')
		return why_not(why, "must be an absolute path, such as "
				    "/etc/openvpn/users");
	return 0;
}

static const char *const attach_modes[] = {
	[ATTACH_AUTO] = "auto",
	[ATTACH_NATIVE] = "native",
	[ATTACH_GENERIC] = "generic",
	[ATTACH_TC] = "tc",
};

int value_attach(const char *text, enum attach_mode *out, struct why *why)
{
	for (int i = ATTACH_AUTO; i <= ATTACH_TC; i++) {
		if (strcmp(text, attach_modes[i]))
			continue;
		*out = (enum attach_mode)i;
		return 0;
	}
	return why_not(why, "must be auto, native, generic or tc");
}

const char *attach_name(enum attach_mode mode)
{
	return attach_modes[mode];
}
