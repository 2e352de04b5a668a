/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Frames for tests: built from a description, taken apart and summed again,
 * without a line of the code under test. A test describes what should come
 * out, builds that from nothing, and compares every byte.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 9100

struct frame {
	size_t len;
	uint8_t data[FRAME_MAX];
};

/* One end of a packet. */
struct end {
	int family; /* AF_INET or AF_INET6 */
	uint8_t ip[16];
	uint16_t port; /* host byte order */
};

enum sum { SUM_GOOD, SUM_ZERO, SUM_BAD };

/* All zero but the ends: an empty UDP datagram on untagged Ethernet. */
struct packet {
	struct end src, dst;
	uint8_t proto; /* 0: UDP */
	const void *payload;
	size_t len;
	unsigned int vlans;
	const uint8_t *options; /* IPv4; a multiple of 4 bytes */
	size_t n_options;
	const uint8_t *chain; /* IPv6: types of the extension headers */
	size_t n_chain;
	uint8_t tos, ttl; /* ttl 0: 64 */
	uint16_t id;
	enum sum sum;              /* of the transport header */
	uint8_t flags;             /* TCP */
	uint8_t type, code;        /* ICMP */
	uint32_t extra;            /* ICMP: second word, host byte order */
	const struct frame *quote; /* ICMP error: about this one ... */
	size_t quote_len;          /* ... this much of it from IP on; 0: all */
};

struct end end(const char *ip, uint16_t port);
struct end with_port(struct end e, uint16_t port);

void frame_build(struct frame *f, const struct packet *p);
/* The identification of the fragments made next. */
extern uint16_t fragment_id;
/* The part of WHOLE's IP payload from FROM, LEN bytes, as a fragment. */
void frame_fragment(struct frame *f, const struct frame *whole, size_t from,
		    size_t len);
bool frame_equal(const struct frame *a, const struct frame *b);
/* Prints both in hex where they differ, as TAP comments. */
void frame_diff(const struct frame *got, const struct frame *want);

/* Where things are in a frame that is whole and not malformed. */
struct view {
	struct end src, dst; /* ports 0 where there are none */
	uint8_t proto;
	size_t l3, l4, payload, end; /* offsets in the frame */
	size_t fragment;             /* offset of this fragment in bytes */
	bool more;
};

/* False: no IP, or its headers do not fit. */
bool frame_view(const struct frame *f, struct view *v);
/* Every checksum that the frame holds, embedded ones too, recomputed. */
bool frame_sums_good(const struct frame *f);
uint16_t frame_udp_sum(const struct frame *f);

#endif
