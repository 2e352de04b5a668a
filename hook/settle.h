/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Makes the kernel's routes agree with a member's ledger. */
#ifndef HOOK_SETTLE_H
#define HOOK_SETTLE_H

#include "ledger.h"
#include "route.h"

/* What every event needs. */
struct hook {
	const struct config *config;
	struct env env;
	struct deadline deadline;
	int dir; /* the state directory */
	struct routes *routes;
};

/* A claim for ENV's session on ACCOUNT's addresses; seq and device index are
 * still to be set. */
void claim_fill(struct claim *claim, const struct env *env,
		const struct account *account,
		const struct hook_config *config);

/* The newest claim whose device and process live; those above it are marked
 * gone. NULL: the member is nowhere. */
struct claim *settle_owner(struct ledger *ledger);

/* Puts all routes of CLAIM in; CLAIM->repair says whether one is missing.
 * 0 or the first error. */
int settle_put(struct hook *hook, const char *name, struct claim *claim);

/* Does OWNER, if there is one, have this very route's place? */
bool settle_covered(const struct claim *owner, const struct claim *claim,
		    size_t r);

/* Warns that route R of NAME's CLAIM is left because it is not allowed (any
 * more), unless it is another's by now. */
void settle_say_left(const struct hook *hook, const char *name,
		     const struct claim *claim, size_t r);

/* Deletes what claims other than OWNER had put in and OWNER has no use for;
 * removes the claims that are gone and need nothing more. Returns how many
 * routes it deleted; LEDGER is not written. */
size_t settle_sweep(struct hook *hook, struct ledger *ledger,
		    const struct claim *owner);

/* Writes LEDGER and gives up the addresses that BEFORE had and it has not. */
int settle_write(struct hook *hook, struct ledger *ledger,
		 const struct ledger *before);

#endif
