/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The limiter: who gets in when more comes than OpenVPN can take. */
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "expect.h"

#define BUDGET 1000 /* packets a second, of each class */
#define FLOOD  6000
#define SHARE  5  /* percent */
#define KEPT   25 /* percent */
/* Packets that a budget lets through at once: a quarter of a second's. */
#define AT_ONCE (BUDGET / 4)
#define RESERVE (AT_ONCE * KEPT / 100)
#define OWN     (AT_ONCE * SHARE / 100)
#define SLOW    1000 /* a stall of a second gives less than a packet back */

static struct config limits = {
	.filter = true,
	.limits = {
		.established = 65536,
		.half_open = 65536,
		.established_idle = 300,
		.half_open_idle = 30,
		.remembered_idle = 180,
		.budget = { BUDGET, BUDGET, BUDGET },
		.prefix_share = SHARE,
		.reserve = KEPT,
		.nat_first = 32768,
		.nat_last = 60999,
	},
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static const struct end door4 = { .family = AF_INET,
				  .ip = { 198, 51, 100, 1 },
				  .port = 443 };

/* The Nth spoofed address; on IPv6 each in a /64 of its own. */
static struct end spoofed(int v, unsigned int n)
{
	struct end e =
		v ? end("2001:db8:6600::1", 5000) : end("100.64.0.0", 5000);

	e.ip[v ? 6 : 2] = n >> 8;
	e.ip[v ? 7 : 3] = n;
	return e;
}

static struct end dialled(int v, uint16_t port)
{
	return v ? end(DOOR_A6, port) : with_port(door4, port);
}

static bool admitted(struct end from, struct end to, const struct golden *g)
{
	static struct frame in, out;
	struct packet p = datagram(from, to, g);

	frame_build(&in, &p);
	return door_in(&door, &in, &out) == PASSED;
}

/* N first packets from as many prefixes; how many of them get in. */
static unsigned int flood(int v, unsigned int n, const struct golden *g)
{
	unsigned int i, in = 0;

	for (i = 0; i < n; i++)
		in += admitted(spoofed(v, i), dialled(v, 443), g);
	return in;
}

static void limited(void)
{
	policy_limits(&limits, &door.config);
	door_configure(&door);
}

/*
 * The same bursts with budgets that come back SLOW times as slowly: for tests
 * of who is let in once a budget is spent, which it would not be for long if
 * the test had to wait for a processor. every_class() has the real pace.
 */
static void limited_slowly(void)
{
	struct ap_budget *b;

	policy_limits(&limits, &door.config);
	for (b = door.config.budget; b < door.config.budget + AP_CLASSES; b++) {
		b->cost *= SLOW;
		b->reserve *= SLOW;
		b->prefix *= SLOW;
		b->burst *= SLOW;
	}
	door_configure(&door);
}

/* What the test has had since START, and what is in a bucket at first. */
static unsigned int most(double start, unsigned int percent)
{
	return (now() - start + 0.3) * BUDGET * percent / 100 + 2;
}

static void nobody_while_there_is_some(void **state)
{
	int v;

	(void)state;
	limited();
	for (v = 0; v < 2; v++) {
		assert_int_equal(flood(v, BUDGET / 25, &golden_first[1]),
				 BUDGET / 25);
	}
	assert_int_equal(door_count(&door, AP_C_drop_reset), 0);
}

static void flood_of(int v, const struct golden *g, enum ap_counter drop)
{
	double start;
	unsigned int in;

	door_reset(&door);
	limited();
	start = now();
	in = flood(v, FLOOD, g);
	assert_in_range(in, BUDGET / 20, most(start, 100 - KEPT));
	assert_int_equal(door_count(&door, drop), FLOOD - in);
	assert_int_equal(door_count(&door, AP_C_udp_new), in);
}

static void every_class(void **state)
{
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		flood_of(v, &golden_first[1], AP_C_drop_reset);
		flood_of(v, &golden_first[5], AP_C_drop_reset);
		flood_of(v, &golden_control, AP_C_drop_control);
		flood_of(v, &golden_ack, AP_C_drop_control);
		flood_of(v, &golden_data, AP_C_drop_data);
	}
}

/* A flood of one class leaves the others their own budgets. */
static void classes_apart(void **state)
{
	(void)state;
	limited_slowly();
	flood(0, FLOOD, &golden_first[1]);
	assert_true(admitted(end("192.0.2.50", 5000), door4, &golden_control));
	assert_true(admitted(end("192.0.2.51", 5000), door4, &golden_data));
}

static void established_is_never_limited(void **state)
{
	struct end member, to;
	int v, i;

	(void)state;
	for (v = 0; v < 2; v++) {
		door_reset(&door);
		member =
			v ? end("2001:db8:9::9", 5000) : end("192.0.2.9", 5000);
		to = dialled(v, 53);
		establish(&door, member, to);
		limited();
		flood(v, FLOOD, &golden_data);
		flood(v, FLOOD, &golden_first[1]);
		flood(v, FLOOD, &golden_control);
		for (i = 0; i < 2 * BUDGET; i++)
			assert_true(admitted(member, to, &golden_data));
		assert_true(admitted(member, to, &golden_control));
		assert_true(admitted(member, to, &golden_first[1]));
	}
}

