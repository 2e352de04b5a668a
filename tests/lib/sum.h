/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The Internet checksum over whole packets, RFC 1071, the plain way. */
#ifndef SUM_H
#define SUM_H

#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

struct sum_pseudo {
	int family;
	const uint8_t *src, *dst;
	uint8_t proto;
};

static inline uint64_t sum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += data[i] << 8 | data[i + 1];
	return len & 1 ? sum + (data[len - 1] << 8) : sum;
}

static inline uint16_t sum_finish(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* DATA's checksum field counts as it stands: 0 to compute, filled to check. */
static inline uint16_t sum_transport(const struct sum_pseudo *p,
				     const uint8_t *data, size_t len)
{
	size_t ip = p->family == AF_INET ? 4 : 16;
	uint64_t sum = 0;

	if (p->proto != IPPROTO_ICMP) { /* ICMPv4 has no pseudo header */
		sum = sum_add(sum, p->src, ip);
		sum = sum_add(sum, p->dst, ip);
		sum += p->proto + (len & 0xffff) + (len >> 16);
	}
	return sum_finish(sum_add(sum, data, len));
}

#endif
