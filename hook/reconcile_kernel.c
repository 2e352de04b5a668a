/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which of the kernel's routes the ledger wants. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "held.h"
#include "hooklog.h"
#include "prefix.h"
#include "proc.h"
#include "reconcile_parts.h"

/* Behind every member's route, of whatever length. */
#define UNREACHABLE_METRIC 1000000

static void keep(void *arg, const struct kernel_route *route)
{
	struct kernel_routes *k = arg;

	if (k->n == k->room) {
		size_t room = k->room ? 2 * k->room : 256;
		struct kernel_route *more;

		more = reallocarray(k->route, room, sizeof(*more));
		if (!more) {
			k->short_of_memory = true;
			return;
		}
		k->route = more;
		k->room = room;
	}
	k->route[k->n++] = *route;
}

int kernel_read(struct reconciler *r)
{
	const struct hook_config *config = &r->hook->config->hook;
	int err;

	r->kernel.n = 0;
	err = routes_each(config->table, config->protocol, &r->hook->deadline,
			  keep, &r->kernel);
	if (!err && r->kernel.short_of_memory)
		err = -ENOMEM;
	r->kernel_current = !err;
	return err;
}

static bool same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->length == b->length && prefix_covers(a, b);
}

static bool same_via(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->family == b->family && (!a->family || same_prefix(a, b));
}

static bool in_kernel_now(const struct reconciler *r,
			  const struct kernel_route *want)
{
	for (size_t i = 0; i < r->kernel.n; i++) {
		const struct kernel_route *k = &r->kernel.route[i];

		if (k->metric == want->metric && k->ifindex == want->ifindex &&
		    same_prefix(&k->route.dst, &want->route.dst) &&
		    same_via(&k->route.via, &want->route.via))
			return true;
	}
	return false;
}

/* An event may have changed routes since they were read: read them once more
 * with the name's lock held before calling it a difference. */
static bool in_kernel(struct reconciler *r, const struct kernel_route *want,
		      bool expected)
{
	bool is = in_kernel_now(r, want);

	if (is == expected || r->kernel_current)
		return is;
	if (kernel_read(r))
		return expected;
	return in_kernel_now(r, want);
}

static int change_route(struct reconciler *r, const struct kernel_route *route,
			int (*fn)(struct routes *, const struct kernel_route *,
				  const struct deadline *))
{
	int err = r->hook->routes ? 0 : routes_open(&r->hook->routes);

	if (r->options->dry_run)
		return 0;
	return err ? err : fn(r->hook->routes, route, &r->hook->deadline);
}

static bool put_missing(struct reconciler *r, const char *name,
			struct claim *owner)
{
	bool was = owner->repair;

	owner->repair = false;
	for (size_t i = 0; i < owner->n_route; i++) {
		struct kernel_route route = claim_kernel_route(owner, i);
		int err;

		if (!route_allowed(owner, i, &r->hook->config->hook) ||
		    in_kernel(r, &route, true))
			continue;
		err = change_route(r, &route, routes_put);
		owner->repair |= err != 0;
		report_change(r,
			      &(struct change){ "route-missing", name,
						&owner->route[i].dst,
						owner->dev, "is missing" },
			      err);
	}
	return was != owner->repair;
}

/* -EADDRINUSE: it is another's than BUT's by now, and stays. */
static int delete_unused(struct reconciler *r, const struct kernel_route *route,
			 const char *dev, const char *but)
{
	int lock = held_lock_unused(r->hook->dir, &route->route.dst, dev, but,
				    &r->hook->deadline);
	int err;

	if (lock < 0)
		return lock;
	err = change_route(r, route, routes_delete);
	close(lock);
	return err;
}

static int delete_rest(struct reconciler *r, const char *name,
		       const struct claim *owner, const struct claim *c)
{
	int failed = 0;

	for (size_t i = 0; i < c->n_route; i++) {
		struct kernel_route route = claim_kernel_route(c, i);
		int err;

		if (settle_covered(owner, c, i))
			continue;
		if (!route_allowed(c, i, &r->hook->config->hook)) {
			/* The last to know of it. */
			if (c->gone && device_same(c))
				settle_say_left(r->hook, name, c, i);
			continue;
		}
		if (!in_kernel(r, &route, false))
			continue;
		err = delete_unused(r, &route, c->dev, name);
		if (err == -EADDRINUSE)
			continue;
		failed |= err != 0;
		report_change(r,
			      &(struct change){
				      "route-stale", name, &c->route[i].dst,
				      c->dev, "leads to a session that ended" },
			      err);
	}
	return failed;
}

