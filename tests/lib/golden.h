/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Real OpenVPN datagrams, for tests. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stddef.h>
#include <stdint.h>

struct golden {
	const char *name;
	const uint8_t *data;
	size_t len;
};

/* A client's first packet, one for each way to protect the control channel. */
#define N_GOLDEN_FIRST 6
extern const struct golden golden_first[N_GOLDEN_FIRST];

/* Later packets: a client's, then a server's. */
extern const struct golden golden_control, golden_wkc, golden_ack, golden_data;
extern const struct golden golden_reply_reset, golden_reply_control,
	golden_reply_data;

#endif
