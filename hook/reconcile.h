/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Compares ledger, status files and kernel, and puts right what differs. */
#ifndef HOOK_RECONCILE_H
#define HOOK_RECONCILE_H

#include "settle.h"

struct reconcile_options {
	bool dry_run;
	bool quiet; /* changes go to the log instead of stdout */
	bool json;
	bool remove; /* only: take the unreachable routes away */
};

struct reconcile_result {
	size_t drift, failed;
};

/* HOOK: config, dir and deadline are set. */
struct reconcile_result reconcile(struct hook *hook,
				  const struct reconcile_options *options);

#endif
