/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which claims the status files bear out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../user/account_dir.h"
#include "held.h"
#include "hooklog.h"
#include "instance.h"
#include "prefix.h"
#include "proc.h"
#include "reconcile_parts.h"

/* OpenVPN writes its status every 60 s unless told otherwise. */
#define FRESH 130 /* s */
/* What happened shortly before a file was written may be missing from it. */
#define MARGIN 2 /* s */
/* Last packets of a session that was left, still under way. */
#define QUIET 3 /* s */
/* Longer than a member that is there says nothing: keepalive 10 is usual. */
#define SILENT 25 /* s */

static const char *unusable(int err)
{
	switch (err) {
	case -EAGAIN:
		return "it is not whole (a comma in a name needs "
		       "status-version 3)";
	case -EBUSY: return "it is being rewritten";
	case -ETIMEDOUT: return "no time left to read it twice";
	default: return strerror(-err);
	}
}

void observe(struct reconciler *r)
{
	const struct config *config = r->hook->config;
	int64_t now = time(NULL);

	r->observed = calloc(config->n_instance + 1, sizeof(*r->observed));
	if (!r->observed)
		return;
	for (size_t i = 0; i < config->n_instance; i++) {
		const struct instance_config *from = &config->instance[i];
		struct observed *o = &r->observed[r->n_observed];
		int err;

		if (!from->status)
			continue;
		o->instance = from->name;
		err = status_file_read(from->status, &r->hook->deadline,
				       &o->file);
		if (err && err != -ENOENT && err != -ENODATA)
			hooklog_warn("status file %s of %s: %s, ignoring it",
				     from->status, from->name, unusable(err));
		if (err)
			continue;
		r->n_observed++;
		o->fresh = o->file.time <= now + FRESH &&
			   o->file.time >= now - FRESH;
		if (!o->fresh)
			status_file_free(&o->file);
	}
}

void observe_free(struct reconciler *r)
{
	for (size_t i = 0; i < r->n_observed; i++)
		status_file_free(&r->observed[i].file);
	free(r->observed);
	r->observed = NULL;
	r->n_observed = 0;
}

const struct observed *observed_instance(const struct reconciler *r,
					 const char *instance)
{
	for (size_t i = 0; i < r->n_observed; i++)
		if (!strcmp(r->observed[i].instance, instance))
			return &r->observed[i];
	return NULL;
}

const struct status_session *observed_session(const struct observed *o,
					      const char *name, int64_t since)
{
	struct status_session *s = status_file_first(&o->file, name);

	while (s && s->since != since)
		s = status_file_next(&o->file, s + 1, name);
	return s;
}

/*
 * NULL when the claim stands, else why it does not. A file that OpenVPN was
 * stopped in is known as such by whoever is in the file before it as well: a
 * session has to be as old as that one before its absence proves anything.
 */
static const char *unfounded(const struct reconciler *r,
			     const struct ledger *ledger,
			     const struct claim *claim)
{
	const struct observed *o = observed_instance(r, claim->instance);

	if (!claim_live(claim))
		return "its device or OpenVPN process is gone";
	if (o && o->fresh && o->file.time > claim->at + FRESH &&
	    !observed_session(o, ledger->name, claim->time_unix))
		return "OpenVPN has no such session";
	return NULL;
}

static bool end_unfounded(struct reconciler *r, struct ledger *ledger)
{
	bool changed = false;

	for (size_t i = 0; i < ledger->n; i++) {
		struct claim *c = &ledger->claim[i];
		const char *why = c->gone ? NULL : unfounded(r, ledger, c);

		if (!why)
			continue;
		c->gone = changed = true;
		report_change(r,
			      &(struct change){ "claim-stale", ledger->name,
						NULL, c->instance, why },
			      0);
	}
	return changed;
}

/*
 * A status file is older than what the events have done since: a session that
 * it lists may be over. So one without a claim is only noted at first, and has
 * to be in a file that was written after that.
 */
static bool is_note(const struct claim *c)
{
	return c->gone && c->repair && !c->n_route;
}

static void note(struct ledger *ledger, const char *instance, int64_t since)
{
	uint64_t seq = ledger_next(ledger);
	struct claim *c = ledger_add(ledger);

	c->seq = seq;
	snprintf(c->instance, sizeof(c->instance), "%s", instance);
	strcpy(c->dev, "?");
	c->pid = 1;
	c->time_unix = since;
	c->at = time(NULL);
	c->gone = c->repair = true;
}

