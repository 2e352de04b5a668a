/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The interfaces of this network namespace. */
#ifndef LINK_H
#define LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t lower;  /* what a VLAN stands on; 0: it is none */
	uint32_t master; /* the bridge or bond it is a port of; 0: none */
	uint16_t type;   /* ARPHRD_* */
	unsigned int flags; /* IFF_* */
	uint32_t xdp_id; /* program in the driver or in generic XDP; 0: none */
	bool generic;    /* which of the two */
};

struct links {
	struct link *link;
	size_t n;
};

/* All of them. 0 or -errno. */
int links_read(struct links *links);
void links_free(struct links *links);

const struct link *link_named(const struct links *links, const char *name);
const struct link *link_numbered(const struct links *links, uint32_t ifindex);

/* "not an Ethernet interface": why it can be no uplink; NULL: it can. */
const char *link_unfit(const struct link *link);

/*
 * Adds to OUT[*N], which has room for MAX, what stands on the interfaces in
 * it: their VLANs and bridges, and the VLANs on those. -E2BIG: no room.
 */
int links_above(const struct links *links, uint32_t *out, uint32_t *n,
		uint32_t max);

#endif
