/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Does a UDP payload look like OpenVPN, and what does it announce? Pure. The
 * first byte is opcode << 3 | key id, then come 8 bytes of session id in all
 * but data packets.
 */
#ifndef OVPN_H
#define OVPN_H

#include "anyport.h"
#include "parse.h"

enum ovpn_opcode {
	OVPN_SOFT_RESET = 3,
	OVPN_CONTROL = 4,
	OVPN_ACK = 5,
	OVPN_DATA_V1 = 6,
	OVPN_RESET_CLIENT_V2 = 7,
	OVPN_RESET_SERVER_V2 = 8,
	OVPN_DATA_V2 = 9,
	OVPN_RESET_CLIENT_V3 = 10, /* tls-crypt-v2 */
	OVPN_CONTROL_WKC = 11,
};

/*
 * The shortest of each that OpenVPN 2.6 and 2.7 send, and the longest of the
 * one that has a bound: op, session id, ack count, packet id; with tls-crypt-v2
 * a wrapped client key of 290 to 1024 bytes follows.
 */
#define OVPN_MIN_RESET    14
#define OVPN_MIN_RESET_V3 344
#define OVPN_MAX_RESET_V3 1279
#define OVPN_MIN_CONTROL  14
#define OVPN_MIN_ACK      22
#define OVPN_MIN_DATA     25 /* op and peer id, packet id, tag, 1 byte */

#define OVPN_UNKNOWN AP_CLASSES /* ovpn_classify(): not OpenVPN */
/* A packet's length of 0 without UDP's header. */
#define OVPN_UNSEEN (0U - (__u32)sizeof(struct udphdr))

static __always_inline int ovpn_session_is_zero(const __u8 *p)
{
	return !(p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7] | p[8]);
}

static __always_inline int ovpn_length_fits(__u8 opcode, __u32 length)
{
	switch (opcode) {
	case OVPN_RESET_CLIENT_V2: return length >= OVPN_MIN_RESET;
	case OVPN_RESET_CLIENT_V3:
		return length >= OVPN_MIN_RESET_V3 &&
		       length <= OVPN_MAX_RESET_V3;
	case OVPN_ACK: return length >= OVPN_MIN_ACK;
	case OVPN_CONTROL:
	case OVPN_CONTROL_WKC: return length >= OVPN_MIN_CONTROL;
	case OVPN_DATA_V2: return length >= OVPN_MIN_DATA;
	}
	return 0;
}

/*
 * A packet from a client that no flow is known of: its class, or OVPN_UNKNOWN.
 * LENGTH is what UDP says the payload has. A first fragment may hold too little
 * of it to judge (OVPN_UNSEEN for its length): that counts as a first packet,
 * and the limiter judges.
 */
static __always_inline __u32 ovpn_classify(const void *payload, const void *end,
					   __u32 length, int fragment)
{
	const __u8 *p = payload;
	__u8 opcode;

	if (length == OVPN_UNSEEN)
		return AP_RESET;
	if (length < OVPN_MIN_RESET)
		return OVPN_UNKNOWN;
	if (payload + 9 > end)
		return fragment ? AP_RESET : OVPN_UNKNOWN;
	opcode = p[0] >> 3;
	if (!ovpn_length_fits(opcode, length))
		return OVPN_UNKNOWN;
	if (opcode == OVPN_DATA_V2)
		return AP_DATA;
	if ((p[0] & 7) || ovpn_session_is_zero(p))
		return OVPN_UNKNOWN;
	return opcode == OVPN_RESET_CLIENT_V2 || opcode == OVPN_RESET_CLIENT_V3
		       ? AP_RESET
		       : AP_CONTROL;
}

/*
 * What a packet that OpenVPN sends proves of its peer. Control and ACK are
 * sent only to one whose cookie came back; data only after the TLS handshake.
 * The stateless reset reply (opcode 8) goes to anybody: it proves nothing.
 */
static __always_inline enum ap_state ovpn_proves(__u8 first)
{
	switch (first >> 3) {
	case OVPN_DATA_V1:
	case OVPN_DATA_V2: return AP_ESTABLISHED;
	case OVPN_CONTROL:
	case OVPN_ACK: return AP_VERIFIED;
	}
	return AP_NEW;
}

#endif
