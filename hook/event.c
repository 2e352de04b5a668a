/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* client-disconnect, up and down: none of them may fail, for a failing up or
 * down ends OpenVPN. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "event.h"
#include "hooklog.h"
#include "instance.h"
#include "names.h"
#include "privilege.h"
#include "proc.h"
#include "reconcile.h"

static int open_state(struct hook *hook)
{
	const char *path = hook->config->hook.state;

	hook->dir = ledger_dir(path);
	if (hook->dir < 0)
		hooklog_error("cannot open the state directory %s: %s; "
			      "systemd-tmpfiles --create anyport.conf makes it",
			      path, strerror(-hook->dir));
	return hook->dir < 0 ? hook->dir : 0;
}

static bool any_gone(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n; i++)
		if (ledger->claim[i].gone)
			return true;
	return false;
}

/*
 * The claims marked gone give their routes to the newest session that is left,
 * or to nobody. WAS_OWNER: the routes were theirs to give.
 */
static void hand_over(struct hook *hook, struct ledger *ledger, bool was_owner,
		      const struct ledger *before, const char *where)
{
	const struct env *env = &hook->env;
	struct claim *owner = settle_owner(ledger);
	const char *to = owner ? owner->instance : NULL;
	char instance[INSTANCE_SIZE] = "";
	int64_t us;
	bool left;

	if (to)
		strcpy(instance, to);
	if (owner && was_owner)
		(void)settle_put(hook, ledger->name, owner);
	(void)settle_sweep(hook, ledger, owner);
	left = any_gone(ledger);
	if (settle_write(hook, ledger, before))
		hooklog_error("%s: cannot write the ledger; reconcile will put "
			      "it right",
			      ledger->name);
	us = deadline_spent(&hook->deadline);
	hooklog_info("%s%s%s left %s: %s%s, %d.%d ms", ledger->name,
		     *env->from ? " from " : "", env->from, where,
		     owner  ? (was_owner ? "routes moved to "
					 : "routes stay on ")
		     : left ? "NOT all routes deleted"
			    : "routes deleted",
		     instance, (int)(us / 1000), (int)(us / 100 % 10));
}

static bool is_owner(struct ledger *ledger, const struct claim *claim)
{
	return ledger_owner(ledger) == claim;
}

static struct claim *find_session(struct ledger *ledger, const struct env *env)
{
	for (size_t i = 0; i < ledger->n; i++)
		if (claim_of_session(&ledger->claim[i], env))
			return &ledger->claim[i];
	return NULL;
}

void event_disconnect(struct hook *hook)
{
	const struct env *env = &hook->env;
	struct ledger ledger, before;
	struct claim *claim;
	bool owned;
	int err;

	if (open_state(hook))
		return;
	err = ledger_open(hook->dir, env->name, &hook->deadline, &ledger);
	if (err) {
		hooklog_error("%s left %s: cannot lock the ledger: %s; "
			      "reconcile will put it right",
			      env->name, env->instance, strerror(-err));
		return;
	}
	if (ledger.damaged)
		hooklog_warn("%s: the ledger's file is damaged, ignoring it",
			     env->name);
	claim = find_session(&ledger, env);
	if (claim) {
		before = ledger;
		owned = is_owner(&ledger, claim);
		claim->gone = true;
		hand_over(hook, &ledger, owned, &before, env->instance);
	} else {
		/* A refused connect is followed by a disconnect, too. */
		hooklog_info("%s from %s left %s: it had no routes there",
			     env->name, env->from, env->instance);
	}
	(void)privilege_drop();
	ledger_close(&ledger);
}

void event_up(struct hook *hook)
{
	uint32_t index = device_index(hook->env.dev);

	if (open_state(hook))
		return;
	instance_note(hook, index, proc_started(hook->env.pid));
	(void)reconcile(hook, &(struct reconcile_options){ .quiet = true });
}

/* What this very process had; a restarted one's are another's affair. */
static void end_all(struct hook *hook, const char *name)
{
	const struct env *env = &hook->env;
	struct ledger ledger, before;
	bool owned = false, any = false;

	if (ledger_open(hook->dir, name, &hook->deadline, &ledger))
		return;
	before = ledger;
	for (size_t i = 0; i < ledger.n; i++) {
		struct claim *c = &ledger.claim[i];

		if (c->pid != env->pid ||
		    c->daemon_start != env->daemon_start ||
		    strcmp(c->instance, env->instance))
			continue;
		owned |= is_owner(&ledger, c);
		c->gone = any = true;
	}
	if (any)
		hand_over(hook, &ledger, owned, &before, env->instance);
	ledger_close(&ledger);
}

void event_down(struct hook *hook)
{
	struct names names = { 0 };

	if (open_state(hook))
		return;
	if (names_of_directory(hook->dir, &names))
		hooklog_error("cannot read the state directory; reconcile "
			      "will put it right");
	for (size_t i = 0; i < names.n && deadline_left(&hook->deadline); i++)
		end_all(hook, names.name[i]);
	instance_forget(hook);
	names_free(&names);
}
