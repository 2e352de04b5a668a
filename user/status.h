/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What anyport status finds out: gathered first, then printed or made JSON. */
#ifndef STATUS_H
#define STATUS_H

#include <jansson.h>

#include "host.h"
#include "link.h"
#include "report.h"
#include "state.h"

enum known { NO, YES, UNKNOWN };

struct status_uplink {
	struct state_uplink as; /* attached; ifindex 0: never was */
	bool present, up;
	enum known ingress, egress; /* our programs are there */
};

struct status_target {
	enum ap_proto proto;
	uint16_t port;
	bool listening;
	char program[16];
};

struct status_fill {
	uint32_t entries[2], room[2]; /* IPv4, IPv6 */
};

struct status {
	bool loaded;
	struct state state;
	const char *path;      /* of the configuration */
	struct config *config; /* NULL: cannot be read any more */
	struct ap_config kernel;
	struct links links;
	struct status_uplink uplink[AP_UPLINKS];
	size_t n_uplink;
	enum known steering;  /* sk_lookup */
	enum known tcp_alias; /* getpeername */
	bool held[AP_IDS];   /* state.address[] */
	struct status_target target[AP_PROTOS * AP_TARGETS];
	size_t n_target;
	struct status_fill established, half_open;
	uint64_t dropped; /* by the limiter, since it was loaded */
	double dropping;  /* the same, packets a second, now */
	struct host_listener *met;
	size_t n_met;
	struct report report;
	char load[4200]; /* the command that mends most */
};

/*
 * PATH: another configuration than the one loaded; or NULL. 0, also when no
 * door is loaded or something is wrong; -errno when it cannot be told.
 */
int status_gather(struct status *status, const char *path);
void status_free(struct status *status);

/* status_uplink.c: interfaces and what is attached, into the report too. */
void status_uplinks(struct status *status);
/* status_link.c: the programs that are on no interface. */
void status_links(struct status *status);
/* status_target.c: is there somebody who listens? */
void status_targets(struct status *status);

const char *mode_text(const struct state_uplink *uplink);

/* NOW: Unix seconds. */
void status_print(const struct status *status, int64_t now);
json_t *status_json(const struct status *status);

#endif
