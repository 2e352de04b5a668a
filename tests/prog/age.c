/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* How long a flow is remembered, and what moves it on. */
#include "expect.h"

static const char *const member_ip[] = { "192.0.2.9", "2001:db8:9::9" };
static const char *const address[] = { DOOR_A4, DOOR_A6 };

/* RFC 4787, REQ-5: two minutes at least; ours are five. */
static void idle_established(void **state)
{
	static const unsigned int seconds[] = { 60, 120, 298 };
	struct end member, dial, seen;
	struct ap_flow flow;
	size_t i;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		member = end(member_ip[v], 5000);
		dial = end(address[v], 443);
		seen = establish(&door, member, dial);
		for (i = 0; i < 3; i++) {
			door_age(&door, seen, TARGET, seconds[i]);
			answer(&door, seen, dial, &golden_reply_data, member);
			door_age(&door, seen, TARGET, seconds[i]);
			say(&door, member, dial, &golden_data);
			assert_int_equal(door_flow(&door, seen, TARGET, &flow),
					 ESTABLISHED);
			assert_in_range(door_tick() - flow.seen, 0, 1);
		}
	}
	assert_int_equal(door_count(&door, AP_C_udp_established), 6);
}

/* A second flow wants the slot: it gets it only when the first is dead. */
static void who_has_the_slot(enum tier tier, unsigned int seconds, bool dead)
{
	struct end member, one, two, seen, other;
	int v;

	for (v = 0; v < 2; v++) {
		door_reset(&door);
		member = end(member_ip[v], 5000);
		one = end(address[v], 443);
		two = end(address[v], 53);
		if (tier == ESTABLISHED)
			seen = establish(&door, member, one);
		else
			seen = say(&door, member, one, &golden_first[0]);
		door_age(&door, seen, TARGET, seconds);
		other = say(&door, member, two, &golden_first[0]);
		if (dead)
			assert_int_equal(other.port, member.port);
		else
			assert_int_not_equal(other.port, member.port);
		answer(&door, other, two, &golden_reply_reset, member);
	}
}

static void slots(void **state)
{
	(void)state;
	who_has_the_slot(ESTABLISHED, 298, false);
	who_has_the_slot(ESTABLISHED, 303, true);
	who_has_the_slot(HALF, 28, false);
	who_has_the_slot(HALF, 33, true);
}

/* A dead entry is nobody's permission: its next packet starts anew. */
static void dead_is_new(void **state)
{
	struct end member = end(member_ip[0], 5000), dial = end(DOOR_A4, 443);
	struct end seen = establish(&door, member, dial);
	struct ap_flow flow;

	(void)state;
	door_age(&door, seen, TARGET, 303);
	say(&door, member, dial, &golden_data);
	assert_int_equal(door_count(&door, AP_C_udp_established), 0);
	assert_int_equal(door_count(&door, AP_C_udp_new), 2);
	answer(&door, seen, dial, &golden_reply_data, member);
	assert_int_equal(door_flow(&door, seen, TARGET, &flow), ESTABLISHED);
	assert_in_range(door_tick() - flow.seen, 0, 1);
}

static void configurable(void **state)
{
	uint32_t idle = door.config.idle_established;

	(void)state;
	door.config.idle_established = door_ticks(900);
	door_configure(&door);
	who_has_the_slot(ESTABLISHED, 890, false);
	who_has_the_slot(ESTABLISHED, 903, true);
	door.config.idle_established = door_ticks(120);
	door_configure(&door);
	who_has_the_slot(ESTABLISHED, 123, true);
	door.config.idle_established = idle;
	door_configure(&door);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_established),
		cmocka_unit_test(slots),
		cmocka_unit_test(dead_is_new),
		cmocka_unit_test(configurable),
	};

	return RUN_BOTH(tests, "7");
}
