/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The same tests with the door attached in every way, checksum offload off and
 * on; and the server's end of UDP: OpenVPN's sockets, one for each address of
 * the door, so that answers leave from the address dialled.
 */
#ifndef MATRIX_H
#define MATRIX_H

#include "expect.h"
#include "ns.h"

extern bool offload; /* in the run at hand */
extern const char *attached;
extern const char *more_udp; /* configuration lines, for run_matrix() */
extern const char *more_tcp;
extern bool one_offload; /* checksums are not the point: tx off alone */

/* After world_make(). */
int run_matrix(const struct CMUnitTest *tests, size_t n, const char *req);
#define RUN_MATRIX(tests, req) \
	run_matrix(tests, sizeof(tests) / sizeof((tests)[0]), req)

extern const char *const door_address[4];   /* A4, B4, A6, B6 */
extern const char *const member_address[4]; /* of the same family */

struct heard {
	int fd, len;
	struct end peer; /* as OpenVPN sees it */
	uint8_t data[65536];
};

void server_open(void);
void server_close(void);
/* False: nothing within MS. */
bool server_hear(struct heard *h, int ms);
void server_say(const struct heard *h, const void *data, size_t len);
/* From the target port of the door address FROM, unasked. */
void server_send(struct end from, struct end to, const void *data, size_t len);
/* FD sends G to DIALLED and is answered with REPLY, from DIALLED; the member
 * as OpenVPN sees it. */
struct end exchange(int fd, struct end dialled, const struct golden *g,
		    const struct golden *reply);
/* Datagrams whose checksum the stack of NS found wrong. */
long bad_sums(const char *ns);

#endif
