/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads a loaded door's maps, for commands that the group may run. */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"

/* The pinned map, to read. A descriptor, -ESTALE: of a loaded door, but it is
 * missing, or -errno. */
int view_map(const char *name);

/* The configuration that the programs act by. 0 or -errno. */
int view_config(struct ap_config *config);
int view_policy(enum ap_proto proto, uint16_t port, struct ap_policy *policy);

/* Totals of all CPUs. */
int view_counters(uint64_t out[AP_C_MAX]);
const char *counter_name(enum ap_counter counter);
const char *counter_text(enum ap_counter counter);

/* Ticks of flow times, now. */
uint32_t view_tick(void);

struct flow {
	int family;
	struct ip_prefix member, door; /* door.family 0: id not known */
	uint16_t port;                 /* the member's, on the wire */
	uint16_t alias;                /* as OpenVPN sees it */
	uint16_t dialled, target;
	enum ap_state state;
	uint32_t idle; /* s */
};

struct flow_filter {
	int family; /* AF_INET, AF_INET6; 0: both */
	int state;  /* enum ap_state; -1: any */
};

struct flows {
	struct flow *item;
	size_t n;
};

/* Flows that are alive, the established and the busy ones first. */
int view_flows(const struct state *state, const struct flow_filter *filter,
	       struct flows *out);
void flows_free(struct flows *flows);

/* "new", "verified", "established" */
const char *flow_state_name(enum ap_state state);

/*
 * Says on stderr why the door cannot be read (ERR of the functions above, or
 * of state_read) and what to do. Returns EXIT_FAILED.
 */
int view_failed(int err);

#endif
