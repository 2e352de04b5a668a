/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What is wrong between keys: seen only when the whole file is read. */
#include <stdlib.h>
#include <string.h>

#include "config_parse.h"

static const char *const proto_names[AP_PROTOS] = { "udp", "tcp" };

static void door(struct parser *p)
{
	if (!p->config->n_interface && !config_is_set(p, "door", "interface"))
		config_error(p, config_line(p, "door", "interface"),
			     "[door] names no interface; add the uplink, for "
			     "example: interface = eth0");
	if (!p->config->n_address && !config_is_set(p, "door", "address"))
		config_error(p, config_line(p, "door", "address"),
			     "[door] names no address; add this server's own, "
			     "for example: address = 198.51.100.1");
}

/* ---- ports --------------------------------------------------------------*/

static void always_pass(struct config *c)
{
	static const uint16_t dhcp[] = { 67, 68, 546, 547 };

	for (size_t i = 0; i < sizeof(dhcp) / sizeof(dhcp[0]); i++)
		c->proto[AP_UDP].pass.bits[dhcp[i] >> 6] |= 1ULL
							    << (dhcp[i] & 63);
}

static int by_dialled(const void *a, const void *b)
{
	const struct port_map *x = a, *y = b;

	return (int)x->dialled - (int)y->dialled;
}

static bool add_target(uint16_t out[AP_TARGETS], size_t *n, uint16_t port)
{
	for (size_t i = 0; i < *n; i++)
		if (out[i] == port)
			return true;
	if (*n == AP_TARGETS)
		return false;
	out[(*n)++] = port;
	return true;
}

size_t config_targets(const struct config *config, enum ap_proto proto,
		      uint16_t out[AP_TARGETS])
{
	const struct proto_config *c = &config->proto[proto];
	size_t n = 0;

	(void)add_target(out, &n, c->target);
	for (size_t i = 0; i < c->n_map; i++)
		(void)add_target(out, &n, c->map[i].target);
	return n;
}

/* Before the maps are sorted: entry I is where map I was written. */
static void too_many_targets(struct parser *p, enum ap_proto proto)
{
	const struct proto_config *c = &p->config->proto[proto];
	uint16_t out[AP_TARGETS];
	size_t n = 0;

	(void)add_target(out, &n, c->target);
	for (size_t i = 0; i < c->n_map; i++)
		if (!add_target(out, &n, c->map[i].target))
			config_error(p, p->map[proto].entry[i].line,
				     "map to %u: [%s] has more than %d "
				     "different local ports",
				     c->map[i].target, proto_names[proto],
				     AP_TARGETS);
}

static void not_target(struct parser *p, enum ap_proto proto, uint16_t target,
		       const struct port_entries *list, const char *key)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct port_entry *e = &list->entry[i];

		if (target < e->first || target > e->last)
			continue;
		config_error(p, e->line,
			     "%s holds %u, which is itself a target of [%s]: "
			     "what is dialled there must go to it like "
			     "everything else, or there were a side door "
			     "around filter and limiter; take %u out",
			     key, target, proto_names[proto], target);
	}
}

/* A target's own port goes to itself; nothing else may be said about it. */
static void own_ports(struct parser *p, enum ap_proto proto)
{
	const struct proto_config *c = &p->config->proto[proto];
	uint16_t target[AP_TARGETS];
	size_t n = config_targets(p->config, proto, target);

	for (size_t t = 0; t < n; t++) {
		not_target(p, proto, target[t], &p->pass[proto], "pass");
		not_target(p, proto, target[t], &p->claim[proto], "claim");
		for (size_t i = 0; i < c->n_map; i++) {
			struct port_entries one = { &p->map[proto].entry[i],
						    1 };

			if (c->map[i].target != target[t])
				not_target(p, proto, target[t], &one, "map");
		}
	}
}

/*
 * Ranges may overlap, that is what the precedence is for. The very same ports
 * under two keys are a slip: one of the two lines does nothing.
 */
static void named_twice(struct parser *p, const char *wins,
			const struct port_entries *winners, const char *key,
			const struct port_entries *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct port_entry *e = &list->entry[i];

		for (size_t j = 0; j < winners->n; j++) {
			const struct port_entry *w = &winners->entry[j];
			char text[16] = "";

			if (w->first != e->first || w->last != e->last)
				continue;
			if (e->last != e->first)
				(void)snprintf(text, sizeof(text), "-%u",
					       e->last);
			config_warn(p, e->line,
				    "%s of %u%s does nothing: it is under "
				    "%s too, in line %u, which wins; take one "
				    "of them out",
				    key, e->first, text, wins, w->line);
		}
	}
}

