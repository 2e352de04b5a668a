/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* From the configuration to the tables that the programs read. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conftext.h"

static struct ap_policy table[65536];
static struct ap_config kernel;

static void build(const char *text, enum ap_proto proto)
{
	struct config *c = conf_good(text);

	memset(table, 0xff, sizeof(table));
	memset(&kernel, 0xff, sizeof(kernel));
	policy_build(c, proto, table, &kernel);
	policy_limits(c, &kernel);
	config_free(c);
}

static void expect(unsigned int port, unsigned int flags, unsigned int target)
{
	if (table[port].flags != flags)
		fail_msg("port %u: flags %u, not %u", port, table[port].flags,
			 flags);
	assert_int_equal(table[port].pad, 0);
	if (flags == AP_PASS)
		return;
	assert_int_equal(ntohs(table[port].port), target);
	assert_int_equal(kernel.target[AP_TCP][table[port].target],
			 table[port].port);
}

static void every_port(void **state)
{
	(void)state;
	build(DOOR, AP_TCP);
	expect(0, AP_PASS, 0);
	for (unsigned int port = 1; port < 65536; port++)
		expect(port, port == 1194 ? AP_OWN : 0, 1194);
	assert_int_equal(kernel.n_target[AP_TCP], 1);
	assert_int_equal(kernel.target[AP_TCP][1], 0);
}

static void dhcp_always_passes(void **state)
{
	size_t passed = 0;

	(void)state;
	build(DOOR "[udp]\npass = 68\nclaim = 1-1193\n", AP_UDP);
	for (size_t port = 0; port < 65536; port++)
		passed += table[port].flags == AP_PASS;
	assert_int_equal(passed, 5);
	assert_int_equal(table[67].flags, AP_PASS);
	assert_int_equal(table[68].flags, AP_PASS);
	assert_int_equal(table[546].flags, AP_PASS);
	assert_int_equal(table[547].flags, AP_PASS);
	assert_int_equal(table[66].flags, AP_CLAIM);
	build(DOOR, AP_TCP);
	expect(67, 0, 1194);
}

static void precedence(void **state)
{
	(void)state;
	build(DOOR "[tcp]\ntarget = 1195\n"
		   "map = 443:4443\nmap = 80:4443\nmap = 25:2525\n"
		   "map = 8080:8080\n"
		   "claim = 80-90, 1194\npass = 22, 25-26, 85\n",
	      AP_TCP);
	expect(22, AP_PASS, 0);
	expect(25, AP_PASS, 0); /* before map */
	expect(85, AP_PASS, 0); /* before claim */
	expect(443, 0, 4443);
	expect(80, AP_CLAIM, 4443); /* map's target, and claimed */
	expect(81, AP_CLAIM, 1195);
	expect(1194, AP_CLAIM, 1195);
	expect(1, 0, 1195);
	expect(65535, 0, 1195);
	expect(1195, AP_OWN, 1195); /* each target's own port is its own */
	expect(4443, AP_OWN, 4443);
	expect(2525, AP_OWN, 2525);
	expect(8080, AP_OWN, 8080);
	assert_int_equal(kernel.n_target[AP_TCP], 4);
	assert_int_equal(ntohs(kernel.target[AP_TCP][0]), 1195);
}

static void most_targets(void **state)
{
	uint16_t targets[AP_TARGETS];
	struct config *c = conf_good(DOOR "[tcp]\nmap = 7:17\nmap = 6:16\n"
					  "map = 5:15\nmap = 4:14\nmap = 3:13\n"
					  "map = 2:12\nmap = 1:11\n"
					  "map = 8:11\nmap = 9:1194\n");

	(void)state;
	assert_int_equal(config_targets(c, AP_TCP, targets), AP_TARGETS);
	assert_int_equal(targets[0], 1194);
	assert_int_equal(targets[1],
			 11); /* in the order of the ports dialled */
	assert_int_equal(targets[7], 17);
	policy_build(c, AP_TCP, table, &kernel);
	expect(8, 0, 11);
	expect(9, 0, 1194);
	config_free(c);
}

static void budgets(void **state)
{
	const struct ap_budget *b = kernel.budget;

	(void)state;
	build(DOOR "[limits]\nresets = 500\ncontrol = off\ndata = 1000\n"
		   "reserve = 20\nprefix-share = 10%\n",
	      AP_UDP);
	assert_int_equal(b[AP_RESET].cost, 2500000);     /* 400 a second */
	assert_int_equal(b[AP_RESET].reserve, 10000000); /* 100 */
	assert_int_equal(b[AP_RESET].prefix, 20000000);  /* 50 */
	assert_int_equal(b[AP_RESET].burst, 250000000);
	assert_int_equal(b[AP_DATA].cost, 1250000);
	assert_int_equal(b[AP_CONTROL].cost, 0);
	assert_int_equal(b[AP_CONTROL].reserve, 0);
	assert_int_equal(b[AP_CONTROL].prefix, 0);
	assert_int_equal(b[AP_CONTROL].burst, 0);
	/* 3e9 / 7 and the like round up: never more than the budget. */
	build(DOOR "[limits]\nresets = 700\nreserve = 30\nhalf-open = 66000\n",
	      AP_UDP);
	assert_int_equal(b[AP_RESET].cost, 2040817);
	assert_int_equal(b[AP_RESET].reserve, 4761905);
	assert_int_equal(b[AP_RESET].prefix, 28571429);
}

static void limits(void **state)
{
	const uint64_t tick = 1ULL << AP_TICK_SHIFT, ns = 1000000000;

	(void)state;
	build(DOOR "[udp]\nfilter = off\n[limits]\nestablished-idle = 1440min\n"
		   "half-open-idle = 5\nnat-ports = none\n",
	      AP_UDP);
	assert_int_equal(kernel.filter, 0);
	assert_true(kernel.nat_first > kernel.nat_last);
	assert_true(kernel.idle_established * tick >= 86400 * ns);
	assert_true((kernel.idle_established - 1) * tick < 86400 * ns);
	assert_int_equal(kernel.idle_half, 5);
	assert_int_equal(kernel.idle_nat, 168); /* 180 s are 167.6 */
	build(DOOR, AP_UDP);
	assert_int_equal(kernel.filter, 1);
	assert_int_equal(kernel.nat_first, 32768);
	assert_int_equal(kernel.nat_last, 60999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_port),
		cmocka_unit_test(dhcp_always_passes),
		cmocka_unit_test(precedence),
		cmocka_unit_test(most_targets),
		cmocka_unit_test(budgets),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
