/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Sends packets of many members into a path. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "path.h"

enum payload { PAYLOAD_RESET, PAYLOAD_DATA };

/*
 * What is sent. LENGTH: of the whole frame without its checksum. FIRST, FLOWS
 * and AT: sources, as live/gen.h has them.
 */
struct traffic {
	bool v6;
	enum payload payload;
	unsigned int length;
	uint32_t first, flows, at;
};

void generator_open(const char *object);
/*
 * Sends N packets, leaves in T where to go on, and returns the nanoseconds that
 * one took. The veth's NAPI, and with it the whole stack up to the socket, runs
 * on the generator's back, in the softirq at the end of each batch: the
 * kernel's own figure of the test run is the time of generator and receiver in
 * one, and it leaves out when others had the core. What counts is by how much
 * it differs from path to path. The time of the call as a whole would not do:
 * before and after a run the kernel waits for RCU.
 */
double generator_send(const struct path *p, struct traffic *t, unsigned int n);
/* Sends N packets as generator_send() does, or the other way. */
typedef double send_packets(const struct path *p, struct traffic *t,
			    unsigned int n);
/*
 * A path's turn in a round: runs of a 25th of N packets by SEND, as many as
 * calm.h wants, after one that brings tables and code, which the other paths
 * have driven out, back into the caches. Returns what a packet took in the
 * median run, and adds to *SENT how many were sent in all.
 */
double generator_turn(const struct path *p, struct traffic *t, unsigned int n,
		      send_packets *send, uint64_t *sent);
/* Has every flow of T make itself known to P and be answered until it is
 * established. */
void generator_establish(const struct path *p, const struct traffic *t);
/* The member's end of flow N. */
struct end generator_member(const struct traffic *t, uint32_t n);

#endif
