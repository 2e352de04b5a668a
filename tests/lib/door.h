/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The kernel programs under test runs: loaded here, configured through their
 * maps, fed one frame at a time. No loader and no interface takes part.
 */
#ifndef DOOR_H
#define DOOR_H

#include <stdbool.h>

#include "anyport.h"
#include "packet.h"

/* The door's addresses and ports in every test. */
#define DOOR_A4     "198.51.100.1"
#define DOOR_B4     "198.51.100.2"
#define DOOR_A6     "2001:db8:1::1"
#define DOOR_B6     "2001:db8:1::2"
#define TARGET      1194
#define MAPPED      4443 /* second target, of both protocols */
#define DIALLED     8443 /* the port that is mapped to it */
#define PASSED_PORT 22   /* policy: pass */
#define CLAIMED     9000 /* policy: claim */

enum { ID_A4 = 5, ID_B4 = 6, ID_A6 = 33, ID_B6 = 63 };

enum door_mode { DOOR_XDP, DOOR_TC };

struct xdp_bpf;
struct tc_bpf;
struct lookup_bpf;
struct peer_bpf;

struct door {
	enum door_mode mode; /* which program takes what arrives */
	struct xdp_bpf *xdp;
	struct tc_bpf *tc;
	struct lookup_bpf *lookup;
	struct peer_bpf *peer;
	struct ap_config config;
	uint32_t mark; /* of what leaves: see door_out() */
	unsigned int generation;
	char pins[64]; /* not our own maps but those pinned here */
};

/* ENTRIES: size of each of the flow tables; 0: as in maps.h. 0 or -errno. */
int door_open(struct door *d, enum door_mode mode, unsigned int entries);
void door_close(struct door *d);
/* Hands d->config to the programs. */
void door_configure(struct door *d);
void door_policy(struct door *d, enum ap_proto proto, uint16_t first,
		 uint16_t last, uint8_t flags, uint8_t target);
/* Forgets flows, tuples, buckets and counts. */
void door_reset(struct door *d);
/* For looking into the door that is loaded in namespace NS. */
void door_of(struct door *d, const char *ns);
int door_map(const struct door *d, const char *name);

enum verdict { PASSED, DROPPED, STRANGE };

enum verdict door_in(struct door *d, const struct frame *in, struct frame *out);
/* The first LINEAR bytes are in one piece: XDP only, and not on all kernels. */
bool door_can_split(const struct door *d);
enum verdict door_in_split(struct door *d, const struct frame *in,
			   size_t linear, struct frame *out);
/* FORWARDED: it came in by an interface; otherwise it is the host's own. It has
 * the mark D->mark. */
enum verdict door_out(struct door *d, const struct frame *in, bool forwarded,
		      struct frame *out);
uint64_t door_count(struct door *d, enum ap_counter counter);

/* ---- flows --------------------------------------------------------------*/

enum tier { NOWHERE, HALF, ESTABLISHED };

/* MEMBER's port is the one that OpenVPN sees. FLOW may be NULL. */
enum tier door_flow(struct door *d, struct end member, uint16_t target,
		    struct ap_flow *flow);
void door_put(struct door *d, enum tier tier, struct end member,
	      uint16_t target, const struct ap_flow *flow);
/* One that is established now, from MEMBER's own port to 443 of address A. */
void door_put_member(struct door *d, struct end member);
void door_forget(struct door *d, struct end member, uint16_t target);
/* A tuple that was last seen SECONDS ago. */
void door_put_nat(struct door *d, const struct ap_nat4 *key,
		  unsigned int seconds);
/* As if nothing had come for SECONDS. A promoted flow has a copy in HALF. */
void door_age(struct door *d, struct end member, uint16_t target,
	      unsigned int seconds);
/* Entries of a table, "flows4" for example; HASH (may be NULL): of all of
 * them, whatever their order. */
unsigned int door_table(struct door *d, const char *name, uint64_t *hash);
/* Element INDEX of an array of __u64. */
uint64_t door_word(struct door *d, const char *name, uint32_t index);
uint32_t door_tick(void);
/* SECONDS in ticks, rounded up. */
uint32_t door_ticks(unsigned int seconds);

#endif
