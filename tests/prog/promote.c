/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What OpenVPN sends moves a flow on; what others send does not. */
#include "expect.h"

static struct golden raw_reply(uint8_t opcode)
{
	static uint8_t data[64];

	data[0] = opcode << 3;
	data[1] = 1;
	return (struct golden){ "made up", data, sizeof(data) };
}

static void state_after(uint8_t opcode, enum tier tier, enum ap_state want)
{
	static const char *const ip[][2] = { { "192.0.2.9", DOOR_A4 },
					     { "2001:db8:9::9", DOOR_A6 } };
	struct golden g = raw_reply(opcode);
	struct end member, dial, seen;
	struct ap_flow flow;
	int v;

	for (v = 0; v < 2; v++) {
		door_reset(&door);
		member = end(ip[v][0], 5000);
		dial = end(ip[v][1], 443);
		seen = say(&door, member, dial, &golden_first[3]);
		answer(&door, seen, dial, &g, member);
		assert_int_equal(door_flow(&door, seen, TARGET, &flow), tier);
		assert_int_equal(flow.state, want);
		assert_int_equal(flow.dialled, htons(443));
		assert_int_equal(flow.real, htons(5000));
		answer(&door, seen, dial, &g, member); /* twice: no change */
		assert_int_equal(door_flow(&door, seen, TARGET, &flow), tier);
		assert_int_equal(flow.state, want);
		assert_int_equal(door_count(&door, AP_C_verified),
				 want == AP_VERIFIED);
		assert_int_equal(door_count(&door, AP_C_established),
				 want == AP_ESTABLISHED);
	}
}

static void by_opcode(void **state)
{
	int op;

	(void)state;
	for (op = 0; op < 32; op++) {
		if (op == 4 || op == 5)
			state_after(op, HALF, AP_VERIFIED);
		else if (op == 6 || op == 9)
			state_after(op, ESTABLISHED, AP_ESTABLISHED);
		else
			state_after(op, HALF, AP_NEW);
	}
}

/* Established stays so, whatever is sent afterwards. */
static void never_back(void **state)
{
	struct end member = end("192.0.2.9", 5000), dial = end(DOOR_A4, 443);
	struct end seen = establish(&door, member, dial);

	(void)state;
	answer(&door, seen, dial, &golden_reply_reset, member);
	answer(&door, seen, dial, &golden_reply_control, member);
	say(&door, member, dial, &golden_first[0]);
	assert_int_equal(door_flow(&door, seen, TARGET, NULL), ESTABLISHED);
	assert_int_equal(door_count(&door, AP_C_udp_established), 1);
}

/* A masqueraded member cannot promote, even from OpenVPN's own port. */
static void forwarded_does_not(void **state)
{
	struct end member = end("192.0.2.9", 5000), dial = end(DOOR_A4, 443);
	struct end seen = say(&door, member, dial, &golden_first[0]);
	struct packet p =
		datagram(end(DOOR_A4, TARGET), seen, &golden_reply_data);
	struct ap_flow flow;

	(void)state;
	expect_out(&door, &p, true, &p);
	assert_int_equal(door_flow(&door, seen, TARGET, &flow), HALF);
	assert_int_equal(flow.state, AP_NEW);
	assert_int_equal(door_count(&door, AP_C_out_restored), 0);
}

/* Requirement 27: each gets its stateless answer and nothing else. */
static void replayed_resets(void **state)
{
	struct end dial = end(DOOR_A4, 443), member, seen;
	struct ap_flow flow;
	int i;

	(void)state;
	for (i = 0; i < 30; i++) {
		member = end("192.0.2.9", 4000 + i);
		seen = say(&door, member, dial, &golden_first[1]);
		answer(&door, seen, dial, &golden_reply_reset, member);
		assert_int_equal(door_flow(&door, seen, TARGET, &flow), HALF);
		assert_int_equal(flow.state, AP_NEW);
	}
	assert_int_equal(door_table(&door, "flows4", NULL), 0);
}

static void unknown_leaves_unchanged(void **state)
{
	struct packet p = datagram(end(DOOR_A4, TARGET), end("192.0.2.9", 5),
				   &golden_reply_data);
	struct end seen;

	(void)state;
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_out_unknown), 1);
	p.src = end(DOOR_A6, TARGET);
	p.dst = end("2001:db8:9::9", 5);
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_out_unknown), 2);
	/* OpenVPN without multihome answers from another address. */
	seen = establish(&door, end("192.0.2.9", 5), end(DOOR_A4, 443));
	p = datagram(end(DOOR_B4, TARGET), seen, &golden_reply_data);
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_out_address), 1);
	/* ... which may be none of the door; then only a flow is of interest.
	 */
	p.src = end("198.51.100.9", TARGET);
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_out_address), 2);
	p.dst.port++;
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_out_address), 2);
	assert_int_equal(door_count(&door, AP_C_out_unknown), 2);
	/* Not from a target's port: none of ours. */
	p = datagram(end(DOOR_A4, 53), seen, &golden_reply_data);
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_out_unknown), 2);
}

/* Requirement 28: lost in mid-transfer, healed by the next packet. */
static void heals(void **state)
{
	struct end member = end("192.0.2.9", 5000), dial = end(DOOR_A4, 443);
	struct end seen = establish(&door, member, dial);
	struct packet p;

	(void)state;
	door_forget(&door, seen, TARGET);
	p = datagram(with_port(dial, TARGET), seen, &golden_reply_data);
	expect_out(&door, &p, false, &p);
	assert_int_equal(say(&door, member, dial, &golden_data).port,
			 seen.port);
	answer(&door, seen, dial, &golden_reply_data, member);
	assert_int_equal(door_flow(&door, seen, TARGET, NULL), ESTABLISHED);
	say(&door, member, dial, &golden_data);
	assert_int_equal(door_count(&door, AP_C_udp_established), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_opcode),
		cmocka_unit_test(never_back),
		cmocka_unit_test(forwarded_does_not),
		cmocka_unit_test(replayed_resets),
		cmocka_unit_test(unknown_leaves_unchanged),
		cmocka_unit_test(heals),
	};

	/* 27: replays and forwarded packets promote nothing */
	return RUN_BOTH(tests, "27");
}
