/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the door does with a listener, for every kind of socket and policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "host.h"

static struct config *config;
static struct ap_policy policy[AP_PROTOS][65536];

static struct host_socket sock(enum ap_proto proto, const char *ip,
			       uint16_t port)
{
	struct host_socket s = { .proto = proto, .port = port };
	bool v6 = strchr(ip, ':');

	s.address.family = v6 ? AF_INET6 : AF_INET;
	s.address.length = v6 ? 128 : 32;
	assert_int_equal(inet_pton(s.address.family, ip, &s.address.v6), 1);
	return s;
}

static enum fate fate(enum ap_proto proto, const char *ip, uint16_t port)
{
	struct host_socket s = sock(proto, ip, port);

	return host_fate(config, policy[proto], &s);
}

static void policy_decides(void **state)
{
	(void)state;
	assert_int_equal(fate(AP_TCP, "0.0.0.0", 5432), FATE_OWN);
	assert_int_equal(fate(AP_TCP, "0.0.0.0", 22), FATE_PASS);
	assert_int_equal(fate(AP_TCP, "0.0.0.0", 8443), FATE_CLAIMED);
	assert_int_equal(fate(AP_TCP, "0.0.0.0", 1194), FATE_TARGET);
	assert_int_equal(fate(AP_TCP, "0.0.0.0", 4443), FATE_TARGET);
	/* A port that map sends elsewhere keeps its own listener. */
	assert_int_equal(fate(AP_TCP, "0.0.0.0", 443), FATE_OWN);
	assert_int_equal(fate(AP_UDP, "0.0.0.0", 1194), FATE_TARGET);
	assert_int_equal(fate(AP_UDP, "0.0.0.0", 67), FATE_PASS);
	assert_int_equal(fate(AP_UDP, "0.0.0.0", 8443), FATE_OWN);
}

static void address_decides(void **state)
{
	struct host_socket s = sock(AP_TCP, "::", 5432);

	(void)state;
	assert_int_equal(fate(AP_TCP, "198.51.100.1", 80), FATE_OWN);
	assert_int_equal(fate(AP_TCP, "198.51.100.2", 80), FATE_AWAY);
	assert_int_equal(fate(AP_TCP, "2001:db8:ffff::1", 80), FATE_OWN);
	assert_int_equal(fate(AP_TCP, "2001:db8:ffff::2", 80), FATE_AWAY);
	assert_int_equal(fate(AP_TCP, "::ffff:198.51.100.1", 80), FATE_OWN);
	assert_int_equal(fate(AP_TCP, "::ffff:198.51.100.2", 80), FATE_AWAY);
	assert_int_equal(fate(AP_TCP, "127.0.0.1", 80), FATE_AWAY);
	assert_int_equal(fate(AP_TCP, "::1", 22), FATE_AWAY);
	/* A TLS wrapper at loopback may be a target; UDP finds nobody there. */
	assert_int_equal(fate(AP_TCP, "127.0.0.1", 4443), FATE_TARGET);
	assert_int_equal(fate(AP_TCP, "::1", 1194), FATE_TARGET);
	assert_int_equal(fate(AP_UDP, "127.0.0.1", 1194), FATE_AWAY);
	assert_int_equal(host_fate(config, policy[AP_TCP], &s), FATE_OWN);
}

static void families_are_kept_apart(void **state)
{
	struct host_socket any6 = sock(AP_TCP, "::", 80), only6 = any6;
	struct host_socket any4 = sock(AP_TCP, "0.0.0.0", 80);
	const struct ip_prefix *d4 = &config->address[0];
	const struct ip_prefix *d6 = &config->address[1];

	(void)state;
	only6.v6only = true;
	assert_true(socket_at(&any6, d4) && socket_at(&any6, d6));
	assert_false(socket_at(&only6, d4));
	assert_true(socket_at(&only6, d6));
	assert_true(socket_at(&any4, d4));
	assert_false(socket_at(&any4, d6));
	assert_true(socket_at_loopback(&any4, AF_INET));
	assert_false(socket_at_loopback(&any4, AF_INET6));
	any4 = sock(AP_TCP, "127.0.0.2", 80);
	assert_false(socket_at_loopback(&any4, AF_INET));
}

static void endpoints_read_well(void **state)
{
	char text[ENDPOINT_TEXT];
	struct host_socket s = sock(AP_TCP, "2001:db8::1", 443);

	(void)state;
	assert_string_equal(endpoint_text(&s.address, 443, text),
			    "[2001:db8::1]:443");
	s = sock(AP_UDP, "192.0.2.1", 65535);
	assert_string_equal(endpoint_text(&s.address, 65535, text),
			    "192.0.2.1:65535");
	s = sock(AP_UDP, "2001:db8:1111:2222:3333:4444:5555:6666", 1);
	assert_string_equal(endpoint_text(&s.address, 65535, text),
			    "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
}

static void findings_are_taken_once(void **state)
{
	struct report r = { 0 };

	(void)state;
	report_add(&r, false, NULL, "a %d", 1);
	assert_true(report_good(&r));
	report_add(&r, true, "do this", "b");
	report_add(&r, true, "do that", "b");
	assert_int_equal(r.n, 2);
	assert_false(report_good(&r));
	assert_string_equal(r.item[0].what, "a 1");
	assert_string_equal(r.item[1].command, "do this");
	report_free(&r);
	assert_true(report_good(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_decides),
		cmocka_unit_test(address_decides),
		cmocka_unit_test(families_are_kept_apart),
		cmocka_unit_test(endpoints_read_well),
		cmocka_unit_test(findings_are_taken_once),
	};
	struct ap_config kernel = { 0 };

	if (config_read("tests/fixtures/door.conf", stderr, &config))
		return 1;
	for (int p = 0; p < AP_PROTOS; p++)
		policy_build(config, p, policy[p], &kernel);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
