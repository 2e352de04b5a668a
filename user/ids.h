/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Ids of addresses: see struct ap_addr for the rules. */
#ifndef IDS_H
#define IDS_H

#include "state.h"

/*
 * Gives each address of CONFIG an id: the one it has or had, else one never
 * used, else one that neither the present nor the new configuration uses, set
 * in *REUSED (a bit per id): flows that carry it must go first. STATE's
 * addresses are brought up to date, its in_use is left for the caller.
 */
void ids_assign(struct state *state, const struct config *config,
		uint8_t id[AP_ADDRS], uint64_t *reused);

/* in_use for exactly these. */
void ids_use(struct state *state, const uint8_t *id, size_t n);

#endif