/* A member with a verified flow to TO. */
static struct end verified(int v, struct end to)
{
	struct end member =
		v ? end("2001:db8:9::9", 5000) : end("192.0.2.9", 5000);
	struct end seen = say(&door, member, to, &golden_first[1]);

	answer(&door, seen, to, &golden_reply_control, member);
	return member;
}

/* Whose address is proven may end the handshake, at an ordinary pace. */
static void verified_has_some(void **state)
{
	struct end member, to;
	int v, i, in;

	(void)state;
	for (v = 0; v < 2; v++) {
		door_reset(&door);
		to = dialled(v, 53);
		member = verified(v, to);
		limited_slowly();
		flood(v, FLOOD, &golden_control);
		for (i = 0; i < 10; i++)
			assert_true(admitted(member, to, &golden_control));
		for (in = i = 0; i < 2000; i++)
			in += admitted(member, to, &golden_control);
		assert_in_range(in, 0, 150);
	}
}

/* ... and never gets more, however long it takes and whatever OpenVPN says. */
static void allowance_is_for_life(void **state)
{
	struct end member = end("192.0.2.9", 5000), to = dialled(0, 53), seen;
	int round, i, in = 0;

	(void)state;
	seen = say(&door, member, to, &golden_first[1]);
	answer(&door, seen, to, &golden_reply_control, member);
	limited_slowly();
	for (round = 0; round < 8; round++) {
		flood(0, FLOOD / 4, &golden_control);
		for (i = 0; i < 25; i++)
			in += admitted(member, to, &golden_control);
		door_age(&door, seen, TARGET, 3);
		answer(&door, seen, to, &golden_reply_control, member);
	}
	assert_in_range(in, 128, 150);
}

/* It has OpenVPN's answer: another reset is no part of its handshake. */
static void reset_of_verified(void **state)
{
	struct end member, to;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		door_reset(&door);
		to = dialled(v, 53);
		member = verified(v, to);
		limited_slowly();
		assert_true(admitted(member, to, &golden_first[1]));
		flood(v, FLOOD, &golden_first[1]);
		assert_false(admitted(member, to, &golden_first[1]));
		assert_true(admitted(member, to, &golden_control));
	}
}

/* One source alone cannot take what the others need. */
static void one_prefix(void **state)
{
	struct end from;
	unsigned int i, in;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		door_reset(&door);
		limited_slowly();
		for (in = i = 0; i < FLOOD; i++) {
			from = spoofed(v, 0);
			from.port = 1000 + i;
			if (v) /* all of a /64 is one source */
				from.ip[12] = i;
			in += admitted(from, dialled(v, 443), &golden_first[1]);
		}
		/* half of the budget, then its share: the rest is others' */
		assert_in_range(in, BUDGET / 20,
				AT_ONCE * (100 - KEPT) / 200 +
					AT_ONCE * SHARE / 100 + 10);
		for (i = 1; i <= 30; i++)
			assert_true(admitted(spoofed(v, i), dialled(v, 443),
					     &golden_first[1]));
	}
}

/* The Nth member, each of another prefix. */
static struct end member_of(int v, unsigned int n)
{
	struct end e =
		v ? end("2001:db8:9:9::9", 5000) : end("192.0.2.9", 5000);

	e.ip[v ? 7 : 3] += n;
	return e;
}

static unsigned int admitted_of(unsigned int n, struct end *from, struct end to)
{
	unsigned int i, in = 0;

	for (i = 0; i < n; i++) {
		from->port++;
		in += admitted(*from, to, &golden_first[1]);
	}
	return in;
}

/*
 * Everybody comes at once: who was on lately gets in all the same, and one of
 * them cannot take what is kept for all.
 */
static void known_prefixes(void **state)
{
	struct end member[12], to, stranger;
	unsigned int i, in;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		door_reset(&door);
		door.config.budget[AP_RESET].cost = 0;
		door_configure(&door);
		stranger = v ? end("2001:db8:99::9", 5000)
			     : end("192.0.2.99", 5000);
		to = dialled(v, 53);
		for (i = 0; i < 12; i++) {
			member[i] = member_of(v, i);
			establish(&door, member[i], to);
		}
		limited_slowly();
		flood(v, FLOOD, &golden_first[1]);
		for (in = i = 0; i < 10; i++) {
			flood(v, 50, &golden_first[1]);
			stranger.port++;
			in += admitted(stranger, to, &golden_first[1]);
		}
		assert_in_range(in, 0, 5);
		assert_int_equal(admitted_of(5, &member[0], to), 5);
		in = 5 + admitted_of(FLOOD, &member[0], to);
		assert_in_range(in, OWN - 2, OWN + 2);
		for (i = 1; i < 12; i++) {
			unsigned int own = admitted_of(OWN, &member[i], to);

			if (i < RESERVE / OWN - 1)
				assert_in_range(own, OWN - 2, OWN);
			in += own;
		}
		/* all of the reserve, and no more */
		assert_in_range(in, RESERVE - 10, RESERVE + 5);
	}
}

