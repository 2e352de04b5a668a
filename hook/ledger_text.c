/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The ledger's file as text; reading it trusts nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "prefix.h"

#define HEADER "anyport-sessions 1"
/* Of times: room for what is added to them. */
#define TIME_MAX (INT64_MAX / 2)

__attribute__((format(printf, 4, 5))) static void
put(char *text, size_t size, size_t *at, const char *fmt, ...)
{
	va_list args;
	int n;

	if (*at >= size)
		return;
	va_start(args, fmt);
	n = vsnprintf(text + *at, size - *at, fmt, args);
	va_end(args);
	*at = n < 0 || (size_t)n >= size - *at ? size : *at + n;
}

size_t ledger_format(const struct ledger *ledger, char *text, size_t size)
{
	char dst[64], via[64];
	size_t at = 0;

	put(text, size, &at, HEADER "\n");
	for (size_t i = 0; i < ledger->n; i++) {
		const struct claim *c = &ledger->claim[i];

		put(text, size, &at,
		    "claim %" PRIu64 " %s %s %u %d %" PRIu64 " %" PRId64
		    " %" PRId64 " %" PRId64 " %u %u %u %d %d %" PRId64
		    " %" PRId64 "\n",
		    c->seq, c->instance, c->dev, c->ifindex, c->pid, c->started,
		    c->daemon_start, c->time_unix, c->at, c->table, c->metric,
		    c->protocol, c->gone, c->repair, c->heard, c->heard_at);
		for (size_t r = 0; r < c->n_route; r++)
			put(text, size, &at, "route %s/%u %s\n",
			    prefix_address(&c->route[r].dst, dst),
			    c->route[r].dst.length,
			    c->route[r].via.family
				    ? prefix_address(&c->route[r].via, via)
				    : "-");
	}
	return at;
}

static int next_number(char **save, uint64_t max, uint64_t *out)
{
	char *word = strtok_r(NULL, " ", save);
	char *end;

	if (!word || *word < '0' || *word > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(word, &end, 10);
	return errno || *end || *out > max ? -EINVAL : 0;
}

static int next_word(char **save, char *out, size_t size)
{
	char *word = strtok_r(NULL, " ", save);

	if (!word || strlen(word) >= size)
		return -EINVAL;
	strcpy(out, word);
	return 0;
}

static int parse_numbers(char **save, struct claim *c)
{
	uint64_t n[13];
	static const uint64_t max[13] = {
		UINT32_MAX, 1 << 30,    UINT64_MAX, TIME_MAX, TIME_MAX,
		TIME_MAX,   UINT32_MAX, UINT32_MAX, 255,      1,
		1,          INT64_MAX,  TIME_MAX,
	};

	for (int i = 0; i < 13; i++)
		if (next_number(save, max[i], &n[i]))
			return -EINVAL;
	c->ifindex = n[0];
	c->pid = n[1];
	c->started = n[2];
	c->daemon_start = n[3];
	c->time_unix = n[4];
	c->at = n[5];
	c->table = n[6];
	c->metric = n[7];
	c->protocol = n[8];
	c->gone = n[9];
	c->repair = n[10];
	c->heard = n[11];
	c->heard_at = n[12];
	return c->pid ? 0 : -EINVAL;
}

static int parse_claim(char **save, struct ledger *out)
{
	struct claim *c;

	if (out->n == LEDGER_CLAIMS)
		return -EINVAL;
	c = ledger_add(out);
	/* Room for one more: an overflow would make an old claim the newest. */
	if (next_number(save, UINT64_MAX / 2, &c->seq) || !c->seq ||
	    next_word(save, c->instance, sizeof(c->instance)) ||
	    instance_wrong(c->instance) ||
	    next_word(save, c->dev, sizeof(c->dev)) || device_wrong(c->dev))
		return -EINVAL;
	return parse_numbers(save, c);
}

static int parse_address(const char *text, struct ip_prefix *out)
{
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	out->length = out->family == AF_INET ? 32 : 128;
	return inet_pton(out->family, text, &out->v6) == 1 ? 0 : -EINVAL;
}

static int parse_route(char **save, struct ledger *out)
{
	struct claim *c = out->n ? &out->claim[out->n - 1] : NULL;
	char *slash, *save_length = NULL;
	struct hook_route *route;
	char dst[64], via[64];
	uint64_t length;

	if (!c || c->n_route == LEDGER_ROUTES ||
	    next_word(save, dst, sizeof(dst)) ||
	    next_word(save, via, sizeof(via)))
		return -EINVAL;
	route = &c->route[c->n_route];
	memset(route, 0, sizeof(*route));
	slash = strchr(dst, '/');
	if (!slash)
		return -EINVAL;
	*slash = ' ';
	strtok_r(dst, " ", &save_length);
	if (parse_address(dst, &route->dst) ||
	    next_number(&save_length, route->dst.length, &length))
		return -EINVAL;
	route->dst.length = length;
	if (strcmp(via, "-") && (parse_address(via, &route->via) ||
				 route->via.family != route->dst.family))
		return -EINVAL;
	c->n_route++;
	return 0;
}

static int parse_line(char *line, struct ledger *out)
{
	char *save = NULL;
	char *word = strtok_r(line, " ", &save);
	int err = -EINVAL;

	if (word && !strcmp(word, "claim"))
		err = parse_claim(&save, out);
	else if (word && !strcmp(word, "route"))
		err = parse_route(&save, out);
	return err || strtok_r(NULL, " ", &save) ? -EINVAL : 0;
}

int ledger_parse(char *text, struct ledger *out)
{
	char *save = NULL, *line;

	out->n = 0;
	if (!*text)
		return 0;
	line = strtok_r(text, "\n", &save);
	if (!line || strcmp(line, HEADER))
		return -EINVAL;
	while ((line = strtok_r(NULL, "\n", &save)))
		if (parse_line(line, out))
			return -EINVAL;
	return 0;
}
