/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Rules as nft 1.0.6 and iptables 1.8.9 printed them: which catch the door's
 * ports, which keep conntrack off, which need it. tests/fixtures has the
 * output, taken from a live kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

static struct config *config;

static char *slurp(const char *name)
{
	char path[128];
	static char text[65536];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "tests/fixtures/%s", name);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return text;
}

static struct rules nft(const char *name)
{
	struct rules rules = { 0 };

	assert_int_equal(rules_parse_nft(slurp(name), &rules), 0);
	return rules;
}

static struct rules legacy(const char *name, int family)
{
	struct rules rules = { 0 };

	assert_int_equal(rules_parse_iptables(slurp(name), family,
					      family == AF_INET
						      ? "iptables-legacy"
						      : "ip6tables-legacy",
					      &rules),
			 0);
	return rules;
}

/* The commands that remove what catches the door's ports, in order. */
static void caught(struct rules *rules, const char *const *want)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n; i++) {
		if (!rule_catches(&rules->item[i], config))
			continue;
		assert_non_null(want[n]);
		assert_string_equal(rules->item[i].command, want[n]);
		n++;
	}
	assert_null(want[n]);
	rules_free(rules);
}

static bool untracked(const struct rules *rules, enum rule_end end, int family,
		      uint16_t port)
{
	return rules_notrack(rules, config, end,
			     &config->address[family == AF_INET ? 0 : 1], port);
}

static void nft_that_catches(void **state)
{
	static const char *const want[] = {
		"nft delete rule inet old sub handle 6",
		"nft delete rule inet old pre handle 7",
		/* 9: by br0, br1. 10: not to the door. */
		"nft delete rule inet old pre handle 13",
		/* 14: port 22 is passed. 15: another network. */
		"nft delete rule inet old pre handle 16",
		"nft delete rule inet old pre handle 17",
		"nft delete rule inet old pre handle 18",
		/* 19: DHCP is passed. 20: neither UDP nor TCP. */
		NULL
	};
	struct rules rules = nft("old-nft.json");

	(void)state;
	assert_int_equal(rules_track(&rules), RULE_V4 | RULE_V6);
	caught(&rules, want);
}

static void iptables_nft_that_catches(void **state)
{
	static const char *const want[] = {
		"nft delete rule ip nat PREROUTING handle 3",
		"nft delete rule ip nat PREROUTING handle 4",
		/* nft does not show what multiport matches: named, in doubt. */
		"nft delete rule ip nat PREROUTING handle 8",
		"nft delete rule ip nat PREROUTING handle 9",
		"nft delete rule ip nat DOOR handle 11", NULL
	};
	struct rules rules = nft("old-iptables-nft.json");

	(void)state;
	assert_int_equal(rules_track(&rules), RULE_V4);
	caught(&rules, want);
}

static void legacy_that_catches(void **state)
{
#define PRE "iptables-legacy -t nat -D PREROUTING -d 198.51.100.1/32 "
	static const char *const want[] = {
		PRE "-p tcp -m tcp --dport 1:65535 -j DNAT --to-destination "
		    "198.51.100.1:1194",
		PRE "-p udp -m udp --dport 1:65535 -m comment --comment \"any "
		    "port; \\\"quoted\\\" -j DNAT\" -j DNAT --to-destination "
		    "198.51.100.1:1194",
		PRE "-p tcp -m multiport ! --dports 22 -j REDIRECT --to-ports "
		    "1194",
		"iptables-legacy -t nat -D DOOR -p udp -m udp --dport 0:1023 "
		"-j REDIRECT --to-ports 1194",
		NULL
	};
	struct rules rules = legacy("old-legacy.txt", AF_INET);

	(void)state;
	assert_int_equal(rules_track(&rules), RULE_V4);
	caught(&rules, want);
}

static void legacy6_that_catches(void **state)
{
#define PRE6 "ip6tables-legacy -t nat -D PREROUTING -d 2001:db8:ffff::1/128 "
	static const char *const want[] = {
		PRE6 "-p tcp -m tcp --dport 1:65535 -j DNAT --to-destination "
		     "[2001:db8:ffff::1]:1194",
		PRE6 "-p udp -m udp --dport 1:65535 -m comment --comment \"any "
		     "port; \\\"quoted\\\" -j DNAT\" -j DNAT --to-destination "
		     "[2001:db8:ffff::1]:1194",
		PRE6 "-p tcp -m multiport ! --dports 22 -j REDIRECT "
		     "--to-ports 1194",
		"ip6tables-legacy -t nat -D DOOR -p udp -m udp --dport 0:1023 "
		"-j REDIRECT --to-ports 1194",
		NULL
	};
	struct rules rules = legacy("old-legacy6.txt", AF_INET6);

	(void)state;
	assert_int_equal(rules_track(&rules), RULE_V6);
	caught(&rules, want);
}

