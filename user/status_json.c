/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport status, for programs: the keys stand in anyport(8). */
#include <arpa/inet.h>

#include "output.h"
#include "status.h"
#include "value.h"

static json_t *known_json(enum known known)
{
	return known == UNKNOWN ? json_null() : json_boolean(known == YES);
}

static json_t *uplinks_json(const struct status *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_uplink; i++) {
		const struct status_uplink *u = &s->uplink[i];
		bool attached = u->as.ifindex;

		(void)json_array_append_new(
			all,
			json_pack("{s:s, s:b, s:b, s:o, s:b, s:s, s:o, s:o}",
				  "name", u->as.name, "present", u->present,
				  "up", u->up, "mode",
				  attached
					  ? json_string(attach_name(u->as.mode))
					  : json_null(),
				  "dispatcher", u->as.dispatcher, "why",
				  u->as.why, "ingress", known_json(u->ingress),
				  "egress", known_json(u->egress)));
	}
	return all;
}

static json_t *addresses_json(const struct status *s)
{
	json_t *all = json_array();
	char ip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < AP_IDS; i++) {
		const struct ip_prefix *a = &s->state.address[i];

		if (s->state.in_use[i] &&
		    inet_ntop(a->family, &a->v6, ip, sizeof(ip)))
			(void)json_array_append_new(
				all, json_pack("{s:s, s:b}", "address", ip,
					       "held", s->held[i]));
	}
	return all;
}

static const char *proto_name(enum ap_proto proto)
{
	return proto == AP_UDP ? "udp" : "tcp";
}

static json_t *program_json(const char *program)
{
	return program[0] ? json_string(program) : json_null();
}

static json_t *targets_json(const struct status *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_target; i++) {
		const struct status_target *t = &s->target[i];

		(void)json_array_append_new(
			all, json_pack("{s:s, s:i, s:b, s:o}", "protocol",
				       proto_name(t->proto), "port", t->port,
				       "listening", t->listening, "program",
				       program_json(t->program)));
	}
	return all;
}

static json_t *listeners_json(const struct status *s)
{
	json_t *all = json_array();
	char ip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < s->n_met; i++) {
		const struct host_socket *l = &s->met[i].socket;
		enum fate fate = s->met[i].fate;

		if (!inet_ntop(l->address.family, &l->address.v6, ip,
			       sizeof(ip)))
			continue;
		(void)json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:i, s:o, s:s, s:b}", "protocol",
				  proto_name(l->proto), "address", ip, "port",
				  l->port, "program", program_json(l->program),
				  "door", fate_name(fate), "shows",
				  fate == FATE_OWN || fate == FATE_PASS));
	}
	return all;
}

static json_t *fill_json(const struct status_fill *fill)
{
	return json_pack("{s:{s:I, s:I}, s:{s:I, s:I}}", "ipv4", "entries",
			 (json_int_t)fill->entries[0], "room",
			 (json_int_t)fill->room[0], "ipv6", "entries",
			 (json_int_t)fill->entries[1], "room",
			 (json_int_t)fill->room[1]);
}

static json_t *findings_json(const struct status *s, bool wrong)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->report.n; i++) {
		const struct finding *f = &s->report.item[i];

		if (f->wrong == wrong)
			(void)json_array_append_new(
				all, json_pack("{s:s, s:s?}", "what", f->what,
					       "command", f->command));
	}
	return all;
}

static json_t *door_json(const struct status *s)
{
	return json_pack(
		"{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:{s:I, s:f}}",
		"version", s->state.version, "config", s->path, "loaded_at",
		(json_int_t)s->state.loaded, "changed_at",
		(json_int_t)s->state.reloaded, "undo_at",
		s->state.undo_at ? json_integer(s->state.undo_at) : json_null(),
		"uplinks", uplinks_json(s), "steering", known_json(s->steering),
		"tcp_alias", known_json(s->tcp_alias), "addresses",
		addresses_json(s), "targets", targets_json(s), "established",
		fill_json(&s->established), "half_open",
		fill_json(&s->half_open), "listeners", listeners_json(s),
		"limiter", "dropped", (json_int_t)s->dropped,
		"dropped_per_second", s->dropping);
}

json_t *status_json(const struct status *s)
{
	json_t *root = output_document();

	if (json_object_set_new(root, "loaded", json_boolean(s->loaded)) ||
	    json_object_set_new(root, "serving",
				json_boolean(s->loaded &&
					     report_good(&s->report))) ||
	    (s->path && json_object_set_new(root, "door", door_json(s))) ||
	    json_object_set_new(root, "problems", findings_json(s, true)) ||
	    json_object_set_new(root, "notes", findings_json(s, false))) {
		json_decref(root);
		return NULL;
	}
	return root;
}