static void ports(struct parser *p)
{
	for (enum ap_proto proto = 0; proto < AP_PROTOS; proto++) {
		struct proto_config *c = &p->config->proto[proto];

		too_many_targets(p, proto);
		own_ports(p, proto);
		named_twice(p, "pass", &p->pass[proto], "map", &p->map[proto]);
		named_twice(p, "pass", &p->pass[proto], "claim",
			    &p->claim[proto]);
		if (c->n_map)
			qsort(c->map, c->n_map, sizeof(*c->map), by_dialled);
	}
	always_pass(p->config);
}

/* The line of the first of two keys that is set: what the operator changed. */
static unsigned int blame(const struct parser *p, const char *section,
			  const char *name, const char *section2,
			  const char *name2)
{
	if (!config_is_set(p, section, name) &&
	    config_is_set(p, section2, name2))
		return config_line(p, section2, name2);
	return config_line(p, section, name);
}

/*
 * A masqueraded client whose packets left from a target's port would look to
 * the door like the owner of another member's flow.
 */
static void nat_ports(struct parser *p)
{
	const struct limits_config *l = &p->config->limits;
	uint16_t target[AP_TARGETS];
	size_t n = config_targets(p->config, AP_UDP, target);

	for (size_t i = 0; i < n; i++)
		if (target[i] && target[i] >= l->nat_first &&
		    target[i] <= l->nat_last)
			config_error(p,
				     blame(p, "limits", "nat-ports", "udp",
					   i ? "map" : "target"),
				     "nat-ports %u-%u holds %u, a target of "
				     "[udp]: choose ports without it, and "
				     "confine masquerading to them",
				     l->nat_first, l->nat_last, target[i]);
}

/* ---- limits: a value of 0 has been refused already ----------------------*/

/*
 * The one table of these that is the kernel's LRU hash, which hands entries to
 * each CPU in batches of 128: of a few batches per CPU it evicts live entries
 * while others are free.
 */
static void remembered(struct parser *p)
{
	uint32_t entries = p->config->limits.remembered, cpus = config_cpus();

	if (entries && entries / 256 < cpus)
		config_error(p, config_line(p, "limits", "remembered"),
			     "remembered = %u: this machine can have %u CPUs "
			     "and needs at least %u (256 for each)",
			     entries, cpus, 256 * cpus);
}

static const char *const budget_keys[AP_CLASSES] = {
	[AP_RESET] = "resets",
	[AP_CONTROL] = "control",
	[AP_DATA] = "data",
};

/* A flood within the budgets must not evict a flow before it is verified. */
static void half_open(struct parser *p)
{
	const struct limits_config *l = &p->config->limits;
	const char *raised = "half-open";
	uint32_t rate = 0;

	for (int i = 0; i < AP_CLASSES; i++) {
		rate += l->budget[i];
		if (config_is_set(p, "limits", budget_keys[i]))
			raised = budget_keys[i];
	}
	if (l->half_open && l->half_open / 30 < rate)
		config_error(p,
			     blame(p, "limits", "half-open", "limits", raised),
			     "half-open = %u: resets, control and data let %u "
			     "packets a second in, and half-open must hold 30 "
			     "seconds of them; it must be at least %u",
			     l->half_open, rate, 30 * rate);
}

/* ---- hook ---------------------------------------------------------------*/

static void hook(struct parser *p)
{
	const struct hook_config *h = &p->config->hook;
	bool used = false;

	for (size_t i = 0; i < config_n_keys; i++)
		used |= p->set[i] && !strcmp(config_keys[i].section, "hook");
	if (used && !h->n_device && !config_is_set(p, "hook", "device"))
		config_error(p, config_line(p, "hook", "device"),
			     "[hook] names no device; add each instance's, for "
			     "example: device = tunudp");
	if (used && !h->n_range && !config_is_set(p, "hook", "range"))
		config_error(p, config_line(p, "hook", "range"),
			     "[hook] names no range; add the members' "
			     "addresses, for example: range = 203.0.113.0/24");
}

void config_check(struct parser *p)
{
	if (p->part == CONFIG_ALL) {
		door(p);
		ports(p);
		nat_ports(p);
		remembered(p);
		half_open(p);
	}
	hook(p);
}
