/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the files of reconcile share. */
#ifndef HOOK_RECONCILE_PARTS_H
#define HOOK_RECONCILE_PARTS_H

#include "reconcile.h"
#include "status_file.h"

/* One instance's status file, as it was read. */
struct observed {
	const char *instance;
	bool fresh; /* complete and recent: what it does not list is not there
		     */
	struct status_file file;
};

struct kernel_routes {
	struct kernel_route *route;
	size_t n, room;
	bool short_of_memory;
};

struct reconciler {
	struct hook *hook;
	const struct reconcile_options *options;
	struct reconcile_result result;
	struct observed *observed;
	size_t n_observed;
	struct kernel_routes kernel;
	bool kernel_current; /* read with the present name's lock held */
};

/* One thing that differs; DST and DEV may be NULL. */
struct change {
	const char *what; /* a key of the JSON: "route-missing" */
	const char *name; /* the member, or NULL */
	const struct ip_prefix *dst;
	const char *dev;
	const char *text; /* for people: what is wrong */
};

/* Reports a change and, unless it was not to be made, whether making it
 * worked: ERR is 0 or -errno. */
void report_change(struct reconciler *r, const struct change *change, int err);
void report_start(const struct reconciler *r);
void report_end(const struct reconciler *r);

/* reconcile_status.c */
void observe(struct reconciler *r);
void observe_free(struct reconciler *r);
const struct observed *observed_instance(const struct reconciler *r,
					 const char *instance);
const struct status_session *observed_session(const struct observed *o,
					      const char *name, int64_t since);
/*
 * Brings LEDGER to what is true: ends claims that nothing stands behind,
 * makes those that are missing, gives the routes to whom OpenVPN saw last.
 * Says whether it changed.
 */
bool correct_claims(struct reconciler *r, struct ledger *ledger);

/* reconcile_kernel.c */
int kernel_read(struct reconciler *r);
/* Puts in and takes out what LEDGER wants; says whether LEDGER changed. */
bool correct_routes(struct reconciler *r, struct ledger *ledger);
void correct_orphans(struct reconciler *r);
void correct_links(struct reconciler *r);
void correct_unreachable(struct reconciler *r);

#endif
