/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Takes an input's bytes for choices: packets, and what is wrong with them. */
#ifndef FUZZ_PICK_H
#define FUZZ_PICK_H

#include "packet.h"

struct pick {
	const uint8_t *at, *end;
};

#define PICK_DATA 2 /* of pick_reply(): a data packet */

/* 0 when there are no more. */
uint8_t pick_byte(struct pick *pick);
/* One that always says VALUE (below 8). */
struct pick pick_constant(uint8_t value);

/* From some member to some door. */
void pick_ends(struct pick *pick, struct packet *p);
/* A datagram, between such. */
void pick_packet(struct pick *pick, struct packet *p);
/* What OpenVPN sends: P's payload. */
void pick_reply(struct pick *pick, struct packet *p);
/* P becomes a TCP segment, or an ICMP message that quotes ABOUT. */
void pick_tcp(struct pick *pick, struct packet *p);
void pick_error(struct pick *pick, struct packet *p, const struct frame *about);
/* Member I of many opens a flow, over IPv4 or (V) IPv6. */
void pick_member(struct packet *p, unsigned int v, unsigned int i);
/* P as a frame; tags, options, extensions, cuts, and bytes that are wrong. */
void pick_frame(struct pick *pick, struct packet *p, struct frame *f);
/* Anything. */
void pick_raw(struct pick *pick, struct frame *f);

#endif
