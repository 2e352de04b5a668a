/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Flows that differ only in what they dialled stay apart. */
#include "expect.h"

static const char *const member_ip[] = { "192.0.2.9", "2001:db8:9::9" };
static const char *const address[][2] = { { DOOR_A4, DOOR_B4 },
					  { DOOR_A6, DOOR_B6 } };

static void both_answered(struct end a, struct end dial_a, struct end b,
			  struct end dial_b, struct end member)
{
	answer(&door, a, dial_a, &golden_reply_data, member);
	answer(&door, b, dial_b, &golden_reply_data, member);
	answer(&door, a, dial_a, &golden_reply_data, member);
}

static void two_ports_in(int v)
{
	struct end member = end(member_ip[v], 1194);
	struct end one = end(address[v][0], 53), two = end(address[v][0], 443);
	struct end a, b;

	a = say(&door, member, one, &golden_first[0]);
	assert_int_equal(a.port, member.port);
	b = say(&door, member, two, &golden_first[0]);
	assert_int_not_equal(b.port, a.port);
	assert_int_not_equal(b.port, 0);
	assert_int_equal(door_count(&door, AP_C_udp_alias), 1);
	both_answered(a, one, b, two, member);
	assert_int_equal(say(&door, member, one, &golden_data).port, a.port);
	assert_int_equal(say(&door, member, two, &golden_data).port, b.port);
	assert_int_equal(door_count(&door, AP_C_udp_new), 2);
}

static void two_ports(void **state)
{
	(void)state;
	two_ports_in(0);
	door_reset(&door);
	two_ports_in(1);
}

static void two_addresses(void **state)
{
	struct end member, one, two, a, b;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		member = end(member_ip[v], 4000);
		one = end(address[v][0], 443);
		two = end(address[v][1], 443);
		a = establish(&door, member, one);
		b = establish(&door, member, two);
		assert_int_not_equal(a.port, b.port);
		both_answered(a, one, b, two, member);
	}
}

/* Requirement 6: the target's own port is dialled as any other. */
static void target_itself(void **state)
{
	struct end member, one, two, a, b;
	int v, order;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (order = 0; order < 2; order++) {
			door_reset(&door);
			member = end(member_ip[v], 5000);
			one = end(address[v][0], order ? TARGET : 443);
			two = end(address[v][0], order ? 443 : TARGET);
			a = establish(&door, member, one);
			b = establish(&door, member, two);
			assert_int_equal(a.port, member.port);
			assert_int_not_equal(b.port, a.port);
			both_answered(a, one, b, two, member);
		}
	}
}

/* Another target is another socket: no collision, no alias. */
static void two_targets(void **state)
{
	struct end member = end(member_ip[0], 5000);
	struct end a = establish(&door, member, end(DOOR_A4, 443));
	struct end b = establish(&door, member, end(DOOR_A4, DIALLED));

	(void)state;
	assert_int_equal(a.port, member.port);
	assert_int_equal(b.port, member.port);
	assert_int_equal(door_count(&door, AP_C_udp_alias), 0);
}

/* A member whose real port is another one's alias. */
static void alias_is_taken_too(void **state)
{
	struct end member, a, b, c;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		member = end(member_ip[v], 6000);
		a = establish(&door, member, end(address[v][0], 443));
		b = establish(&door, member, end(address[v][0], 53));
		c = establish(&door, b, end(address[v][0], 80));
		assert_int_not_equal(c.port, b.port);
		assert_int_not_equal(c.port, a.port);
		answer(&door, b, end(address[v][0], 53), &golden_reply_data,
		       member);
		answer(&door, c, end(address[v][0], 80), &golden_reply_data, b);
	}
}

/* Requirement 28: the entry is lost, not the alias. */
static void same_alias_after_loss(void **state)
{
	struct end member, dial, a, b;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		member = end(member_ip[v], 7000);
		dial = end(address[v][0], 500);
		a = establish(&door, member, end(address[v][0], 443));
		b = establish(&door, member, dial);
		door_forget(&door, b, TARGET);
		assert_int_equal(door_flow(&door, b, TARGET, NULL), NOWHERE);
		assert_int_equal(say(&door, member, dial, &golden_data).port,
				 b.port);
		answer(&door, b, dial, &golden_reply_data, member);
		assert_int_equal(door_flow(&door, b, TARGET, NULL),
				 ESTABLISHED);
		/* The real port's entry is lost: the alias does not move. */
		door_forget(&door, a, TARGET);
		assert_int_equal(say(&door, member, dial, &golden_data).port,
				 b.port);
		assert_int_equal(say(&door, member, end(address[v][0], 443),
				     &golden_data)
					 .port,
				 a.port);
	}
}

