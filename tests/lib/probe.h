/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Questions that anybody may ask of anybody, and what comes of them. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#include "ns.h"

enum outcome {
	NOTHING,
	ARRIVED,  /* but the answer did not */
	ANSWERED, /* and by whom it should */
	REFUSED,
	MISTAKEN, /* the answer is from somewhere else */
};

/*
 * FROM sends to TO, where AT listens (-1: nobody) and answers. Both datagrams
 * look like OpenVPN's, so that only the rule at test keeps the door away.
 */
enum outcome ask(int from, struct end to, int at);
enum outcome ask_and_close(int from, struct end to, int at);
/* AT, a socket of eth0 as FROM is, gets what is for many, and not OpenVPN's: on
 * the target's port the door would drop it. The answer is from an address of
 * its host and the same port. Closes both. */
enum outcome ask_many(int from, struct end to, int at);
/* The same of PROTO, which has no ports; what is in their place is OpenVPN's.
 */
enum outcome ask_raw(int proto, struct end member, struct end server);
/* AT is a listener (-1: none), and closed. */
enum outcome ask_tcp(const char *ns, struct end from, struct end to, int at);

int connected_udp(const char *ns, struct end from, struct end to);
/* A UDP socket of eth0 in NS; E may be a group, which it joins, or broadcast.
 */
int udp_on_link(const char *ns, struct end e);

#endif