/* All prefixes noted as known; what is done to each. */
static void each_known(void (*change)(struct ap_prefix *))
{
	int fd = door_map(&door, "prefixes");
	struct ap_prefix p;
	uint32_t i;

	for (i = 0; i < AP_PREFIXES; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &p), 0);
		if (!p.known)
			continue;
		change(&p);
		assert_int_equal(bpf_map_update_elem(fd, &i, &p, BPF_ANY), 0);
	}
}

static void of_another(struct ap_prefix *p)
{
	p->tag ^= 1;
}

static void long_ago(struct ap_prefix *p)
{
	p->known = door_tick() - door_ticks(2 * 3600);
}

static void rested(struct ap_prefix *p)
{
	memset(p->taken, 0, sizeof(p->taken));
}

static unsigned int admitted_of_10(struct end member, struct end to)
{
	each_known(rested);
	flood(0, FLOOD, &golden_first[1]);
	return admitted_of(10, &member, to);
}

/* A bucket is shared by many prefixes: the reserve is only for the one meant.
 * And a member who has been on for hours is still known. */
static void reserve_is_for_whom_it_was_meant(void **state)
{
	struct end member = end("192.0.2.9", 5000), to = dialled(0, 53);
	static const uint8_t payload[40] = { 0x48 };
	struct packet data = { .src = with_port(door4, TARGET),
			       .dst = member,
			       .payload = payload,
			       .len = sizeof(payload) };
	static struct frame in, out;
	struct ap_flow flow;

	(void)state;
	door_reset(&door);
	establish(&door, member, to);
	limited_slowly();
	assert_int_equal(admitted_of_10(member, to), 10);
	each_known(of_another);
	assert_in_range(admitted_of_10(member, to), 0, 5);
	each_known(long_ago);
	assert_in_range(admitted_of_10(member, to), 0, 5);

	assert_int_equal(door_flow(&door, member, TARGET, &flow), ESTABLISHED);
	flow.known = (door_tick() >> 6) - 1; /* not now */
	door_put(&door, ESTABLISHED, member, TARGET, &flow);
	frame_build(&in, &data);
	assert_int_equal(door_out(&door, &in, false, &out), PASSED);
	assert_int_equal(admitted_of_10(member, to), 10);
}

/* Neither the target's own port nor a header alone is free of charge. */
static void no_free_ride(void **state)
{
	static struct frame whole, first, out;
	struct packet p;
	unsigned int i, in = 0;

	(void)state;
	limited_slowly();
	flood(0, FLOOD, &golden_first[1]);
	for (i = 0; i < FLOOD; i++) {
		p = datagram(spoofed(0, i), with_port(door4, TARGET),
			     &golden_first[1]);
		p.src.port = 6000;
		frame_build(&whole, &p);
		if (i & 1) {
			frame_fragment(&first, &whole, 0, 8);
			in += door_in(&door, &first, &out) == PASSED;
		} else {
			in += door_in(&door, &whole, &out) == PASSED;
		}
	}
	assert_in_range(in, 0, 20);
}

/* A flood of new flows must not push out those who are on. */
static void flood_churns_half_open_only(void **state)
{
	struct end member = end("192.0.2.9", 5000), seen;
	unsigned int i;

	(void)state;
	memset(door.config.budget, 0, sizeof(door.config.budget));
	door_configure(&door);
	seen = establish(&door, member, with_port(door4, 53));
	for (i = 0; i < 100000; i++)
		admitted(with_port(spoofed(0, i), 1024 + (i >> 16)), door4,
			 &golden_first[1]);
	assert_int_equal(door_flow(&door, seen, TARGET, NULL), ESTABLISHED);
	assert_int_equal(door_table(&door, "flows4", NULL), 1);
	say(&door, member, with_port(door4, 53), &golden_data);
	assert_int_equal(door_count(&door, AP_C_udp_established), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_while_there_is_some),
		cmocka_unit_test(every_class),
		cmocka_unit_test(classes_apart),
		cmocka_unit_test(established_is_never_limited),
		cmocka_unit_test(verified_has_some),
		cmocka_unit_test(allowance_is_for_life),
		cmocka_unit_test(reset_of_verified),
		cmocka_unit_test(one_prefix),
		cmocka_unit_test(known_prefixes),
		cmocka_unit_test(reserve_is_for_whom_it_was_meant),
		cmocka_unit_test(no_free_ride),
		cmocka_unit_test(flood_churns_half_open_only),
	};

	/* 27: one prefix keeps nobody of another out */
	return RUN_BOTH(tests, "27");
}
