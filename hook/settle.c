/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Makes the kernel's routes agree with a member's ledger. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "held.h"
#include "hooklog.h"
#include "privilege.h"
#include "proc.h"
#include "settle.h"

#define LEFT_COMMAND 320

static void add_route(struct claim *claim, const struct ip_prefix *dst,
		      const struct ip_prefix *via)
{
	struct hook_route *route = &claim->route[claim->n_route++];

	route->dst = *dst;
	if (via)
		route->via = *via;
}

static void fill_routes(struct claim *claim, const struct env *env,
			const struct account *account)
{
	if (account->ip4.family && env->has4)
		add_route(claim, &account->ip4, NULL);
	if (!account->ip6.family || !env->has6)
		return;
	add_route(claim, &account->ip6, NULL);
	for (size_t i = 0; i < account->n_prefix; i++)
		add_route(claim, &account->prefix[i], &account->ip6);
}

void claim_fill(struct claim *claim, const struct env *env,
		const struct account *account, const struct hook_config *config)
{
	memset(claim, 0, sizeof(*claim));
	strcpy(claim->instance, env->instance);
	strcpy(claim->dev, env->dev);
	claim->pid = env->pid;
	claim->started = proc_started(env->pid);
	claim->daemon_start = env->daemon_start;
	claim->time_unix = env->time_unix;
	claim->at = time(NULL);
	claim->table = config->table;
	claim->metric = config->metric;
	claim->protocol = config->protocol;
	fill_routes(claim, env, account);
}

struct claim *settle_owner(struct ledger *ledger)
{
	struct claim *owner;

	while ((owner = ledger_owner(ledger)) && !claim_live(owner))
		owner->gone = true;
	return owner;
}

static int open_routes(struct hook *hook)
{
	return hook->routes ? 0 : routes_open(&hook->routes);
}

/* Once more: what fails once under memory pressure often works the second
 * time, and an address that is not moved is a member cut off. */
static int put_twice(struct hook *hook, const struct kernel_route *route)
{
	int err = routes_put(hook->routes, route, &hook->deadline);

	if (err && err != -EPERM && err != -ETIMEDOUT)
		err = routes_put(hook->routes, route, &hook->deadline);
	return err;
}

static void say_failed(const char *name, const char *what,
		       const struct claim *claim, size_t r, int err)
{
	const char *missing = err == -EPERM ? privilege_missing() : NULL;
	char text[ROUTE_TEXT];

	hooklog_error("%s: could not %s %s dev %s: %s%s%s", name, what,
		      route_text(&claim->route[r].dst, text), claim->dev,
		      err == -ETIMEDOUT ? "no time left" : strerror(-err),
		      missing ? ": " : "; reconcile will try again",
		      missing ? missing : "");
}

int settle_put(struct hook *hook, const char *name, struct claim *claim)
{
	int first = open_routes(hook);
	char text[ROUTE_TEXT];

	claim->repair = first != 0;
	if (first) {
		hooklog_error("%s: no netlink socket: %s; reconcile will try "
			      "again",
			      name, strerror(-first));
		return first;
	}
	for (size_t r = 0; r < claim->n_route; r++) {
		struct kernel_route route = claim_kernel_route(claim, r);
		int err;

		if (!route_allowed(claim, r, &hook->config->hook)) {
			hooklog_warn("%s: the ledger has a route to %s dev %s "
				     "that the configuration does not allow, "
				     "ignoring",
				     name,
				     route_text(&claim->route[r].dst, text),
				     claim->dev);
			continue;
		}
		err = put_twice(hook, &route);
		if (!err)
			continue;
		say_failed(name, "route", claim, r, err);
		claim->repair = true;
		first = first ? first : err;
	}
	return first;
}

bool settle_covered(const struct claim *owner, const struct claim *claim,
		    size_t r)
{
	return owner && owner->table == claim->table &&
	       owner->metric == claim->metric &&
	       claim_route(owner, &claim->route[r].dst);
}

