/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Compares ledger, status files and kernel, and puts right what differs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hooklog.h"
#include "instance.h"
#include "names.h"
#include "reconcile_parts.h"

/* A member's own limit, so that one stuck lock does not stop the rest. */
#define NAME_MS 1000

static int all_names(struct reconciler *r, struct names *names)
{
	int err = names_of_directory(r->hook->dir, names);

	for (size_t i = 0; i < r->n_observed && !err; i++) {
		const struct status_file *f = &r->observed[i].file;

		for (size_t s = 0; s < f->n && !err; s++)
			err = names_add(names, f->session[s].name);
	}
	names_sort(names);
	return err;
}

static void correct_name(struct reconciler *r, const char *name)
{
	struct deadline whole = r->hook->deadline, wait;
	struct ledger ledger, before;
	bool changed;
	int err;

	deadline_start(&wait);
	deadline_set(&wait, NAME_MS);
	if (wait.end > whole.end)
		wait.end = whole.end;
	err = ledger_open(r->hook->dir, name, &wait, &ledger);
	if (err) {
		report_change(r,
			      &(struct change){ .what = "ledger-locked",
						.name = name,
						.text = "cannot lock it" },
			      err);
		return;
	}
	before = ledger;
	r->kernel_current = false;
	changed = ledger.damaged;
	changed |= correct_claims(r, &ledger);
	changed |= correct_routes(r, &ledger);
	if (changed && !r->options->dry_run &&
	    settle_write(r->hook, &ledger, &before))
		report_change(r,
			      &(struct change){ .what = "ledger-write",
						.name = name,
						.text = "cannot write it" },
			      -EIO);
	if (r->options->dry_run)
		ledger.n = before.n; /* or closing would remove the file */
	ledger_close(&ledger);
}

/* What one run has no time for is the next one's. */
static void correct_names(struct reconciler *r, const struct names *names)
{
	size_t i = 0;

	for (; i < names->n && deadline_left(&r->hook->deadline); i++)
		correct_name(r, names->name[i]);
	if (i < names->n)
		hooklog_warn("reconcile: no time left for %zu of %zu names",
			     names->n - i, names->n);
}

static void correct_all(struct reconciler *r)
{
	struct names names = { 0 };
	int err;

	instance_warn_unseen(r->hook);
	err = kernel_read(r);
	observe(r);
	if (!err)
		err = all_names(r, &names);
	if (err) {
		report_change(
			r,
			&(struct change){
				.what = "unreadable",
				.text = "cannot read the kernel's routes or "
					"the state directory" },
			err);
	} else {
		correct_names(r, &names);
		correct_orphans(r);
		correct_links(r);
		correct_unreachable(r);
	}
	names_free(&names);
	observe_free(r);
}

static void remove_all(struct reconciler *r)
{
	int err = kernel_read(r);

	if (err)
		report_change(
			r,
			&(struct change){
				.what = "unreadable",
				.text = "cannot read the kernel's routes" },
			err);
	else
		correct_unreachable(r);
}

struct reconcile_result reconcile(struct hook *hook,
				  const struct reconcile_options *options)
{
	struct reconciler r = { .hook = hook, .options = options };

	report_start(&r);
	if (options->remove)
		remove_all(&r);
	else
		correct_all(&r);
	report_end(&r);
	free(r.kernel.route);
	return r.result;
}