bool correct_routes(struct reconciler *r, struct ledger *ledger)
{
	struct claim *owner = ledger_owner(ledger);
	bool changed = owner && put_missing(r, ledger->name, owner);
	uint64_t seq = owner ? owner->seq : 0;

	for (size_t i = ledger->n; i-- > 0;) {
		struct claim *c = &ledger->claim[i];

		/* A claim without routes is a note of reconcile_status.c. */
		if (c->seq == seq || (c->gone && c->repair && !c->n_route))
			continue;
		if (delete_rest(r, ledger->name, owner, c) || !c->gone)
			continue;
		ledger_remove(ledger, c);
		owner = ledger_owner(ledger);
		changed = true;
	}
	return changed;
}

static bool our_device(const struct reconciler *r, uint32_t ifindex,
		       char name[IF_NAMESIZE])
{
	const struct hook_config *config = &r->hook->config->hook;

	if (!ifindex || !if_indextoname(ifindex, name))
		return false;
	for (size_t i = 0; i < config->n_device; i++)
		if (!strcmp(config->device[i], name))
			return true;
	return false;
}

static void delete_orphan(struct reconciler *r, const struct kernel_route *k,
			  const char *dev)
{
	int err = delete_unused(r, k, dev, NULL);

	if (err == -EADDRINUSE)
		return;
	report_change(r,
		      &(struct change){ "route-orphan", NULL, &k->route.dst,
					dev, "belongs to no session" },
		      err);
}

void correct_orphans(struct reconciler *r)
{
	const struct hook_config *config = &r->hook->config->hook;
	char dev[IF_NAMESIZE];

	if (kernel_read(r))
		return;
	for (size_t i = 0; i < r->kernel.n; i++) {
		const struct kernel_route *k = &r->kernel.route[i];

		if (k->unreachable || k->metric != config->metric ||
		    !our_device(r, k->ifindex, dev) ||
		    !prefix_in_ranges(&k->route.dst, config) ||
		    held_route(r->hook->dir, &k->route.dst, dev, NULL))
			continue;
		delete_orphan(r, k, dev);
	}
}

static int look_link(void *arg, const char *link,
		     const struct ip_prefix *prefix)
{
	char name[NAME_MAX_LENGTH + 1];
	struct reconciler *r = arg;
	struct ledger ledger;

	if (!held_owner(r->hook->dir, link, name) &&
	    !ledger_peek(r->hook->dir, name, &ledger))
		for (size_t i = 0; i < ledger.n; i++)
			if (claim_route(&ledger.claim[i], prefix))
				return 0;
	if (!r->options->dry_run)
		(void)unlinkat(r->hook->dir, link, 0);
	return 0;
}

/* Left over after a crash: harmless, so not worth a report. */
void correct_links(struct reconciler *r)
{
	int lock = held_lock(r->hook->dir, &r->hook->deadline);

	if (lock < 0)
		return;
	(void)held_each(r->hook->dir, look_link, r);
	close(lock);
}

static bool has_unreachable(const struct reconciler *r,
			    const struct ip_prefix *range)
{
	for (size_t i = 0; i < r->kernel.n; i++) {
		const struct kernel_route *k = &r->kernel.route[i];

		if (k->unreachable && k->metric == UNREACHABLE_METRIC &&
		    same_prefix(&k->route.dst, range))
			return true;
	}
	return false;
}

/* Without them a packet for a member who is not there goes to the upstream,
 * which sends it back, until its TTL is used up. */
void correct_unreachable(struct reconciler *r)
{
	const struct hook_config *config = &r->hook->config->hook;
	bool want = config->unreachable && !r->options->remove;

	for (size_t i = 0; i < config->n_range; i++) {
		struct kernel_route route = {
			.route.dst = config->range[i],
			.table = config->table,
			.metric = UNREACHABLE_METRIC,
			.protocol = config->protocol,
			.unreachable = true,
		};
		int err;

		if (has_unreachable(r, &config->range[i]) == want)
			continue;
		err = change_route(r, &route,
				   want ? routes_put : routes_delete);
		report_change(r,
			      &(struct change){
				      want ? "unreachable-missing"
					   : "unreachable-left",
				      NULL, &config->range[i], NULL,
				      want ? "has no unreachable route"
					   : "still has an unreachable route" },
			      err);
	}
}
