/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs of this binary, loaded on the pinned maps. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "lookup.skel.h"
#include "peer.skel.h"
#include "tc.skel.h"
#include "xdp.skel.h"

#include "tables.h"

struct programs {
	struct lookup_bpf *lookup;
	struct peer_bpf *peer; /* NULL: programs_load_peer() was not called */
	struct tc_bpf *egress;
	struct tc_bpf *ingress; /* NULL: not asked for yet */
	/* the same; single: its instance is 0, it always acts */
	struct xdp_bpf *xdp;
	int xdp_refused; /* by the kernel, -errno: it is not asked again */
};

/*
 * Loads what every door has. On an error *REFUSED is the program that the
 * kernel refused.
 */
int programs_load(const struct tables *tables, struct programs *programs,
		  const char **refused);
void programs_free(struct programs *programs);

/*
 * The two getpeername programs, which a door can do without. 0 or -errno.
 */
int programs_load_peer(const struct tables *tables, struct programs *programs);

int programs_lookup(const struct programs *programs);
int programs_peer(const struct programs *programs, bool v6);
int programs_egress(const struct programs *programs);

/*
 * Of what takes packets in, a door needs one: it is loaded when it is asked for,
 * since the verifier takes longer over each than all the rest of a load. The
 * descriptor stays with PROGRAMS; or -errno.
 */
int programs_ingress(const struct tables *tables, struct programs *programs);
int programs_xdp(const struct tables *tables, struct programs *programs);

/*
 * The XDP program for a dispatcher, where it acts only while INSTANCE is the
 * active one. Not loaded: libxdp does that while it attaches.
 */
int programs_open_xdp(const struct tables *tables, uint32_t instance,
		      struct xdp_bpf **out);

/*
 * Ties the maps by which prog_is_ours() knows a program to it, whatever the
 * program itself uses.
 */
int programs_mark(const struct tables *tables, int program);

#endif
