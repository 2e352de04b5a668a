/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * One way to OpenVPN's port: a server in a network namespace of its own with
 * its rules or its door, made by rig.sh, and the UDP sockets in it that stand
 * for OpenVPN. All ways exist side by side, so that rounds can take turns.
 * Errors end the program.
 */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

#define PATHS_MAX 16

/* Who keeps the flows, and what becomes of those that nobody keeps. */
enum keeper {
	KEEPER_NONE,
	KEEPER_CONNTRACK,
	KEEPER_DOOR,    /* without a limiter */
	KEEPER_LIMITED, /* a door with its limiter */
	KEEPER_DROP,    /* all is dropped on the way */
	KEEPERS
};

struct path {
	char name[24];
	char ns[16];
	enum keeper keeper;
	unsigned int ifindex; /* the veth that leads to it */
	struct end door[2];   /* [v6]: address, and the port that is dialled */
	int socket[2];        /* [v6] */
};

/* "name,namespace,veth,keeper,IPv4,IPv6,port"; keeper: see path.c */
void path_open(struct path *p, const char *spec);
/* All of ARGV; how many. */
unsigned int paths_open(struct path *p, int argc, char **argv);
const char *family_name(bool v6);

/*
 * The socket as a sink: a filter drops what arrives after the stack has done
 * all its work, so that nobody has to read. A rule in INPUT would not do: it
 * would keep conntrack from confirming entries, and hide what they cost.
 */
void path_sink(const struct path *p, bool v6, bool on);
/* Packets that the sink has dropped since the socket was made. */
uint64_t path_sunk(const struct path *p, bool v6);
/* Answers all that has been received, by the address dialled, with data,
 * opcode 9, as OpenVPN would after the handshake; returns how many. */
unsigned int path_answer(const struct path *p, bool v6);

#endif
