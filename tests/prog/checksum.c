/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Checksums after a rewrite, against sums over the whole packet. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"

#define ROUNDS 4000

static const char *const address[] = { DOOR_A4, DOOR_A6 };

static struct end member_of(int family)
{
	return family == AF_INET
		       ? end("192.0.2.9", 1024 + random() % 60000)
		       : end("2001:db8:9::9", 1024 + random() % 60000);
}

static void fill(uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = random();
	data[0] = 0x38;
	data[1] |= 1; /* a session id is not 0 */
}

/* In and out again; payloads of every kind and length, odd ones too. */
static void random_payloads(void **state)
{
	uint8_t data[300];
	struct golden g = { "random", data, 0 };
	struct end dialled, member, seen;
	int i;

	(void)state;
	srandom(1);
	for (i = 0; i < ROUNDS; i++) {
		g.len = 14 + random() % 286;
		fill(data, g.len);
		dialled = end(address[i & 1], 1 + random() % 65000);
		if (target_of(dialled.port) == dialled.port ||
		    dialled.port == PASSED_PORT || dialled.port == 67 ||
		    dialled.port == 68 || dialled.port / 2 == 273)
			dialled.port = 443;
		member = member_of(dialled.family);
		seen = say(&door, member, dialled, &g);
		data[0] = 0x40;
		answer(&door, seen, dialled, &g, member);
	}
}

/* Two payload bytes that make the sum of P come out as 0. */
static void tune(struct packet *p, uint8_t *tail)
{
	static struct frame f;
	uint16_t sum;

	tail[0] = tail[1] = 0;
	frame_build(&f, p);
	sum = frame_udp_sum(&f);
	tail[0] = sum >> 8;
	tail[1] = sum & 0xff;
	frame_build(&f, p);
	assert_int_equal(frame_udp_sum(&f), 0xffff);
}

static void zero_is_sent_as_ones(void **state)
{
	struct end dialled, member, seen;
	uint8_t data[64];
	struct packet p, want;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		fill(data, sizeof(data));
		dialled = end(address[i & 1], 443);
		member = member_of(dialled.family);
		p = (struct packet){ .src = member,
				     .dst = dialled,
				     .payload = data,
				     .len = sizeof(data) };
		want = p;
		want.dst.port = TARGET;
		if (i & 2) /* 0xffff before as well as after */
			tune(&p, data + 62);
		else
			tune(&want, data + 62);
		expect_in(&door, &p, &want);
		seen = member;
		data[0] = 0x40;
		p = (struct packet){ .src = with_port(dialled, TARGET),
				     .dst = seen,
				     .payload = data,
				     .len = sizeof(data) };
		want = p;
		want.src.port = 443;
		tune(i & 2 ? &p : &want, data + 62);
		expect_out(&door, &p, false, &want);
	}
}

static void none_stays_none(void **state)
{
	struct end dialled = end(DOOR_A4, 443), member = end("192.0.2.9", 7);
	struct packet p = datagram(member, dialled, &golden_first[0]), want = p;

	(void)state;
	p.sum = want.sum = SUM_ZERO;
	want.dst.port = TARGET;
	expect_in(&door, &p, &want);
	p = datagram(with_port(dialled, TARGET), member, &golden_reply_reset);
	p.sum = SUM_ZERO;
	want = p;
	want.src.port = 443;
	expect_out(&door, &p, false, &want);
}

/* RFC 8200, 8.1: without a checksum it is for the stack to discard. */
static void ipv6_needs_one(void **state)
{
	struct packet p = datagram(end("2001:db8:9::9", 7), end(DOOR_A6, 443),
				   &golden_first[0]);

	(void)state;
	p.sum = SUM_ZERO;
	expect_left(&door, &p, AP_C_pass_checksum);
	assert_int_equal(door_table(&door, "half6", NULL), 0);
}

static void bad_stays_bad(void **state)
{
	static struct frame in, out;
	struct packet p;
	struct view v;
	int i;

	(void)state;
	for (i = 0; i < 400; i++) {
		p = datagram(end("192.0.2.9", 2000 + i), end(DOOR_A4, 443),
			     &golden_first[i % N_GOLDEN_FIRST]);
		if (i & 1) {
			p.src = end("2001:db8:9::9", 2000 + i);
			p.dst = end(DOOR_A6, 443);
		}
		p.sum = SUM_BAD;
		frame_build(&in, &p);
		assert_false(frame_sums_good(&in));
		assert_int_equal(door_in(&door, &in, &out), PASSED);
		assert_true(frame_view(&out, &v));
		assert_int_equal(v.dst.port, TARGET);
		assert_false(frame_sums_good(&out));
	}
}

/* The same for members who are on: their packets take a shorter way. */
static void established_too(void **state)
{
	static struct frame in, out;
	struct packet p, want;
	uint8_t data[64];
	uint64_t short_way;
	struct view v;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		fill(data, sizeof(data));
		data[0] = 0x48;
		p = (struct packet){ .dst = end(address[i & 1], 443),
				     .payload = data,
				     .len = sizeof(data) };
		p.src = member_of(p.dst.family);
		establish(&door, p.src, p.dst);
		want = p;
		want.dst.port = TARGET;
		tune(i & 2 ? &p : &want, data + 62);
		short_way = door_count(&door, AP_C_udp_established);
		expect_in(&door, &p, &want);
		assert_int_equal(door_count(&door, AP_C_udp_established),
				 short_way + 1);
		p.sum = SUM_BAD;
		frame_build(&in, &p);
		assert_int_equal(door_in(&door, &in, &out), PASSED);
		assert_true(frame_view(&out, &v));
		assert_int_equal(v.dst.port, TARGET);
		assert_false(frame_sums_good(&out));
		if (i & 1)
			continue;
		p.sum = want.sum = SUM_ZERO;
		expect_in(&door, &p, &want);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_payloads),
		cmocka_unit_test(zero_is_sent_as_ones),
		cmocka_unit_test(none_stays_none),
		cmocka_unit_test(ipv6_needs_one),
		cmocka_unit_test(bad_stays_bad),
		cmocka_unit_test(established_too),
	};

	return RUN_BOTH(tests, "3");
}
