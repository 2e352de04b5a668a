/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads the flow tables: both families, both tiers. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow_table.h"
#include "view.h"

struct reading {
	const struct state *state;
	const struct flow_filter *filter;
	struct ap_config config;
	uint32_t tick;
	int family;
	bool half;
	union flow_any_key *promoted; /* of the established ones, sorted */
	size_t n_promoted;
	struct flows *out;
};

const char *flow_state_name(enum ap_state state)
{
	static const char *const names[AP_STATES] = {
		[AP_NEW] = "new",
		[AP_VERIFIED] = "verified",
		[AP_ESTABLISHED] = "established",
	};

	return state < AP_STATES ? names[state] : "?";
}

static int add_flow(struct flows *out, const struct flow *flow)
{
	struct flow *item;

	/* Grown by doubling, whenever N is a power of two. */
	if (!(out->n & (out->n - 1))) {
		item = reallocarray(out->item, out->n ? 2 * out->n : 1,
				    sizeof(*item));
		if (!item)
			return -ENOMEM;
		out->item = item;
	}
	out->item[out->n++] = *flow;
	return 0;
}

static void fill_key(struct flow *flow, const union flow_any_key *key)
{
	const struct ap_key4 *k4 = &key->v4;
	const struct ap_key6 *k6 = &key->v6;

	flow->member.family = flow->family;
	if (flow->family == AF_INET) {
		flow->member.length = 32;
		flow->member.v4.s_addr = k4->addr;
		flow->alias = ntohs(k4->port);
		flow->target = ntohs(k4->target);
	} else {
		flow->member.length = 128;
		memcpy(&flow->member.v6, k6->addr, 16);
		flow->alias = ntohs(k6->port);
		flow->target = ntohs(k6->target);
	}
}

static int compare4(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ap_key4));
}

static int compare6(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ap_key6));
}

static int note_promoted(struct reading *r, const union flow_any_key *key)
{
	union flow_any_key *more;

	if (!(r->n_promoted & (r->n_promoted - 1))) {
		more = reallocarray(r->promoted,
				    r->n_promoted ? 2 * r->n_promoted : 1,
				    sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->promoted = more;
	}
	memcpy(&r->promoted[r->n_promoted++], key,
	       r->family == AF_INET ? sizeof(key->v4) : sizeof(key->v6));
	return 0;
}

/*
 * Promoted since: the half-open copy is left to age. Where the table would have
 * the other one is not for a reader to know: the key is root's.
 */
static bool promoted(const struct reading *r, const union flow_any_key *key)
{
	return r->half && r->n_promoted &&
	       bsearch(key, r->promoted, r->n_promoted,
		       sizeof(*r->promoted),
		       r->family == AF_INET ? compare4 : compare6);
}

static int take(struct reading *r, const union flow_any_key *key,
		const struct ap_flow *f)
{
	bool established = f->state == AP_ESTABLISHED;
	int32_t age = (int32_t)(r->tick - f->seen);
	uint32_t idle = age > 0 ? (uint32_t)age : 0;
	struct flow flow = {
		.family = r->family,
		.port = ntohs(f->real),
		.dialled = ntohs(f->dialled),
		.state = f->state,
		.idle = (uint32_t)(((uint64_t)idle << AP_TICK_SHIFT) /
				   1000000000U),
	};

	if (idle > (established ? r->config.idle_established
				: r->config.idle_half) ||
	    (r->filter->state >= 0 && r->filter->state != f->state) ||
	    promoted(r, key))
		return 0;
	fill_key(&flow, key);
	if (f->door < AP_IDS)
		flow.door = r->state->address[f->door];
	return add_flow(r->out, &flow);
}

static int read_table(struct reading *r, struct flow_table *table)
{
	int err = 0;

	for (uint32_t at = 0; at < table->segments && !err; at++) {
		err = flow_table_read(table, at);
		for (uint32_t i = 0; i < flow_table_entries(table) && !err;
		     i++) {
			const union flow_any_key *key;
			struct ap_flow *flow = flow_table_entry(table, i, &key);

			if (flow && !r->half)
				err = note_promoted(r, key);
			if (flow && !err)
				err = take(r, key, flow);
		}
	}
	return err;
}

static int open_table(struct flow_table *table, const char *name)
{
	int fd = view_map(name);

	table->segment = NULL;
	table->fd = -1;
	return fd < 0 ? fd : flow_table_open(table, fd);
}

static void close_table(struct flow_table *table)
{
	flow_table_close(table);
	if (table->fd >= 0)
		(void)close(table->fd);
}

static int read_family(struct reading *r, int family)
{
	bool v4 = family == AF_INET;
	struct flow_table established, half;
	int err = open_table(&established, v4 ? "flows4" : "flows6");
	int err2 = open_table(&half, v4 ? "half4" : "half6");

	r->family = family;
	r->half = false;
	r->n_promoted = 0;
	err = err ?: err2;
	if (!err)
		err = read_table(r, &established);
	if (r->n_promoted)
		qsort(r->promoted, r->n_promoted, sizeof(*r->promoted),
		      v4 ? compare4 : compare6);
	r->half = true;
	if (!err)
		err = read_table(r, &half);
	close_table(&established);
	close_table(&half);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	int order;

	if (x->state != y->state)
		return x->state > y->state ? -1 : 1;
	if (x->idle != y->idle)
		return x->idle < y->idle ? -1 : 1;
	if (x->family != y->family)
		return x->family == AF_INET ? -1 : 1;
	order = memcmp(&x->member.v6, &y->member.v6,
		       x->family == AF_INET ? 4 : 16);
	return order ?: x->alias - y->alias;
}

int view_flows(const struct state *state, const struct flow_filter *filter,
	       struct flows *out)
{
	struct reading r = { .state = state,
			     .filter = filter,
			     .tick = view_tick(),
			     .out = out };
	int err = view_config(&r.config);

	*out = (struct flows){ 0 };
	if (!err && filter->family != AF_INET6)
		err = read_family(&r, AF_INET);
	if (!err && filter->family != AF_INET)
		err = read_family(&r, AF_INET6);
	free(r.promoted);
	if (err)
		flows_free(out);
	else if (out->n)
		qsort(out->item, out->n, sizeof(*out->item), compare);
	return err;
}

void flows_free(struct flows *flows)
{
	free(flows->item);
	*flows = (struct flows){ 0 };
}