static struct claim *known(struct ledger *ledger, const char *instance,
			   int64_t since)
{
	for (size_t i = 0; i < ledger->n; i++)
		if (ledger->claim[i].time_unix == since &&
		    !strcmp(ledger->claim[i].instance, instance))
			return &ledger->claim[i];
	return NULL;
}

/* Notes that a later file does not bear out, or that no file can any more. */
static bool drop_notes(struct reconciler *r, struct ledger *ledger)
{
	size_t before = ledger->n;

	for (size_t i = ledger->n; i-- > 0;) {
		struct claim *c = &ledger->claim[i];
		const struct observed *o = observed_instance(r, c->instance);
		bool later = o && o->fresh && o->file.time > c->at + MARGIN;

		if (is_note(c) &&
		    (time(NULL) > c->at + 4 * FRESH || time(NULL) < c->at ||
		     (later &&
		      !observed_session(o, ledger->name, c->time_unix))))
			ledger_remove(ledger, c);
	}
	return ledger->n != before;
}

static bool same_address(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return prefix_covers(a, b) && prefix_covers(b, a);
}

/* The routes of a session whose connect event never came: those of the account,
 * as far as OpenVPN says that the session has its addresses. */
static int fill_from_account(struct reconciler *r, const char *name,
			     const struct status_session *s,
			     struct claim *claim)
{
	const struct hook_config *config = &r->hook->config->hook;
	struct account_report report = { .file = name };
	struct account account;
	struct env env = { .has4 = true, .has6 = true };
	char why[ACCOUNT_WHY];
	struct claim from;
	int err, dir;

	dir = account_dir(config->users, geteuid() ?: account_owner(), why);
	if (dir < 0) {
		hooklog_error("%s: cannot use the directory of accounts: %s",
			      name, why);
		return dir;
	}
	err = account_read(dir, name, &report, &account);
	close(dir);
	if (!err)
		err = account_in_ranges(&account, config, &report);
	if (err)
		return err;
	env.has4 = account.ip4.family && same_address(&s->ip4, &account.ip4);
	env.has6 = account.ip6.family && same_address(&s->ip6, &account.ip6);
	if (!env.has4 && !env.has6)
		return -EADDRNOTAVAIL;
	from = *claim;
	strcpy(env.instance, claim->instance);
	strcpy(env.dev, claim->dev);
	env.pid = claim->pid;
	env.daemon_start = claim->daemon_start;
	env.time_unix = s->since;
	claim_fill(claim, &env, &account, config);
	claim->ifindex = from.ifindex;
	claim->started = from.started;
	return 0;
}

static int take_addresses(struct reconciler *r, struct ledger *ledger,
			  const struct claim *claim)
{
	char other[NAME_MAX_LENGTH + 1], link[HELD_LINK];
	struct ip_prefix which;
	int lock = held_lock(r->hook->dir, &r->hook->deadline);
	int err;

	if (lock < 0)
		return lock;
	err = held_by_other(r->hook->dir, ledger->name, claim, other, &which);
	if (!err && !r->options->dry_run)
		err = held_put(r->hook->dir, ledger->name, claim, link);
	if (!err) {
		*ledger_add(ledger) = *claim;
		if (!r->options->dry_run)
			err = ledger_write(ledger);
	}
	close(lock);
	return err;
}

/* The newest session has the routes; an older one may only inherit them. */
static void rank(struct ledger *ledger, struct claim *claim)
{
	const struct claim *owner = ledger_owner(ledger);

	claim->seq = ledger_next(ledger);
	if (!owner || owner->time_unix < claim->time_unix)
		return;
	for (size_t i = 0; i < ledger->n; i++)
		ledger->claim[i].seq++;
	claim->seq = 1;
}

static int claim_missing(struct reconciler *r, struct ledger *ledger,
			 const struct observed *o,
			 const struct status_session *s)
{
	struct claim claim = { 0 };
	int err = instance_find(r->hook->dir, o->instance, &claim);

	if (!err)
		err = fill_from_account(r, ledger->name, s, &claim);
	if (err)
		return err;
	rank(ledger, &claim);
	return take_addresses(r, ledger, &claim);
}

