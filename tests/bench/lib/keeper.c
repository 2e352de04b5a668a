/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Asks anyport and conntrack. */
#include <err.h>
#include <jansson.h>
#include <stdio.h>

#include "keeper.h"
#include "ns.h"

static json_t *ask_anyport(const struct path *p, const char *what)
{
	char command[200];
	json_error_t error;
	json_t *json;
	FILE *f;

	(void)snprintf(command, sizeof(command),
		       "nsenter --net=/run/netns/%s build/anyport %s", p->ns,
		       what);
	f = popen(command, "re");
	json = f ? json_loadf(f, 0, &error) : NULL;
	if (!json || pclose(f))
		errx(1, "%s: no answer from: %s", p->name, command);
	return json;
}

static uint64_t number(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		errx(1, "anyport does not say \"%s\"", key);
	return (uint64_t)json_integer_value(value);
}

void keeper_counts(const struct path *p, struct counts *c)
{
	json_t *root = ask_anyport(p, "stats --json");
	json_t *j = json_object_get(root, "counters");

	*c = (struct counts){
		.established = number(j, "udp_established"),
		.half_open =
			number(j, "udp_half_open") + number(j, "udp_verified"),
		.created = number(j, "udp_new"),
		.dropped = number(j, "drop_reset") + number(j, "drop_control") +
			   number(j, "drop_data"),
		.restored = number(j, "out_restored"),
	};
	json_decref(root);
}

static uint64_t door_flows(const struct path *p, bool v6, const char *state)
{
	char what[80];
	json_t *root;
	uint64_t total;

	(void)snprintf(what, sizeof(what),
		       "flows --json --limit 0 --family %d --state %s",
		       v6 ? 6 : 4, state);
	root = ask_anyport(p, what);
	total = number(root, "total");
	json_decref(root);
	return total;
}

uint64_t keeper_flows(const struct path *p, bool v6, bool established)
{
	switch (p->keeper) {
	case KEEPER_NONE:
	case KEEPER_DROP:
	case KEEPERS: break;
	case KEEPER_CONNTRACK:
		return established ? (uint64_t)ns_number(p->ns, "conntrack -C")
				   : 0;
	case KEEPER_DOOR:
	case KEEPER_LIMITED:
		if (established)
			return door_flows(p, v6, "established");
		return door_flows(p, v6, "new") + door_flows(p, v6, "verified");
	}
	return 0;
}

static uint64_t conntrack_stat(const struct path *p, const char *name)
{
	return (uint64_t)ns_number(
		p->ns,
		"conntrack -S | tr \" \" \"\\n\" | awk -F= "
		"\"/^%s=/ { n += \\$2 } END { print n + 0 }\"",
		name);
}

uint64_t keeper_refused(const struct path *p)
{
	return conntrack_stat(p, "drop") + conntrack_stat(p, "insert_failed");
}
