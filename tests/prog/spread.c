/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * How much of its table flows are spread over: few stay in the first segments;
 * when those are crowded, all segments are used, and nobody is forgotten.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "expect.h"
#include "flow_table.h"

#define CROWD 150 /* flows in a segment of 183 (IPv4), or of 244 (IPv6) */

static const char *const member_ip[] = { "192.0.2.9", "2001:db8:9::9" };
static const char *const door_ip[] = { DOOR_A4, DOOR_A6 };
static const char *const name[] = { "flows4", "flows6" };
static uint32_t zero;

static struct ap_spread spread_get(int v6)
{
	struct ap_spread both[2];

	assert_int_equal(
		bpf_map_lookup_elem(door_map(&door, "spread"), &zero, both), 0);
	return both[v6];
}

static void spread_set(int v6, struct ap_spread s)
{
	struct ap_spread both[2] = { 0 };

	both[v6] = s;
	assert_int_equal(bpf_map_update_elem(door_map(&door, "spread"), &zero,
					     both, 0),
			 0);
}

/* The shift that leaves one segment in use. */
static uint32_t to_one(int v6)
{
	uint32_t segments = v6 ? door.config.flows6 : door.config.flows4, n = 0;

	while (segments >> n > 1)
		n++;
	return n;
}

/* Flows in the first segment of a table. */
static unsigned int first(int v6)
{
	const union flow_any_key *key;
	struct flow_table t;
	unsigned int n = 0;

	assert_int_equal(flow_table_open(&t, door_map(&door, name[v6])), 0);
	assert_int_equal(flow_table_read(&t, 0), 0);
	for (uint32_t i = 0; i < flow_table_entries(&t); i++)
		n += !!flow_table_entry(&t, i, &key);
	flow_table_close(&t);
	return n;
}

static unsigned int all(int v6)
{
	return door_table(&door, name[v6], NULL);
}

static struct end member_at(int v6, int n)
{
	return end(member_ip[v6], (uint16_t)(10000 + n));
}

static void few(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct end dial = end(door_ip[v6], 443);

		spread_set(v6, (struct ap_spread){ .shift = to_one(v6) });
		for (int n = 0; n < 8; n++) {
			establish(&door, member_at(v6, n), dial);
			say(&door, member_at(v6, n), dial, &golden_data);
		}
		assert_int_equal(first(v6), 8);
		assert_int_equal(all(v6), 8);
		assert_int_equal(spread_get(v6).shift, to_one(v6));
	}
	assert_int_equal(door_count(&door, AP_C_udp_established), 16);
}

/* One segment, nearly full; the next flow is one too many. */
static void crowd(int v6)
{
	struct ap_spread s = { .shift = to_one(v6), .crowded = 255 };

	spread_set(v6, s);
	for (int n = 0; n < CROWD + 61 * v6; n++)
		door_put_member(&door, member_at(v6, n));
	assert_int_equal(first(v6), CROWD + 61 * v6);
	for (int n = 0; n < 20 && spread_get(v6).shift; n++) {
		s.crowded = 255;
		spread_set(v6, s);
		establish(&door, member_at(v6, 1000 + n),
			  end(door_ip[v6], 443));
	}
	s = spread_get(v6);
	assert_int_equal(s.shift, 0);
	assert_int_equal(s.from, to_one(v6));
	assert_in_range(door_tick() - s.since, 0, 3);
}

/* The flows of before go on as they were; an answer moves them. */
static void many(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct end dial = end(door_ip[v6], 443);
		unsigned int there, flows;
		uint64_t before;

		crowd(v6);
		there = first(v6);
		flows = all(v6);
		before = door_count(&door, AP_C_udp_established);
		for (int n = 0; n < 4; n++) {
			struct end m = member_at(v6, n);

			say(&door, m, dial, &golden_data);
			answer(&door, m, dial, &golden_reply_data, m);
			say(&door, m, dial, &golden_data);
			answer(&door, m, dial, &golden_reply_data, m);
			assert_int_equal(door_flow(&door, m, TARGET, NULL),
					 ESTABLISHED);
		}
		assert_int_equal(door_count(&door, AP_C_udp_established),
				 before + 8);
		assert_int_equal(all(v6), flows);
		/* hardly more than one has its new place there, too */
		assert_in_range(there - first(v6), 3, 4);
	}
}

/* Behind are only dead flows when none was seen there for as long as one lives;
 * one that is seen there keeps the others. */
static void until_idle(void **state)
{
	struct end dial = end(DOOR_A4, 443);
	struct ap_spread s;

	(void)state;
	crowd(0);
	s = spread_get(0);
	s.since = door_tick() - door_ticks(290);
	spread_set(0, s);
	say(&door, member_at(0, 5), dial, &golden_data);
	assert_int_equal(door_count(&door, AP_C_udp_established), 1);
	s = spread_get(0);
	assert_in_range(door_tick() - s.since, 0, 3);
	s.since = door_tick() - door_ticks(300) - 3;
	spread_set(0, s);
	say(&door, member_at(0, 6), dial, &golden_data);
	assert_int_equal(door_count(&door, AP_C_udp_established), 1);
	assert_int_equal(spread_get(0).from, 0);
}

/* A reload leaves no clock, and an error that leaves may come before whatever
 * reads it: those behind have not been there since the beginning of time. */
static void until_reload(void **state)
{
	static struct frame host, wire;
	struct end dial = end(DOOR_A4, 443), from = with_port(dial, TARGET);
	struct packet out = { .src = with_port(dial, 0),
			      .dst = end(member_ip[0], 0),
			      .proto = IPPROTO_ICMP,
			      .type = 3,
			      .quote = &host };
	struct packet want = out, quoted;

	(void)state;
	crowd(0);
	door_configure(&door);
	quoted = datagram(member_at(0, 5), from, &golden_data);
	frame_build(&host, &quoted);
	quoted.dst = dial;
	frame_build(&wire, &quoted);
	want.quote = &wire;
	expect_out(&door, &out, false, &want);
	assert_in_range(door_tick() - spread_get(0).since, 0, 3);
	say(&door, member_at(0, 6), dial, &golden_data);
	assert_int_equal(door_count(&door, AP_C_udp_established), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(few),
		cmocka_unit_test(many),
		cmocka_unit_test(until_idle),
		cmocka_unit_test(until_reload),
	};

	return RUN_BOTH(tests, "");
}