/* Raw rules of another address, too late a hook, or one direction alone. */
static void half_a_notrack_is_seen(void **state)
{
	struct rules rules = nft("old-nft.json");

	(void)state;
	assert_false(untracked(&rules, RULE_DST, AF_INET, 1194));
	assert_false(untracked(&rules, RULE_DST, AF_INET6, 1194));
	assert_true(untracked(&rules, RULE_SRC, AF_INET, 1194));
	assert_false(untracked(&rules, RULE_SRC, AF_INET6, 1194));
	assert_false(untracked(&rules, RULE_SRC, AF_INET, 1195));
	rules_free(&rules);
	rules = legacy("old-legacy.txt", AF_INET);
	assert_false(untracked(&rules, RULE_DST, AF_INET, 1194));
	assert_true(untracked(&rules, RULE_SRC, AF_INET, 1194));
	assert_true(untracked(&rules, RULE_SRC, AF_INET, 1200));
	assert_false(untracked(&rules, RULE_SRC, AF_INET, 1201));
	rules_free(&rules);
}

static void example_is_complete(struct rules *rules, bool v4, bool v6)
{
	for (int end = 0; end < RULE_ENDS; end++) {
		assert_int_equal(untracked(rules, end, AF_INET, 1194), v4);
		assert_int_equal(untracked(rules, end, AF_INET6, 1194), v6);
		assert_false(untracked(rules, end, AF_INET, 443));
	}
	for (size_t i = 0; i < rules->n; i++)
		assert_false(rule_catches(&rules->item[i], config));
	rules_free(rules);
}

static void examples_are_complete(void **state)
{
	struct rules rules = nft("firewall-nft.json");

	(void)state;
	assert_int_equal(rules_track(&rules), RULE_V4 | RULE_V6);
	example_is_complete(&rules, true, true);
	rules = nft("firewall-iptables-nft.json");
	assert_int_equal(rules_track(&rules), RULE_V4 | RULE_V6);
	example_is_complete(&rules, true, true);
	rules = legacy("firewall-legacy.txt", AF_INET);
	assert_int_equal(rules_track(&rules), RULE_V4);
	example_is_complete(&rules, true, false);
	rules = legacy("firewall-legacy6.txt", AF_INET6);
	assert_int_equal(rules_track(&rules), RULE_V6);
	example_is_complete(&rules, false, true);
}

/* An empty NAT chain and a filter without ct do not start conntrack. */
static void plain_filter_needs_no_conntrack(void **state)
{
	struct rules rules = nft("plain-nft.json");

	(void)state;
	assert_int_equal(rules_track(&rules), 0);
	assert_int_equal(rules.n, 0);
	rules_free(&rules);
}

static void rubbish_is_refused(void **state)
{
	struct rules rules = { 0 };
	static const char *const lines[] = {
		"-A",
		"-A ",
		"-A X",
		"-A X -p",
		"-A X -j",
		"-A X !",
		"*",
		"-A X -p udp --dport",
		"-A X -p udp --dport , -j DNAT",
		"-A X --dport 1: -j DNAT",
		"-A X --dport :: -j DNAT",
		"-A X -m comment --comment \"open -j DNAT",
		"-A X -d 1.2.3.4/99 -j DNAT",
		"-A X -d /// -j DNAT",
		"-A X --dport 70000 -j DNAT",
		"-A X -i averylonginterfacename -j DNAT",
		"-A X --comment \\",
	};

	(void)state;
	assert_int_equal(rules_parse_nft("", &rules), -EINVAL);
	assert_int_equal(rules_parse_nft("[]", &rules), -EINVAL);
	assert_int_equal(rules_parse_nft("{\"nftables\":[{\"rule\":1},{\"rule\""
					 ":{\"family\":\"ip\",\"expr\":[1,{"
					 "\"match\":2},{\"dnat\":null}]}}]}",
					 &rules),
			 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(rules_parse_iptables(lines[i], AF_INET, "x",
						      &rules),
				 0);
	rules_free(&rules);
}

static void more_than_fits_stays_in_doubt(void **state)
{
	struct rules rules = { 0 };
	char line[2048] = "*nat\n-A PREROUTING -p udp --dports 1";

	(void)state;
	for (int i = 2; i < 40; i++)
		(void)snprintf(line + strlen(line), 16, ",%d", i);
	(void)strcat(line, " -j DNAT\n");
	assert_int_equal(rules_parse_iptables(line, AF_INET, "x", &rules), 0);
	assert_int_equal(rules.n, 1);
	assert_true(rules.item[0].port[RULE_DST].doubt);
	assert_true(rule_catches(&rules.item[0], config));
	rules_free(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nft_that_catches),
		cmocka_unit_test(iptables_nft_that_catches),
		cmocka_unit_test(legacy_that_catches),
		cmocka_unit_test(legacy6_that_catches),
		cmocka_unit_test(half_a_notrack_is_seen),
		cmocka_unit_test(examples_are_complete),
		cmocka_unit_test(plain_filter_needs_no_conntrack),
		cmocka_unit_test(rubbish_is_refused),
		cmocka_unit_test(more_than_fits_stays_in_doubt),
	};

	if (config_read("tests/fixtures/door.conf", stderr, &config))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