/* -EADDRINUSE: another member has it by now. */
static int delete_unused(struct hook *hook, const char *name, const char *dev,
			 const struct kernel_route *route)
{
	int err = open_routes(hook);
	int lock = err ? err
		       : held_lock_unused(hook->dir, &route->route.dst, dev,
					  name, &hook->deadline);

	if (lock < 0)
		return lock;
	err = routes_delete(hook->routes, route, &hook->deadline);
	close(lock);
	return err;
}

/*
 * For root to judge and paste, while OpenVPN's user can write the ledger: what
 * it names is a shell's word and one route. Of ip's 0 any would do.
 */
static void delete_command(const struct claim *claim, size_t r,
			   char out[LEFT_COMMAND])
{
	const struct hook_route *route = &claim->route[r];
	char dst[ROUTE_TEXT], via[ROUTE_TEXT];

	*out = '\0';
	if (!device_plain(claim->dev) || !claim->table || !claim->metric ||
	    !claim->protocol)
		return;
	(void)snprintf(
		out, LEFT_COMMAND,
		"; if it is from before the configuration changed: ip %sroute "
		"del %s %s%s%sdev %s metric %u table %u proto %u",
		route->dst.family == AF_INET6 ? "-6 " : "",
		route_text(&route->dst, dst), route->via.family ? "via " : "",
		route->via.family ? route_text(&route->via, via) : "",
		route->via.family ? " " : "", claim->dev, claim->metric,
		claim->table, claim->protocol);
}

void settle_say_left(const struct hook *hook, const char *name,
		     const struct claim *claim, size_t r)
{
	const struct ip_prefix *dst = &claim->route[r].dst;
	char text[ROUTE_TEXT], command[LEFT_COMMAND];

	if (held_route(hook->dir, dst, claim->dev, name))
		return;
	delete_command(claim, r, command);
	hooklog_warn("%s: the ledger has a route to %s dev %s that the "
		     "configuration does not allow, not deleted%s",
		     name, route_text(dst, text), claim->dev, command);
}

/* Routes went with their device; one that the configuration does not allow is
 * not ours to delete. */
static int delete_one(struct hook *hook, const char *name,
		      const struct claim *claim, size_t r, size_t *n)
{
	struct kernel_route route = claim_kernel_route(claim, r);
	int err;

	if (!device_same(claim))
		return 0;
	if (!route_allowed(claim, r, &hook->config->hook)) {
		settle_say_left(hook, name, claim, r);
		return 0;
	}
	err = delete_unused(hook, name, claim->dev, &route);
	if (err == -EADDRINUSE)
		return 0;
	if (err)
		say_failed(name, "delete the route to", claim, r, err);
	else
		++*n;
	return err;
}

size_t settle_sweep(struct hook *hook, struct ledger *ledger,
		    const struct claim *owner)
{
	uint64_t seq = owner ? owner->seq : 0;
	size_t deleted = 0;

	for (size_t i = ledger->n; i-- > 0;) {
		struct claim *c = &ledger->claim[i];
		int err = 0;

		if (c->seq == seq)
			continue;
		for (size_t r = 0; r < c->n_route; r++)
			if (!settle_covered(owner, c, r))
				err |= delete_one(hook, ledger->name, c, r,
						  &deleted);
		/* Removal moves the last claim here: find the owner again. */
		if (c->gone && !err) {
			ledger_remove(ledger, c);
			owner = seq ? ledger_owner(ledger) : NULL;
		}
	}
	return deleted;
}

int settle_write(struct hook *hook, struct ledger *ledger,
		 const struct ledger *before)
{
	int lock = held_lock(hook->dir, &hook->deadline);
	int err = lock < 0 ? lock : ledger_write(ledger);

	if (!err)
		for (size_t i = 0; i < before->n; i++)
			held_drop(ledger, &before->claim[i]);
	if (lock >= 0)
		close(lock);
	return err;
}
