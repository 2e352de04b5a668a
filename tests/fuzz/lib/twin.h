/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The twin: the kernel programs compiled for the host, with maps, clock and
 * sockets of its own. A sanitizer sees what it reads, and how much of it is
 * reached can be measured; the programs in the kernel must do the same.
 */
#ifndef FUZZ_TWIN_H
#define FUZZ_TWIN_H

#include <stdbool.h>

#include "../../lib/door.h"

/* Local services: sockets in the kernel, made up for the twin. */
#define SERVICE_UDP 53
#define SERVICE_TCP 80

/* Forgets all but the configuration; the clock starts again. SHIFT: of both
 * tables of established flows, see struct ap_spread. */
void twin_reset(enum door_mode mode, uint32_t shift);
/* The first LINEAR bytes of IN are in one piece. */
enum verdict twin_in(const struct frame *in, size_t linear, struct frame *out);
enum verdict twin_out(const struct frame *in, size_t linear, bool forwarded,
		      struct frame *out);
/* The port of the listener that a connection is handed to, or 0. */
uint16_t twin_connect(const struct bpf_sk_lookup *lookup);
/* Connections that a server has accepted: found while `state` is not 0. `mark`:
 * the host has opened it. */
#define TWIN_CONNECTIONS 12
struct bpf_sock *twin_connection(unsigned int i);
/* The port of the member that accept() reports for SK, a socket of IPv6 if
 * DUAL. */
uint16_t twin_peername(struct bpf_sock *sk, bool dual);
void twin_wait(uint32_t ticks);

/* Element INDEX of the array NAME ("counters", ...), or global data. */
void *twin_at(const char *name, uint32_t index);
/* Elements of "prefixes", "aliased" or "listeners" looked at since the reset;
 * returns how many. */
size_t twin_touched(const char *name, const uint32_t **index);
/* Tuples of "nat4" or "nat6". */
size_t twin_tuples(const char *name);
/* Of all flows and tuples: changes whenever one of them does. */
uint64_t twin_flows(void);

#endif
