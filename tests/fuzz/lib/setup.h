/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The configurations that an input chooses from, and changes to as it goes. */
#ifndef FUZZ_SETUP_H
#define FUZZ_SETUP_H

#include "../../lib/door.h"

/* Bits of a configuration's number. */
enum {
	SETUP_NO_FILTER = 1,
	SETUP_LIMITS = 2,  /* a few packets of each class, then none */
	SETUP_ONE = 4,     /* only addresses A */
	SETUP_MOVED = 8,   /* ports change their roles */
	SETUP_NO_NAT = 16, /* nothing is masqueraded */
	SETUP_INSIDE = 32, /* connections come in by no uplink */
};

/*
 * Time passes in steps of 64 ticks, in which a flow notes its prefix, and what
 * is idle ends amid one: the ticks that a run takes itself change nothing.
 */
#define SETUP_TICKS(halves) ((halves)*32)

struct role {
	uint16_t port;
	uint8_t flags, target;
};
#define N_ROLES 12

struct setup {
	struct ap_config config;
	struct ap_active active;
	struct role role[N_ROLES]; /* all other ports: target 0 */
};

extern struct setup setup;

/* Raises the generation and puts configuration N in force, in the twin. */
void setup_apply(unsigned int n);
/* The keys of the hashes, and what the twin has of any port to begin with. */
void setup_begin(void);
struct ap_policy setup_policy(const struct role *role);
bool setup_is_door(const uint8_t *ip, int family);
/* Would the door leave PORT alone? */
bool setup_passes(uint16_t port);
bool setup_is_target(uint16_t port);
/* Where what is dialled at PORT goes, if it goes to a target. */
uint16_t setup_target(uint16_t port);
/* The port of the listener that a connection from REMOTE to PORT of LOCAL is
 * handed to, when it is KNOWN who listens; or 0. */
uint16_t setup_steers(int family, const void *remote, const void *local,
		      uint16_t port, bool known);

#endif
