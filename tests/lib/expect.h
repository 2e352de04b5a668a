/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What a cmocka test expects of the door, in one line each. */
#ifndef EXPECT_H
#define EXPECT_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "door.h"
#include "golden.h"

struct where {
	const char *file;
	int line;
};
#define HERE ((struct where){ __FILE__, __LINE__ })

/* No counter at all may move. */
#define NO_COUNTER AP_C_MAX

/* IN arrives and goes on to the stack as WANT, every byte. */
#define expect_in(d, in, want) expect_in_(d, in, want, HERE)
/* ... as it was; of all reasons to leave a packet alone or to drop it, only
 * COUNTER rises, by 1. */
#define expect_left(d, in, counter) expect_left_(d, in, counter, HERE)
#define expect_drop(d, in, counter) expect_drop_(d, in, counter, HERE)
/* IN leaves the host as WANT. */
#define expect_out(d, in, forwarded, want) \
	expect_out_(d, in, forwarded, want, HERE)

void expect_in_(struct door *d, const struct packet *in,
		const struct packet *want, struct where here);
void expect_left_(struct door *d, const struct packet *in,
		  enum ap_counter counter, struct where here);
void expect_drop_(struct door *d, const struct packet *in,
		  enum ap_counter counter, struct where here);
void expect_out_(struct door *d, const struct packet *in, bool forwarded,
		 const struct packet *want, struct where here);

/* The same with frames. */
#define expect_frame_in(d, in, want) expect_frame_in_(d, in, want, HERE)
#define expect_frame_left(d, in, counter) \
	expect_frame_left_(d, in, counter, HERE)
#define expect_frame_drop(d, in, counter) \
	expect_frame_drop_(d, in, counter, HERE)
#define expect_frame_out(d, in, forwarded, want) \
	expect_frame_out_(d, in, forwarded, want, HERE)

void expect_frame_in_(struct door *d, const struct frame *in,
		      const struct frame *want, struct where here);
void expect_frame_left_(struct door *d, const struct frame *in,
			enum ap_counter counter, struct where here);
void expect_frame_drop_(struct door *d, const struct frame *in,
			enum ap_counter counter, struct where here);
void expect_frame_out_(struct door *d, const struct frame *in, bool forwarded,
		       const struct frame *want, struct where here);

/* A datagram with a golden payload. */
struct packet datagram(struct end src, struct end dst, const struct golden *g);

/*
 * MEMBER sends G to DIALLED. The door must rewrite the destination port, and
 * of the source at most the port. Returns the member as OpenVPN sees it.
 */
#define say(d, member, dialled, g) say_(d, member, dialled, g, HERE)
struct end say_(struct door *d, struct end member, struct end dialled,
		const struct golden *g, struct where here);
/* OpenVPN sends G to SEEN; it must arrive at MEMBER, from DIALLED. */
#define answer(d, seen, dialled, g, member) \
	answer_(d, seen, dialled, g, member, HERE)
void answer_(struct door *d, struct end seen, struct end dialled,
	     const struct golden *g, struct end member, struct where here);
/* A whole handshake; returns the member as OpenVPN sees it. */
#define establish(d, member, dialled) establish_(d, member, dialled, HERE)
struct end establish_(struct door *d, struct end member, struct end dialled,
		      struct where here);

/* The target of a dialled UDP port under door_open()'s policy. */
uint16_t target_of(uint16_t dialled);

/* "req N" for each number in REQ. */
void print_req(const char *req);

/* The program under test in both of its places, then "req N" lines. */
int run_both(const struct CMUnitTest *tests, size_t n, const char *req);
extern struct door door;
#define RUN_BOTH(tests, req) \
	run_both(tests, sizeof(tests) / sizeof((tests)[0]), req)

#endif
