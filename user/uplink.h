/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs on one uplink. */
#ifndef UPLINK_H
#define UPLINK_H

#include "door.h"

/* What is at our places on an interface. */
struct uplink_found {
	uint32_t egress, ingress; /* tc; 0: nothing */
	struct xdp_now xdp;
};

int uplink_find(const struct link *link, struct uplink_found *found);
bool uplink_has_ours(const struct uplink_found *found);
/* How ours is attached; ATTACH_AUTO: not at all. */
enum attach_mode uplink_mode(const struct uplink_found *found);

/* Of XDP programs the one that acts now, by its id; 0: none. */
uint32_t uplink_acting(const struct door *door, const struct xdp_now *now);

/* Those behind a dispatcher, but for KEPT, go when the change is in force. */
int uplink_retire(struct door *door, const struct link *link,
		  const struct xdp_now *now, uint32_t kept);

/*
 * For a reload: 1 when the interface has all that it needs, described in *OUT;
 * 0: it must be attached. -EINVAL: not in the mode that is WANTED.
 */
int uplink_keep(struct door *door, const struct link *link,
		enum attach_mode wanted, struct state_uplink *out);

/*
 * Whether the kernel takes the program for what comes in: asked before a loaded
 * door is changed. Not of one that libxdp will replace behind its dispatcher,
 * which is one more to verify.
 */
int uplink_ask(struct door *door, const struct link *link,
	       enum attach_mode wanted);

/* Attaches to an interface, egress first, and describes it in *OUT. */
int uplink_attach_egress(struct door *door, const struct link *link,
			 bool replace, struct state_uplink *out);
int uplink_attach_ingress(struct door *door, const struct link *link,
			  enum attach_mode wanted, bool replace,
			  struct state_uplink *out);

/* Removes what is ours from it, as steps of the door. */
int uplink_release(struct door *door, const struct link *link);

/* The same, not to be undone; goes on after an error. */
int uplink_strip(const struct link *link);

#endif
