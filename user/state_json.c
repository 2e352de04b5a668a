/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The state file's text. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "state_json.h"
#include "value.h"

static json_t *uplinks_to_json(const struct state *state)
{
	json_t *all = json_array();

	for (size_t i = 0; i < state->n_uplink; i++) {
		const struct state_uplink *u = &state->uplink[i];

		json_array_append_new(
			all,
			json_pack("{s:s, s:I, s:s, s:b, s:b, s:I, s:I, s:s}",
				  "name", u->name, "ifindex",
				  (json_int_t)u->ifindex, "mode",
				  attach_name(u->mode), "dispatcher",
				  u->dispatcher, "made_clsact", u->made_clsact,
				  "ingress_id", (json_int_t)u->ingress_id,
				  "egress_id", (json_int_t)u->egress_id, "why",
				  u->why));
	}
	return all;
}

static json_t *addresses_to_json(const struct state *state)
{
	json_t *all = json_array();
	char text[INET6_ADDRSTRLEN];

	for (int id = 0; id < AP_IDS; id++) {
		const struct ip_prefix *a = &state->address[id];

		if (!a->family ||
		    !inet_ntop(a->family, &a->v6, text, sizeof(text)))
			continue;
		json_array_append_new(
			all, json_pack("{s:i, s:s, s:b}", "id", id, "address",
				       text, "in_use", state->in_use[id]));
	}
	return all;
}

char *state_to_json(const struct state *state)
{
	json_t *root = json_pack(
		"{s:i, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o}",
		"schema", 1, "layout", (json_int_t)state->layout, "version",
		state->version, "config", state->config, "config_mtime",
		(json_int_t)state->config_mtime, "loaded",
		(json_int_t)state->loaded, "reloaded",
		(json_int_t)state->reloaded, "lookup_id",
		(json_int_t)state->lookup_id, "peer4_id",
		(json_int_t)state->peer_id[0], "peer6_id",
		(json_int_t)state->peer_id[1], "peer_why", state->peer_why,
		"uplinks", uplinks_to_json(state), "addresses",
		addresses_to_json(state));
	char *text = json_dumps(root, JSON_INDENT(1));

	json_decref(root);
	return text;
}

static int take_text(char *out, size_t size, const char *text)
{
	return (size_t)snprintf(out, size, "%s", text) < size ? 0 : -EBADMSG;
}

/* What is attached is never attached "auto". */
static int take_mode(enum attach_mode *mode, const char *text)
{
	struct why why;

	return value_attach(text, mode, &why) || *mode == ATTACH_AUTO ? -EBADMSG
								      : 0;
}

static int take_number(uint32_t *out, json_int_t value)
{
	if (value < 0 || value > UINT32_MAX)
		return -EBADMSG;
	*out = (uint32_t)value;
	return 0;
}

static int uplink_from_json(json_t *one, struct state_uplink *u)
{
	const char *name, *mode, *why;
	json_int_t ifindex, ingress, egress;
	int dispatcher, clsact;

	if (json_unpack(one, "{s:s, s:I, s:s, s:b, s:b, s:I, s:I, s:s}", "name",
			&name, "ifindex", &ifindex, "mode", &mode, "dispatcher",
			&dispatcher, "made_clsact", &clsact, "ingress_id",
			&ingress, "egress_id", &egress, "why", &why))
		return -EBADMSG;
	u->dispatcher = dispatcher;
	u->made_clsact = clsact;
	if (take_text(u->name, sizeof(u->name), name) ||
	    take_text(u->why, sizeof(u->why), why) ||
	    take_mode(&u->mode, mode) || take_number(&u->ifindex, ifindex) ||
	    take_number(&u->ingress_id, ingress) ||
	    take_number(&u->egress_id, egress))
		return -EBADMSG;
	return 0;
}

static int address_from_json(json_t *one, struct state *state)
{
	const char *text;
	struct ip_prefix *a;
	int id, in_use;

	if (json_unpack(one, "{s:i, s:s, s:b}", "id", &id, "address", &text,
			"in_use", &in_use) ||
	    id < 0 || id >= AP_IDS)
		return -EBADMSG;
	a = &state->address[id];
	a->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	a->length = a->family == AF_INET ? 32 : 128;
	state->in_use[id] = in_use;
	return inet_pton(a->family, text, &a->v6) == 1 ? 0 : -EBADMSG;
}

static int lists_from_json(json_t *uplinks, json_t *addresses,
			   struct state *state)
{
	json_t *one;
	size_t i;
	int err;

	if (!json_is_array(uplinks) || !json_is_array(addresses) ||
	    json_array_size(uplinks) > AP_UPLINKS)
		return -EBADMSG;
	json_array_foreach(uplinks, i, one)
	{
		err = uplink_from_json(one, &state->uplink[i]);
		if (err)
			return err;
		state->n_uplink++;
	}
	json_array_foreach(addresses, i, one)
	{
		err = address_from_json(one, state);
		if (err)
			return err;
	}
	return 0;
}

int state_from_json(const char *text, struct state *state)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_int_t schema, layout, mtime, loaded, reloaded, lookup;
	json_int_t peer4, peer6;
	const char *version, *config, *why;
	json_t *uplinks, *addresses;
	int err = -EBADMSG;

	memset(state, 0, sizeof(*state));
	if (!root ||
	    json_unpack(root,
			"{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
			"s:s, s:o, s:o}",
			"schema", &schema, "layout", &layout, "version",
			&version, "config", &config, "config_mtime", &mtime,
			"loaded", &loaded, "reloaded", &reloaded, "lookup_id",
			&lookup, "peer4_id", &peer4, "peer6_id", &peer6,
			"peer_why", &why, "uplinks", &uplinks, "addresses",
			&addresses) ||
	    schema != 1 || layout != AP_LAYOUT ||
	    take_number(&state->lookup_id, lookup) ||
	    take_number(&state->peer_id[0], peer4) ||
	    take_number(&state->peer_id[1], peer6) ||
	    take_text(state->peer_why, sizeof(state->peer_why), why) ||
	    take_text(state->version, sizeof(state->version), version) ||
	    take_text(state->config, sizeof(state->config), config))
		goto out;
	state->layout = AP_LAYOUT;
	state->config_mtime = mtime;
	state->loaded = loaded;
	state->reloaded = reloaded;
	err = lists_from_json(uplinks, addresses, state);
out:
	json_decref(root);
	return err;
}
