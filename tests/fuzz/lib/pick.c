/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Packets from an input's bytes. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "../../lib/door.h"
#include "golden.h"
#include "pick.h"
#include "sum.h"
#include "twin.h"

#define OF(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

uint8_t pick_byte(struct pick *pick)
{
	return pick->at < pick->end ? *pick->at++ : 0;
}

static uint16_t pick_word(struct pick *pick)
{
	uint16_t high = pick_byte(pick);

	return high << 8 | pick_byte(pick);
}

struct pick pick_constant(uint8_t value)
{
	static const uint8_t values[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

	return (struct pick){ values + value, values + value + 1 };
}

/* ---- datagrams ----------------------------------------------------------*/

static const struct golden *const said[] = {
	&golden_first[0], &golden_first[1], &golden_first[2], &golden_first[3],
	&golden_first[4], &golden_first[5], &golden_control,  &golden_wkc,
	&golden_ack,      &golden_data,     &golden_data,
};
static const struct golden *const answered[] = { &golden_reply_reset,
						 &golden_reply_control,
						 &golden_reply_data };

void pick_ends(struct pick *pick, struct packet *p)
{
	/* mostly members; and whoever cannot be one */
	static const char *const from[2][8] = {
		{ "192.0.2.9", "192.0.2.10", "192.0.2.9", "203.0.113.1",
		  "192.0.2.9", DOOR_A4, "127.0.0.1", "224.0.0.5" },
		{ "2001:db8:9::9", "2001:db8:9::10", "2001:db8:9::9",
		  "2001:db8:77::1", "2001:db8:9::9", DOOR_A6, "::1",
		  "ff02::1" },
	};
	static const char *const to[2][8] = {
		{ DOOR_A4, DOOR_A4, DOOR_B4, DOOR_A4, DOOR_A4, DOOR_B4,
		  "198.51.100.3", "203.0.113.7" },
		{ DOOR_A6, DOOR_A6, DOOR_B6, DOOR_A6, DOOR_A6, DOOR_B6,
		  "2001:db8:1::3", "::ffff:198.51.100.1" },
	};
	static const uint16_t own[] = { 5000, 5000, 1194, 5001, 443, 0 };
	static const uint16_t dialled[] = {
		443,         443,     DIALLED, TARGET,      8080, 443,
		SERVICE_UDP, 40000,   1,       PASSED_PORT, 67,   0,
		65535,       CLAIMED, MAPPED,  SERVICE_TCP,
	};
	uint8_t who = pick_byte(pick), ports = pick_byte(pick);
	int v = who >> 7;

	p->src = end(from[v][who & 7], OF(own, ports >> 5));
	p->dst = end(to[v][who >> 3 & 7], OF(dialled, ports & 31));
}

void pick_packet(struct pick *pick, struct packet *p)
{
	const struct golden *g;
	uint8_t what;

	pick_ends(pick, p);
	what = pick_byte(pick);
	g = OF(said, what & 63);
	p->payload = g->data;
	p->len = g->len;
	if (what & 64) /* some of it; as a datagram that is whole */
		p->len = pick_word(pick) % (g->len + 1);
	if (what & 128) {
		p->tos = pick_byte(pick);
		p->ttl = pick_byte(pick);
		p->id = pick_word(pick);
	}
}

void pick_reply(struct pick *pick, struct packet *p)
{
	const struct golden *g = OF(answered, pick_byte(pick));

	p->payload = g->data;
	p->len = g->len;
}

void pick_member(struct packet *p, unsigned int v, unsigned int i)
{
	p->src = v ? end("2001:db8:9::1:0", 6000) : end("192.0.2.64", 6000);
	p->src.ip[v ? 15 : 3] += i;
	p->dst = end(v ? DOOR_A6 : DOOR_A4, 443);
	p->payload = golden_first[0].data;
	p->len = golden_first[0].len;
}

void pick_tcp(struct pick *pick, struct packet *p)
{
	uint8_t flags = pick_byte(pick);

	p->proto = IPPROTO_TCP;
	p->flags = flags & 0x80 ? flags : 2; /* SYN */
	p->len = flags & 7;
}

void pick_error(struct pick *pick, struct packet *p, const struct frame *about)
{
	static const uint8_t types[2][8] = { { 3, 11, 12, 4, 5, 8, 3, 3 },
					     { 1, 2, 3, 4, 128, 135, 1, 2 } };
	uint8_t what = pick_byte(pick);
	bool v6 = about->data[12] == 0x86;

	p->proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	p->type = types[v6][what & 7];
	p->code = what >> 3 & 7;
	p->extra = 1280;
	p->quote = about;
	if (what & 64)
		p->quote_len = 1 + pick_byte(pick) % 100;
}

/* ---- frames -------------------------------------------------------------*/

static void pick_headers(struct pick *pick, struct packet *p)
{
	static const uint8_t kinds[] = { 60, 0, 43, 44, 60, 51, 135, 60 };
	static uint8_t options[40], chain[16];
	uint8_t what = pick_byte(pick);

	p->vlans = what & 3;
	p->n_options = p->n_chain = what >> 2 & 15;
	p->n_options = p->n_options > 10 ? 40 : p->n_options * 4;
	memset(options, 1, sizeof(options));
	p->options = options;
	what = pick_byte(pick);
	for (size_t i = 0; i < p->n_chain; i++)
		chain[i] = kinds[(what + i * (what >> 3)) & 7];
	p->chain = chain;
}

static void set16(struct frame *f, size_t at, uint16_t value)
{
	if (at + 2 > f->len)
		return;
	f->data[at] = value >> 8;
	f->data[at + 1] = value & 0xff;
}

/* One of the lengths, or what stands for one, says something else. */
static void wrong_length(struct pick *pick, struct frame *f)
{
	static const uint16_t some[] = { 0, 1, 7, 8, 20, 28, 40, 0xffff };
	uint8_t what = pick_byte(pick);
	uint16_t value = what & 128 ? pick_word(pick) : OF(some, what >> 3);
	struct view v;

	if (!frame_view(f, &v))
		return;
	switch (what & 7) {
	case 0:
		set16(f, v.l3 + (v.src.family == AF_INET ? 2 : 4), value);
		break;
	case 1: f->data[v.l3] ^= value & 15; break;
	case 2: f->data[v.l3] ^= value & 0xf0; break;
	case 3: set16(f, v.l4 + 4, value); break;
	case 4: set16(f, v.l3 + 6, value); break; /* fragment; next header */
	case 5: f->data[v.l4 > v.l3 + 40 ? v.l3 + 41 : v.l3] = value; break;
	case 6: set16(f, v.l4 + 8 + 2, value); break; /* of what is quoted */
	default: set16(f, v.l4 + 6, value); break;    /* the checksum */
	}
	if (v.src.family == AF_INET && v.l3 + 20 <= f->len && what & 64) {
		set16(f, v.l3 + 10, 0); /* the header's sum stays right */
		set16(f, v.l3 + 10, sum_finish(sum_add(0, f->data + v.l3, 20)));
	}
}

static void wrong_bytes(struct pick *pick, struct frame *f)
{
	unsigned int n = 1 + pick_byte(pick) % 4;

	while (n-- && f->len) {
		size_t at = pick_word(pick) % f->len;

		f->data[at] ^= pick_byte(pick);
	}
}

/* Every part of a datagram but the last is a multiple of 8 bytes. */
static void one_fragment(struct pick *pick, struct frame *f)
{
	static struct frame whole;
	uint8_t what = pick_byte(pick);
	struct view v;
	size_t from = (what & 7) * 8;

	whole = *f;
	if (!frame_view(f, &v) || v.fragment || v.more || v.end <= v.l4 + from)
		return;
	if (v.src.family == AF_INET6 && v.l4 != v.l3 + 40)
		return;
	frame_fragment(f, &whole, from, 8 + (what >> 3) * 8);
}

void pick_frame(struct pick *pick, struct packet *p, struct frame *f)
{
	uint8_t what = pick_byte(pick);

	if (what & 1)
		pick_headers(pick, p);
	p->sum = what & 2 ? SUM_BAD : what & 4 ? SUM_ZERO : SUM_GOOD;
	frame_build(f, p);
	if (what & 8)
		one_fragment(pick, f);
	if (what & 16)
		wrong_length(pick, f);
	if (what & 32)
		wrong_bytes(pick, f);
	if (what & 64)
		f->len = ETH_HLEN + pick_word(pick) % (f->len - ETH_HLEN + 1);
	if (what & 128) /* Ethernet's padding */
		for (unsigned int n = pick_byte(pick) & 63; n; n--)
			f->data[f->len++] = 0xa5;
}

void pick_raw(struct pick *pick, struct frame *f)
{
	static const uint8_t ip[2][2] = { { 0x08, 0x00 }, { 0x86, 0xdd } };
	size_t n = ETH_HLEN + pick_byte(pick);

	memset(f->data, 0, ETH_HLEN);
	for (f->len = ETH_HLEN; f->len < n; f->len++)
		f->data[f->len] = pick_byte(pick);
	memcpy(f->data + 12, ip[n & 1], 2);
}
