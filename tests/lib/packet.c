/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Builds frames for tests. */
#include <arpa/inet.h>
#include <assert.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "packet.h"
#include "sum.h"

#define V6_HEADER 40
#define ATOMIC_ID 0x5eed

uint16_t fragment_id = 1;

static void put8(struct frame *f, uint8_t v)
{
	assert(f->len < sizeof(f->data));
	f->data[f->len++] = v;
}

static void put16(struct frame *f, uint16_t v)
{
	put8(f, v >> 8);
	put8(f, v & 0xff);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void put(struct frame *f, const void *data, size_t len)
{
	assert(len <= sizeof(f->data) - f->len);
	if (len)
		memcpy(f->data + f->len, data, len);
	f->len += len;
}

static void set16(struct frame *f, size_t at, uint16_t v)
{
	f->data[at] = v >> 8;
	f->data[at + 1] = v & 0xff;
}

struct end end(const char *ip, uint16_t port)
{
	struct end e = { .family = strchr(ip, ':') ? AF_INET6 : AF_INET,
			 .port = port };
	int rc = inet_pton(e.family, ip, e.ip);

	assert(rc == 1);
	(void)rc;
	return e;
}

struct end with_port(struct end e, uint16_t port)
{
	e.port = port;
	return e;
}

static void put_ethernet(struct frame *f, const struct packet *p)
{
	static const uint8_t mac[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	bool v4 = p->src.family == AF_INET;
	unsigned int i;

	put(f, mac, sizeof(mac));
	for (i = 0; i < p->vlans; i++) {
		put16(f, i + 1 < p->vlans ? ETH_P_8021AD : ETH_P_8021Q);
		put16(f, 100 + i);
	}
	put16(f, v4 ? ETH_P_IP : ETH_P_IPV6);
}

static void put_ipv4(struct frame *f, const struct packet *p, uint8_t proto)
{
	put8(f, 0x40 | (5 + p->n_options / 4));
	put8(f, p->tos);
	put16(f, 0); /* length: when it is known */
	put16(f, p->id);
	put16(f, 0);
	put8(f, p->ttl ?: 64);
	put8(f, proto);
	put16(f, 0);
	put(f, p->src.ip, 4);
	put(f, p->dst.ip, 4);
	put(f, p->options, p->n_options);
}

/* Sizes differ from type to type, so that one taken for another shows. */
static void put_extension(struct frame *f, uint8_t type, uint8_t next)
{
	static const uint8_t zero[64];

	put8(f, next);
	switch (type) {
	case IPPROTO_FRAGMENT: /* atomic: first and last */
		put8(f, 0);
		put16(f, 0);
		put32(f, ATOMIC_ID);
		break;
	case IPPROTO_AH: /* in words of 4, minus 2 */
		put8(f, 4);
		put(f, zero, 22);
		break;
	case IPPROTO_ROUTING: /* type 4, no segments left, one address */
		put8(f, 2);
		put16(f, 0x0400);
		put(f, zero, 20);
		break;
	case IPPROTO_DSTOPTS:
		put8(f, 1);
		put16(f, 0x1e0c); /* RFC 4727: unknown, to be skipped */
		put(f, zero, 12);
		break;
	default:
		put8(f, 0);
		put16(f, 0x0104);
		put(f, zero, 4);
	}
}

static void put_ipv6(struct frame *f, const struct packet *p, uint8_t proto)
{
	size_t i;

	put32(f, 6U << 28 | p->tos << 20 | 0xf10e);
	put16(f, 0); /* length */
	put8(f, p->n_chain ? p->chain[0] : proto);
	put8(f, p->ttl ?: 64);
	put(f, p->src.ip, 16);
	put(f, p->dst.ip, 16);
	for (i = 0; i < p->n_chain; i++)
		put_extension(f, p->chain[i],
			      i + 1 < p->n_chain ? p->chain[i + 1] : proto);
}

static size_t quoted(const struct frame *quote, const uint8_t **data)
{
	struct view v;
	bool ok = frame_view(quote, &v);

	assert(ok);
	(void)ok;
	*data = quote->data + v.l3;
	return v.end - v.l3;
}

static void put_icmp(struct frame *f, const struct packet *p)
{
	const uint8_t *data;
	size_t len;

	put8(f, p->type);
	put8(f, p->code);
	put16(f, 0);
	put32(f, p->extra);
	if (!p->quote)
		return;
	len = quoted(p->quote, &data);
	put(f, data, p->quote_len ? MIN(len, p->quote_len) : len);
}

/* Returns the offset of the checksum; 0: there is none. */
static size_t put_transport(struct frame *f, const struct packet *p,
			    uint8_t proto)
{
	size_t at = f->len;

	switch (proto) {
	case IPPROTO_UDP:
		put16(f, p->src.port);
		put16(f, p->dst.port);
		put16(f, 8 + p->len);
		put16(f, 0);
		return at + 6;
	case IPPROTO_TCP:
		put16(f, p->src.port);
		put16(f, p->dst.port);
		put32(f, 0x01020304);
		put32(f, 0);
		put16(f, 0x5000 | p->flags);
		put16(f, 65535);
		put32(f, 0);
		return at + 16;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: put_icmp(f, p); return at + 2;
	}
	return 0;
}

static void set_sum(struct frame *f, const struct packet *p, size_t l4,
		    size_t at, uint8_t proto)
{
	struct sum_pseudo pseudo = { p->src.family, p->src.ip, p->dst.ip,
				     proto };
	uint16_t sum = sum_transport(&pseudo, f->data + l4, f->len - l4);

	if (!sum && proto == IPPROTO_UDP)
		sum = 0xffff;
	if (p->sum == SUM_ZERO)
		sum = 0;
	if (p->sum == SUM_BAD)
		sum = sum > 0x100 ? sum - 0x100 : sum + 0x100;
	set16(f, at, sum);
}

static void set_length(struct frame *f, size_t l3)
{
	size_t header = (f->data[l3] & 15) * 4;

	if (f->data[l3] >> 4 == 6) {
		set16(f, l3 + 4, f->len - l3 - V6_HEADER);
		return;
	}
	set16(f, l3 + 2, f->len - l3);
	set16(f, l3 + 10, 0);
	set16(f, l3 + 10, sum_finish(sum_add(0, f->data + l3, header)));
}

void frame_build(struct frame *f, const struct packet *p)
{
	uint8_t proto = p->proto ?: IPPROTO_UDP;
	size_t l3, l4, at;

	f->len = 0;
	put_ethernet(f, p);
	l3 = f->len;
	if (p->src.family == AF_INET)
		put_ipv4(f, p, proto);
	else
		put_ipv6(f, p, proto);
	l4 = f->len;
	at = put_transport(f, p, proto);
	put(f, p->payload, p->len);
	set_length(f, l3);
	if (at)
		set_sum(f, p, l4, at, proto);
}

void frame_fragment(struct frame *f, const struct frame *whole, size_t from,
		    size_t len)
{
	struct view v;
	bool ok = frame_view(whole, &v), more;
	size_t total = v.end - v.l4;
	uint16_t where;

	assert(ok && from < total && from % 8 == 0);
	(void)ok;
	len = MIN(len, total - from);
	more = from + len < total;
	f->len = 0;
	put(f, whole->data, v.l4);
	if (v.src.family == AF_INET) {
		where = from / 8 | (more ? 0x2000 : 0);
		set16(f, v.l3 + 6, where);
		set16(f, v.l3 + 4, fragment_id);
	} else {
		assert(v.l4 == v.l3 + V6_HEADER);
		f->data[v.l3 + 6] = IPPROTO_FRAGMENT;
		put8(f, v.proto);
		put8(f, 0);
		put16(f, from | more);
		put32(f, fragment_id);
	}
	put(f, whole->data + v.l4 + from, len);
	set_length(f, v.l3);
}
