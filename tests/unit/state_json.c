/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The state file: what was written is read again, and nothing else is. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state_json.h"

static void fill(struct state *state)
{
	struct state_uplink *u = &state->uplink[0];

	memset(state, 0, sizeof(*state));
	state->layout = AP_LAYOUT;
	strcpy(state->version, "0.1");
	strcpy(state->config, "/etc/anyport/anyport.conf");
	state->loaded = 1700000000;
	state->reloaded = 1700000100;
	state->lookup_id = 12;
	state->n_uplink = 1;
	strcpy(u->name, "eth0");
	u->ifindex = 2;
	u->mode = ATTACH_TC;
	u->made_clsact = true;
	u->ingress_id = 10;
	u->egress_id = 11;
	strcpy(u->why, "native: not \"this\" one");
	state->address[3].family = AF_INET;
	state->address[3].length = 32;
	(void)inet_pton(AF_INET, "7.0.0.0", &state->address[3].v4);
	state->in_use[3] = true;
	state->address[5].family = AF_INET6;
	state->address[5].length = 128;
	(void)inet_pton(AF_INET6, "2001:db8::1", &state->address[5].v6);
}

static void the_same_comes_back(void **context)
{
	struct state out, in;
	char *text;

	(void)context;
	fill(&out);
	text = state_to_json(&out);
	assert_non_null(text);
	assert_int_equal(state_from_json(text, &in), 0);
	assert_int_equal(in.layout, AP_LAYOUT);
	assert_string_equal(in.version, out.version);
	assert_string_equal(in.config, out.config);
	assert_int_equal(in.loaded, out.loaded);
	assert_int_equal(in.reloaded, out.reloaded);
	assert_int_equal(in.lookup_id, out.lookup_id);
	assert_int_equal(in.n_uplink, 1);
	assert_string_equal(in.uplink[0].name, "eth0");
	assert_string_equal(in.uplink[0].why, out.uplink[0].why);
	assert_int_equal(in.uplink[0].ifindex, 2);
	assert_int_equal(in.uplink[0].mode, ATTACH_TC);
	assert_true(in.uplink[0].made_clsact);
	assert_int_equal(in.uplink[0].ingress_id, 10);
	assert_int_equal(in.uplink[0].egress_id, 11);
	assert_memory_equal(in.address, out.address, sizeof(in.address));
	assert_memory_equal(in.in_use, out.in_use, sizeof(in.in_use));
	free(text);
}

static void cut_short_it_is_refused(void **context)
{
	struct state state;
	size_t length;
	char *text;

	(void)context;
	fill(&state);
	text = state_to_json(&state);
	length = strlen(text);
	for (size_t n = length; n-- > 0;) {
		text[n] = '\0';
		assert_int_equal(state_from_json(text, &state), -EBADMSG);
	}
	free(text);
}

/* Its text with NEW in the place of OLD. */
static int with(const char *old, const char *new)
{
	struct state state;
	char *text, *at, *changed;
	int rc;

	fill(&state);
	text = state_to_json(&state);
	at = strstr(text, old);
	assert_non_null(at);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, new,
			     at + strlen(old)) > 0);
	rc = state_from_json(changed, &state);
	free(changed);
	free(text);
	return rc;
}

static void another_version_is_refused(void **context)
{
	char layout[32];

	(void)context;
	snprintf(layout, sizeof(layout), "\"layout\": %d", AP_LAYOUT);
	assert_int_equal(with("\"schema\": 1", "\"schema\": 1"), 0);
	assert_int_equal(with("\"schema\": 1", "\"schema\": 2"), -EBADMSG);
	assert_int_equal(with("\"schema\"", "\"shema\""), -EBADMSG);
	assert_int_equal(with(layout, "\"layout\": 0"), -EBADMSG);
	assert_int_equal(with(layout, "\"layout\": 99"), -EBADMSG);
	assert_int_equal(with(layout, "\"layout\": 4294967297"), -EBADMSG);
}

static void nonsense_is_refused(void **context)
{
	(void)context;
	assert_int_equal(with("\"id\": 3", "\"id\": -1"), -EBADMSG);
	assert_int_equal(with("\"id\": 3", "\"id\": 64"), -EBADMSG);
	assert_int_equal(with("7.0.0.0", "7.0.0"), -EBADMSG);
	assert_int_equal(with("\"tc\"", "\"auto\""), -EBADMSG);
	assert_int_equal(with("\"eth0\"", "\"a-name-of-17-byte\""), -EBADMSG);
	assert_int_equal(with("\"ifindex\": 2", "\"ifindex\": -2"), -EBADMSG);
	assert_int_equal(with("\"uplinks\": [", "\"uplinks\": [3,"), -EBADMSG);
	assert_int_equal(with("\"loaded\"", "\"schema\""), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_comes_back),
		cmocka_unit_test(cut_short_it_is_refused),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
