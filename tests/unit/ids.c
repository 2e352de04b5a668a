/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Address ids over reloads, and the state file that remembers them. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ids.h"
#include "state_json.h"

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

static struct config config;
static struct state state;
static uint8_t id[AP_ADDRS];
static uint64_t reused;

static int start(void **unused)
{
	(void)unused;
	memset(&config, 0, sizeof(config));
	memset(&state, 0, sizeof(state));
	return 0;
}

/* COUNT addresses 192.0.2.FIRST and following. */
static void reload(unsigned int first, size_t count)
{
	config.n_address = count;
	for (size_t i = 0; i < count; i++) {
		config.address[i].family = AF_INET;
		config.address[i].length = 32;
		config.address[i].v4.s_addr =
			htonl(0xc0000200 + first + (uint32_t)i);
	}
	ids_assign(&state, &config, id, &reused);
	ids_use(&state, id, count);
}

static void assert_all_differ(size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(id[i], id[j]);
}

static void test_first(void **unused)
{
	(void)unused;
	reload(1, 3);
	assert_int_equal(id[0], 0);
	assert_int_equal(id[1], 1);
	assert_int_equal(id[2], 2);
	assert_int_equal(reused, 0);
}

static void test_kept(void **unused)
{
	(void)unused;
	reload(1, 3);
	reload(3, 2);
	assert_int_equal(id[0], 2);
	assert_int_equal(id[1], 3);
	assert_int_equal(reused, 0);
	assert_false(state.in_use[0]);
	assert_true(state.in_use[2]);
	reload(1, 1);
	assert_int_equal(id[0], 0);
}

static void test_run_out(void **unused)
{
	(void)unused;
	reload(1, AP_ADDRS);
	reload(51, AP_ADDRS);
	assert_int_equal(reused, 0);
	/* All 64 are given; half of them is in use. */
	reload(101, AP_ADDRS);
	assert_all_differ(AP_ADDRS);
	assert_int_equal(reused, 0xffffffff);
	for (size_t i = 0; i < AP_ADDRS; i++)
		assert_in_range(id[i], 0, AP_ADDRS - 1);
}

/* An id that comes back in this very configuration is nobody else's. */
static void test_not_the_returning(void **unused)
{
	(void)unused;
	reload(1, AP_ADDRS);
	reload(51, AP_ADDRS);
	config.address[AP_ADDRS - 1].v4.s_addr = htonl(0xc0000201);
	config.address[0].v4.s_addr = htonl(0xc00002fa);
	ids_assign(&state, &config, id, &reused);
	assert_int_equal(id[AP_ADDRS - 1], 0);
	assert_int_not_equal(id[0], 0);
	assert_int_equal(reused, 1ULL << id[0]);
	assert_all_differ(AP_ADDRS);
}

static void test_families(void **unused)
{
	(void)unused;
	/* ::c000:201 begins with the bytes of no IPv4 address */
	reload(1, 1);
	config.address[0].family = AF_INET6;
	config.address[0].length = 128;
	memset(&config.address[0].v6, 0, 16);
	memcpy(&config.address[0].v6, (const uint8_t[]){ 192, 0, 2, 1 }, 4);
	ids_assign(&state, &config, id, &reused);
	assert_int_equal(id[0], 1);
}

/* ---- the state file -----------------------------------------------------*/

static void fill(void)
{
	reload(1, 2);
	state.layout = AP_LAYOUT;
	strcpy(state.version, "1.2");
	strcpy(state.config, "/etc/anyport/\"odd\".conf");
	state.loaded = 1700000000;
	state.reloaded = 1700000001;
	state.lookup_id = 4000000000;
	state.config_mtime = 1700000000123456789;
	state.peer_id[0] = 12;
	state.peer_id[1] = 13;
	strcpy(state.peer_why, "no \"cgroup\"");
	state.n_uplink = AP_UPLINKS;
	for (size_t i = 0; i < AP_UPLINKS; i++) {
		struct state_uplink *u = &state.uplink[i];

		(void)snprintf(u->name, sizeof(u->name), "eth%zu", i);
		u->ifindex = (uint32_t)i + 1;
		u->mode = ATTACH_NATIVE + i % 3;
		u->dispatcher = i & 1;
		u->made_clsact = !(i & 1);
		u->ingress_id = 10;
		u->egress_id = 11;
		memset(u->why, 'w', i * 4);
	}
}

static void test_round_trip(void **unused)
{
	struct state again;
	char *text;

	(void)unused;
	fill();
	text = state_to_json(&state);
	assert_non_null(text);
	assert_int_equal(state_from_json(text, &again), 0);
	assert_memory_equal(&state, &again, sizeof(state));
	free(text);
}

static void test_cut_short(void **unused)
{
	struct state again;
	char *text;

	(void)unused;
	fill();
	state.n_uplink = 2;
	text = state_to_json(&state);
	assert_non_null(text);
	for (size_t n = strlen(text); n-- > 0;) {
		text[n] = '\0';
		assert_int_equal(state_from_json(text, &again), -EBADMSG);
	}
	free(text);
}

/* What FROM is in a good file, made TO. */
static void damage(const char *from, const char *to)
{
	char *text, *at, *bad;
	struct state again;

	fill();
	state.n_uplink = 1;
	text = state_to_json(&state);
	assert_non_null(text);
	at = strstr(text, from);
	assert_non_null(at);
	assert_true(asprintf(&bad, "%.*s%s%s", (int)(at - text), text, to,
			     at + strlen(from)) > 0);
	if (state_from_json(bad, &again) != -EBADMSG)
		fail_msg("taken: %s", bad);
	free(bad);
	free(text);
}

static void test_damaged(void **unused)
{
	(void)unused;
	damage("\"layout\": " STRING(AP_LAYOUT), "\"layout\": -1");
	damage("\"layout\": " STRING(AP_LAYOUT), "\"layout\": \"1\"");
	damage("4000000000", "4294967296");
	damage("\"eth0\"", "\"a-name-of-sixteen\"");
	damage("\"native\"", "\"auto\"");
	damage("\"native\"", "\"magic\"");
	damage("\"192.0.2.1\"", "\"192.0.2\"");
	damage("\"192.0.2.1\"", "\"::g\"");
	damage("\"id\": 1", "\"id\": 64");
	damage("\"id\": 1", "\"id\": -1");
	damage("\"uplinks\"", "\"uplink\"");
	damage("\"layout\"", "\"schema\""); /* twice */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_first, start),
		cmocka_unit_test_setup(test_kept, start),
		cmocka_unit_test_setup(test_run_out, start),
		cmocka_unit_test_setup(test_not_the_returning, start),
		cmocka_unit_test_setup(test_families, start),
		cmocka_unit_test_setup(test_round_trip, start),
		cmocka_unit_test_setup(test_cut_short, start),
		cmocka_unit_test_setup(test_damaged, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