static void put_stranger(struct end at, enum tier tier, uint32_t age)
{
	struct ap_flow flow = { .dialled = htons(9), .real = htons(9) };

	flow.door = ID_A4;
	flow.state = tier == ESTABLISHED ? AP_ESTABLISHED : AP_NEW;
	flow.seen = door_tick() - age;
	door_put(&door, tier, at, TARGET, &flow);
}

/*
 * Finds the candidates of a flow by taking each away as soon as it shows,
 * until none is left.
 */
static int candidates(struct end member, struct end dial, struct end at[8])
{
	static struct frame in, out;
	struct packet p = datagram(member, dial, &golden_first[0]);
	struct view v;
	int n;

	put_stranger(member, ESTABLISHED, 0);
	frame_build(&in, &p);
	for (n = 0; n < 8 && door_in(&door, &in, &out) == PASSED; n++) {
		assert_true(frame_view(&out, &v));
		at[n] = v.src;
		door_forget(&door, v.src, TARGET);
		put_stranger(v.src, ESTABLISHED, 0);
	}
	return n;
}

static void aliases_exhausted(void **state)
{
	struct end member, dial, at[8];
	struct packet p;
	int v, n;

	(void)state;
	for (v = 0; v < 2; v++) {
		member = end(member_ip[v], 8000);
		dial = end(address[v][0], 443);
		n = candidates(member, dial, at);
		assert_int_equal(n, 4);
		p = datagram(member, dial, &golden_first[0]);
		expect_drop(&door, &p, AP_C_drop_aliases);
		while (n--)
			assert_int_equal(door_flow(&door, at[n], TARGET, NULL),
					 ESTABLISHED);
	}
}

/* RFC 4787, REQ-3a, asks for the contrary, of ports below 1024. */
static void aliases_are_not_privileged(void **state)
{
	struct end dial, at[8];
	int v, port, n;

	(void)state;
	for (v = 0; v < 2; v++) {
		dial = end(address[v][0], 443);
		for (port = 1; port < 1400; port += 7) {
			n = candidates(end(member_ip[v], port), dial, at);
			assert_true(n > 0);
			while (n--)
				assert_in_range(at[n].port, 1024, 65535);
		}
	}
}

/* Of four taken ones the oldest that is not established gives way. */
static void oldest_gives_way(void **state)
{
	static const uint32_t age[] = { 3, 9, 12, 5 };
	struct end member, dial, at[8], got;
	struct ap_flow flow;
	int v, i, n;

	(void)state;
	for (v = 0; v < 2; v++) {
		member = end(member_ip[v], 9000);
		dial = end(address[v][0], 443);
		n = candidates(member, dial, at);
		assert_int_equal(n, 4);
		for (i = 0; i < n; i++) {
			if (i == 2) /* the oldest, but established */
				continue;
			door_forget(&door, at[i], TARGET);
			put_stranger(at[i], HALF, age[i]);
		}
		got = say(&door, member, dial, &golden_first[0]);
		assert_int_equal(got.port, at[1].port);
		assert_int_equal(door_flow(&door, got, TARGET, &flow), HALF);
		assert_int_equal(flow.dialled, htons(443));
		assert_int_equal(flow.real, htons(9000));
		assert_int_equal(flow.state, AP_NEW);
		answer(&door, got, dial, &golden_reply_reset, member);
	}
	assert_int_equal(door_count(&door, AP_C_udp_takeover), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_ports),
		cmocka_unit_test(two_addresses),
		cmocka_unit_test(target_itself),
		cmocka_unit_test(two_targets),
		cmocka_unit_test(alias_is_taken_too),
		cmocka_unit_test(same_alias_after_loss),
		cmocka_unit_test(aliases_exhausted),
		cmocka_unit_test(aliases_are_not_privileged),
		cmocka_unit_test(oldest_gives_way),
	};

	return RUN_BOTH(tests, "5 6 28");
}
