/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Any bytes as a frame: nothing is read behind it, and what parse.h calls
 * whole is inside. The first byte says whether it is a frame or the quote of
 * an ICMP error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static enum parse_result rest(const uint8_t *data, const uint8_t *end,
			      struct packet *p)
{
	const struct ipv6hdr *v6;
	const struct iphdr *v4;

	if (p->version == 4) {
		v4 = parse_ip4(data, end, p);
		return v4 ? parse_rest4(data, end, v4, p) : PARSE_MALFORMED;
	}
	v6 = parse_ip6(data, end, p);
	return v6 ? parse_rest6(NULL, data, end, v6, p) : PARSE_MALFORMED;
}

static void frame(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	struct packet p = { 0 };
	__u32 class;

	if (parse_ether(data, end, &p) || rest(data, end, &p))
		return;
	check(p.l3 >= 14 && p.l3 <= 14 + 4 * VLAN_DEPTH);
	check(p.l4 >= p.l3 + 20 && p.l4 + 8 <= size);
	check(p.l4 + 8 <= p.end);
	if (p.proto != IPPROTO_UDP)
		return;
	check(p.length ? p.length >= 8 : p.fragment);
	check(p.fragment || p.l4 + p.length <= p.end);
	class = ovpn_classify(data + p.l4 + 8, end, p.length - 8, p.fragment);
	check(class <= OVPN_UNKNOWN);
}

static void quote(const uint8_t *data, size_t size)
{
	struct packet p = { 0 };

	if (!parse_quoted4(data, data + size, 0, &p))
		check(p.version == 4 && p.l4 >= 20 && p.l4 + 8 <= size);
	if (!parse_quoted6(NULL, data, data + size, 0, &p))
		check(p.version == 6 && p.l4 >= 40 && p.l4 + 8 <= size);
}

/*
 * The copy ends where the allocation does, so that reading on is noticed; IP
 * headers lie on a multiple of 4 in it, as drivers see to.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t lead = data && size && !(data[0] & 1) ? 2 : 0;
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = malloc(lead + size - 1);
	if (!copy)
		return 0;
	memcpy(copy + lead, data + 1, size - 1);
	if (lead)
		frame(copy + lead, size - 1);
	else
		quote(copy, size - 1);
	free(copy);
	return 0;
}