static bool add_missing(struct reconciler *r, struct ledger *ledger,
			const struct observed *o,
			const struct status_session *s)
{
	struct claim *c;
	int err;

	c = known(ledger, o->instance, s->since);
	if (!c) {
		note(ledger, o->instance, s->since);
		return true;
	}
	if (!is_note(c) || o->file.time <= c->at + MARGIN)
		return false;
	ledger_remove(ledger, c);
	err = claim_missing(r, ledger, o, s);
	if (err)
		note(ledger, o->instance, s->since);
	report_change(r,
		      &(struct change){
			      "claim-missing", ledger->name, NULL, o->instance,
			      "OpenVPN has a session without routes" },
		      err);
	return true;
}

static int64_t last_ref(const struct reconciler *r, const char *name,
			const struct claim *claim, int64_t *seen)
{
	const struct observed *o = observed_instance(r, claim->instance);
	const struct status_session *s;

	s = o && o->fresh ? observed_session(o, name, claim->time_unix) : NULL;
	if (!s)
		return -1;
	*seen = o->file.time;
	return s->last_ref;
}

static bool move_to(struct reconciler *r, struct ledger *ledger,
		    struct claim *claim)
{
	claim->seq = ledger_next(ledger);
	report_change(r,
		      &(struct change){ "owner-wrong", ledger->name, NULL,
					claim->instance,
					"the member is back there" },
		      0);
	return true;
}

/*
 * A session that was reset in place calls no hook: only the packets say that
 * the member is back there. It takes the routes when OpenVPN had a packet of
 * it after the last one of the owner, in a time that the owner's file covers.
 */
static bool follow_packets(struct reconciler *r, struct ledger *ledger)
{
	struct claim *owner = ledger_owner(ledger), *best = owner;
	int64_t seen = 0, newest, other = 0;

	newest = owner ? last_ref(r, ledger->name, owner, &seen) : -1;
	if (newest < 0)
		return false;
	newest += QUIET;
	for (size_t i = 0; i < ledger->n; i++) {
		struct claim *c = &ledger->claim[i];
		int64_t last = c->gone || c == owner
				       ? -1
				       : last_ref(r, ledger->name, c, &other);

		if (last > newest && last <= seen) {
			newest = last;
			best = c;
		}
	}
	return best != owner && move_to(r, ledger, best);
}

/*
 * Answers to a member refresh the session that has the routes, so with traffic
 * both ways Last Ref says nothing. What a session receives does: a member sends
 * keepalive packets where it is, and nowhere else.
 */
static bool note_received(struct reconciler *r, struct ledger *ledger)
{
	bool changed = false;

	if (ledger->n < 2)
		return false;
	for (size_t i = 0; i < ledger->n; i++) {
		struct claim *c = &ledger->claim[i];
		const struct observed *o = observed_instance(r, c->instance);
		const struct status_session *s;

		s = c->gone || !o || !o->fresh
			    ? NULL
			    : observed_session(o, ledger->name, c->time_unix);
		if (!s || s->received < 0 || s->received == c->heard)
			continue;
		c->heard = s->received;
		c->heard_at = o->file.time;
		changed = true;
	}
	return changed;
}

static bool silent(const struct reconciler *r, const struct claim *c)
{
	const struct observed *o = observed_instance(r, c->instance);

	return o && o->fresh && c->heard_at &&
	       o->file.time >= c->heard_at + SILENT;
}

static bool follow_sound(struct reconciler *r, struct ledger *ledger)
{
	struct claim *owner = ledger_owner(ledger), *best = owner;
	int64_t newest;

	if (!owner || !silent(r, owner))
		return false;
	newest = owner->heard_at + SILENT / 2;
	for (size_t i = 0; i < ledger->n; i++) {
		struct claim *c = &ledger->claim[i];

		if (c->gone || c->heard_at <= newest)
			continue;
		newest = c->heard_at;
		best = c;
	}
	return best != owner && move_to(r, ledger, best);
}

bool correct_claims(struct reconciler *r, struct ledger *ledger)
{
	bool changed = end_unfounded(r, ledger);

	changed |= drop_notes(r, ledger);
	for (size_t i = 0; i < r->n_observed; i++) {
		const struct observed *o = &r->observed[i];

		struct status_session *s =
			status_file_first(&o->file, ledger->name);

		for (; s && o->fresh;
		     s = status_file_next(&o->file, s + 1, ledger->name))
			changed |= add_missing(r, ledger, o, s);
	}
	changed |= note_received(r, ledger);
	if (follow_packets(r, ledger) || follow_sound(r, ledger))
		return true;
	return changed;
}
