/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Who holds which address, so that it has one live owner: in the state
 * directory a symbolic link per address, named after it, that says whose.
 */
#ifndef HOOK_HELD_H
#define HOOK_HELD_H

#include "ledger.h"

#define HELD_LINK 72 /* "=2001:db8:...:1_128" */

/* Held for an instant while claims change: a descriptor or -errno. */
int held_lock(int dir, const struct deadline *deadline);

/*
 * Says whether a live claim of another name overlaps one of CLAIM's routes:
 * 0, -EADDRINUSE (OTHER and WHICH say who has what), or -errno. Links that
 * say nothing any more are removed.
 */
int held_by_other(int dir, const char *name, const struct claim *claim,
		  char other[NAME_MAX_LENGTH + 1], struct ip_prefix *which);
/* 0, or -errno: then LINK is the one that cannot be made. */
int held_put(int dir, const char *name, const struct claim *claim,
	     char link[HELD_LINK]);
/* Has a session that has not ended this very route on DEV? BUT: of another name
 * than this; NULL: of any. */
bool held_route(int dir, const struct ip_prefix *dst, const char *dev,
		const char *but);
/*
 * The lock, for who deletes that route: a connect takes it before it puts one
 * in. A descriptor, -EADDRINUSE when held_route() says so, or -errno.
 */
int held_lock_unused(int dir, const struct ip_prefix *dst, const char *dev,
		     const char *but, const struct deadline *deadline);
/* Removes NAME's links that none of LEDGER's claims needs. CLAIM: those of
 * its routes only. */
void held_drop(const struct ledger *ledger, const struct claim *claim);

/* Calls FN for each link; stops when it returns non-zero. */
/* Whose LINK says it is: 0 or -EINVAL. */
int held_owner(int dir, const char *link, char name[NAME_MAX_LENGTH + 1]);
int held_each(int dir,
	      int (*fn)(void *arg, const char *link,
			const struct ip_prefix *prefix),
	      void *arg);

#endif
