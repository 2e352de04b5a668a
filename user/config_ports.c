/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Sets the keys that hold ports; config_check.c compares them afterwards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_set.h"

/*
 * DHCP, server and client, both families: without it the server may lose its
 * own address, and with it the operator the server.
 */
static bool always_passes(enum ap_proto proto, uint16_t port)
{
	return proto == AP_UDP &&
	       (port == 67 || port == 68 || port == 546 || port == 547);
}

static int not_always(enum ap_proto proto, uint16_t port, struct why *why)
{
	if (!always_passes(proto, port))
		return 0;
	return why_not(why, "UDP %u is DHCP and always passes", port);
}

static int add_entry(struct port_entries *list, uint16_t first, uint16_t last,
		     unsigned int line)
{
	struct port_entry *longer;

	longer = set_grow(list->entry, list->n, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	list->entry = longer;
	list->entry[list->n++] = (struct port_entry){ first, last, line };
	return 0;
}

static unsigned int line_of(const struct port_entries *list, unsigned int port)
{
	for (size_t i = 0; i < list->n; i++)
		if (port >= list->entry[i].first && port <= list->entry[i].last)
			return list->entry[i].line;
	return 0;
}

int set_target(struct parser *p, const struct config_key *key,
	       const char *value)
{
	struct why why;
	uint16_t port;

	if (value_port(value, &port, &why) ||
	    not_always(set_proto(key), port, &why))
		return set_refused(p, key, value, &why);
	*(uint16_t *)set_place(p, key) = port;
	return 0;
}

/* One "67" or "67-68" of a list. */
static int add_ports(struct parser *p, const struct config_key *key,
		     const char *text, struct port_entries *list)
{
	struct port_set *set = set_place(p, key);
	uint16_t first = 1, last = 0;
	struct why why;
	int err = *text ? value_ports(text, &first, &last, &why)
			: why_not(&why, "a port is missing between commas");

	for (unsigned int port = first; !err && port <= last; port++)
		if (port_in(set, (uint16_t)port))
			err = why_not(&why, "port %u is in line %u already",
				      port, line_of(list, port));
	if (err)
		return set_refused(p, key, text, &why);
	for (unsigned int port = first; port <= last; port++)
		set->bits[port >> 6] |= 1ULL << (port & 63);
	return add_entry(list, first, last, p->line);
}

static int add_list(struct parser *p, const struct config_key *key,
		    const char *value, struct port_entries *list)
{
	char text[CONFIG_LINE_MAX + 1], *rest = text, *one, *end;
	int err = 0;

	(void)snprintf(text, sizeof(text), "%s", value);
	while (!err && (one = strsep(&rest, ","))) {
		one += strspn(one, " \t");
		for (end = one + strlen(one); end > one; *end = '\0')
			if (!strchr(" \t", *--end))
				break;
		err = add_ports(p, key, one, list);
	}
	return err;
}

int set_pass(struct parser *p, const struct config_key *key, const char *value)
{
	return add_list(p, key, value, &p->pass[set_proto(key)]);
}

int set_claim(struct parser *p, const struct config_key *key, const char *value)
{
	return add_list(p, key, value, &p->claim[set_proto(key)]);
}

/* "443:4443" */
static int value_map(const char *value, struct port_map *out, struct why *why)
{
	const char *colon = strchr(value, ':');
	char dialled[8] = "";

	if (!colon || (size_t)(colon - value) >= sizeof(dialled))
		return why_not(why, "must be DIALLED:LOCAL, two ports such as "
				    "443:4443");
	memcpy(dialled, value, (size_t)(colon - value));
	if (value_port(dialled, &out->dialled, why))
		return -EINVAL;
	return value_port(colon + 1, &out->target, why);
}

int set_map(struct parser *p, const struct config_key *key, const char *value)
{
	enum ap_proto proto = set_proto(key);
	struct proto_config *c = &p->config->proto[proto];
	struct port_entries *list = &p->map[proto];
	struct port_map one = { 0 }, *longer;
	struct why why;
	unsigned int line;
	int err = value_map(value, &one, &why);

	if (!err)
		err = not_always(proto, one.dialled, &why);
	if (!err)
		err = not_always(proto, one.target, &why);
	if (!err && (line = line_of(list, one.dialled)))
		err = why_not(&why, "port %u is mapped in line %u already",
			      one.dialled, line);
	if (err)
		return set_refused(p, key, value, &why);
	longer = set_grow(c->map, c->n_map, sizeof(one));
	if (!longer)
		return -ENOMEM;
	c->map = longer;
	c->map[c->n_map++] = one;
	return add_entry(list, one.dialled, one.dialled, p->line);
}

int set_nat_ports(struct parser *p, const struct config_key *key,
		  const char *value)
{
	struct limits_config *limits = &p->config->limits;
	struct why why, all;

	if (!strcmp(value, "none")) {
		limits->nat_first = 1;
		limits->nat_last = 0;
		return 0;
	}
	if (!value_ports(value, &limits->nat_first, &limits->nat_last, &why))
		return 0;
	(void)why_not(&all, "%s; or none", why.text);
	return set_refused(p, key, value, &all);
}
