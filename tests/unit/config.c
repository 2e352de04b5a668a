/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The configuration: what is taken and what it means, and files as a whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config_set.h"
#include "conftext.h"

static void presets(void **state)
{
	struct config *c = conf_good(DOOR);
	const struct limits_config *l = &c->limits;
	const struct hook_config *h = &c->hook;

	(void)state;
	assert_int_equal(c->n_interface, 1);
	assert_string_equal(c->interface[0], "eth0");
	assert_int_equal(c->n_address, 1);
	assert_int_equal(c->attach, ATTACH_AUTO);
	assert_true(c->filter);
	assert_int_equal(c->mark, 169);
	assert_int_equal(c->proto[AP_UDP].target, 1194);
	assert_int_equal(c->proto[AP_TCP].target, 1194);
	assert_int_equal(l->established, 65536);
	assert_int_equal(l->half_open, 65536);
	assert_int_equal(l->remembered, 65536);
	assert_int_equal(l->established_idle, 300);
	assert_int_equal(l->half_open_idle, 30);
	assert_int_equal(l->remembered_idle, 180);
	assert_int_equal(l->budget[AP_RESET], 500);
	assert_int_equal(l->budget[AP_CONTROL], 500);
	assert_int_equal(l->budget[AP_DATA], 1000);
	assert_int_equal(l->prefix_share, 5);
	assert_int_equal(l->reserve, 25);
	assert_int_equal(l->nat_first, 32768);
	assert_int_equal(l->nat_last, 60999);
	assert_string_equal(h->users, "/etc/openvpn/users");
	assert_string_equal(h->state, "/run/anyport/sessions");
	assert_int_equal(h->table, 254);
	assert_int_equal(h->protocol, 4);
	assert_int_equal(h->metric, 50);
	assert_int_equal(h->deadline, 2000);
	assert_false(h->unreachable);
	assert_int_equal(c->n_instance, 0);
	config_free(c);
}

static void every_key(void **state)
{
	struct config *c =
		conf_good("[door]\ninterface = eth0\ninterface=br-lan.7\n"
			  "address = 198.51.100.1\n"
			  "address = 2001:db8::1\nattach = tc\n"
			  "[udp]\ntarget = 1195\npass = 67-68, 500\n"
			  "pass = 5000 - 5002,7\nclaim = 53\n"
			  "map = 443:4443\nmap = 80:1195\nfilter = off\nmark = 7\n"
			  "[limits]\nestablished-idle = 2min\n"
			  "resets = off\nreserve = 30\n"
			  "prefix-share = 10 \nnat-ports = none\n"
			  "[hook]\nusers = /srv/my accounts\n"
			  "device = tunudp\ndevice = tuntcp\n"
			  "range = 203.0.113.0/24\nrange = 2001:db8::/32\n"
			  "table = 100\nprotocol = 99\n"
			  "deadline = 500 ms\nunreachable = yes\n"
			  "[openvpn]\nmanagement = udp /run/udp.sock\n"
			  "status = udp /run/udp.status\n"
			  "status = tcp /run/t c p.status\n");
	const struct proto_config *udp = &c->proto[AP_UDP];
	char text[PREFIX_TEXT];

	(void)state;
	assert_int_equal(c->n_interface, 2);
	assert_string_equal(c->interface[1], "br-lan.7");
	assert_string_equal(prefix_text(&c->address[1], text), "2001:db8::1");
	assert_int_equal(c->attach, ATTACH_TC);
	assert_int_equal(udp->target, 1195);
	assert_int_equal(c->proto[AP_TCP].target, 1194);
	assert_true(port_in(&udp->pass, 7) && port_in(&udp->pass, 500) &&
		    port_in(&udp->pass, 5002) && !port_in(&udp->pass, 5003));
	assert_true(port_in(&udp->claim, 53) && !port_in(&udp->claim, 54));
	assert_int_equal(udp->n_map, 2);
	assert_int_equal(udp->map[0].dialled, 80);
	assert_int_equal(udp->map[1].target, 4443);
	assert_false(c->filter);
	assert_int_equal(c->mark, 7);
	assert_int_equal(c->limits.established_idle, 120);
	assert_int_equal(c->limits.budget[AP_RESET], 0);
	assert_int_equal(c->limits.prefix_share, 10);
	assert_true(c->limits.nat_first > c->limits.nat_last);
	assert_string_equal(c->hook.users, "/srv/my accounts");
	assert_int_equal(c->hook.n_device, 2);
	assert_string_equal(c->hook.device[1], "tuntcp");
	assert_string_equal(prefix_text(&c->hook.range[0], text),
			    "203.0.113.0/24");
	assert_int_equal(c->hook.table, 100);
	assert_int_equal(c->hook.protocol, 99);
	assert_int_equal(c->hook.deadline, 500);
	assert_true(c->hook.unreachable);
	assert_int_equal(c->n_instance, 2);
	assert_string_equal(c->instance[0].management, "/run/udp.sock");
	assert_string_equal(c->instance[0].status, "/run/udp.status");
	assert_null(c->instance[1].management);
	assert_string_equal(c->instance[1].status, "/run/t c p.status");
	config_free(c);
}

static void comments_and_blanks(void **state)
{
	struct config *c = conf_good("\xef\xbb\xbf# a comment\r\n  ; another\n"
				     "  [door] ; the door\n"
				     "\tinterface = eth0 ; the uplink\n"
				     "address=198.51.100.1\r\n"
				     "#address = 0.0.0.0\n\n"
				     "[hook]\nusers = /srv/a;b ;c ; d\n"
				     "[hook]\ndevice = tun#0\n"
				     "range = 203.0.113.7");

	(void)state;
	assert_string_equal(c->interface[0], "eth0");
	assert_int_equal(c->n_address, 1);
	assert_string_equal(c->hook.users, "/srv/a;b");
	assert_string_equal(c->hook.device[0], "tun#0");
	assert_int_equal(c->hook.range[0].length, 32);
	config_free(c);
}

static void table_sizes(void **state)
{
	static const struct refusal list[] = {
		{ "[limits]\nremembered = 1023\n", 6, "at least 1024" },
		{ "[limits]\nremembered = 256\n", 6, "4 CPUs" },
	};
	char *errors;

	(void)state;
	conf_cpus = 4;
	CONF_REFUSED(list);
	config_free(conf_good(DOOR "[limits]\nremembered = 1024\n"));
	/* which alone are the kernel's LRU hash */
	config_free(conf_good(DOOR "[limits]\nestablished = 256\n"));
	conf_cpus = 257; /* not even the default does */
	errors = conf_bad(DOOR);
	assert_int_equal(conf_lines(errors), 1);
	free(errors);
	conf_cpus = 0; /* the kernel does not say */
	config_free(conf_good(DOOR "[limits]\nremembered = 256\n"));
	conf_cpus = 2;
}

static bool value_refused(const struct config_key *key, uint64_t n)
{
	bool ms = key->set == set_seconds || key->set == set_milliseconds;
	char text[256], start[128], *errors;
	struct config *config;
	bool refused;

	(void)snprintf(text, sizeof(text), DOOR "[%s]\n%s = %llu%s\n",
		       key->section, key->name, (unsigned long long)n,
		       ms ? "ms" : "");
	(void)snprintf(start, sizeof(start), "t.conf:6: %s = %llu%s: must be ",
		       key->name, (unsigned long long)n, ms ? "ms" : "");
	(void)conf_parse(text, strlen(text), CONFIG_ALL, &config, &errors);
	refused = strstr(errors, start);
	config_free(config);
	free(errors);
	return refused;
}

/* Each number at its bounds, one below and one above. */
static void bounds(void **state)
{
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];

		if (!key->max)
			continue;
		assert_false(value_refused(key, key->min));
		assert_false(value_refused(key, key->max));
		assert_true(value_refused(key, key->min - 1));
		assert_true(value_refused(key, key->max + 1));
		tried++;
	}
	assert_int_equal(tried, 16);
}

static void too_many(void **state)
{
	char text[8192];
	size_t n = 0;
	char *errors;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text), DOOR "[door]\n");
	for (int i = 0; i < AP_ADDRS + 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "address = 192.0.2.%d\n", i + 1);
	for (int i = 0; i < AP_UPLINKS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "interface = wan%d\n", i);
	errors = conf_bad(text);
	/* One address and one interface are in DOOR. */
	assert_string_equal(errors,
			    "t.conf:37: address = 192.0.2.32: there can be at "
			    "most 32\n"
			    "t.conf:38: address = 192.0.2.33: there can be at "
			    "most 32\n"
			    "t.conf:70: interface = wan31: there can be at "
			    "most 32\n");
	free(errors);
}

static void long_lines(void **state)
{
	char text[8192], value[2048];
	struct refusal r = { text, 6, "longer than 1023 bytes" };
	struct config *c;

	(void)state;
	/* 4 lines of DOOR and [hook]: the whole value must come through. */
	memset(value, 'x', sizeof(value));
	memcpy(value, "users = /", 9);
	value[1023] = '\0';
	(void)snprintf(text, sizeof(text),
		       DOOR "[hook]\n%s\ndevice = t\nrange = 192.0.2.1\n",
		       value);
	c = conf_good(text);
	assert_int_equal(strlen(c->hook.users), 1023 - strlen("users = "));
	config_free(c);

	value[1023] = 'x';
	for (size_t length = 1024; length < 2048; length += 1023) {
		value[length] = '\0';
		(void)snprintf(text, sizeof(text),
			       "[hook]\n%s\ndevice = t\nrange = 192.0.2.1\n",
			       value);
		conf_refused(&r);
		value[length] = 'x';
	}
	/* A comment too: what is cut off might have been meant. */
	value[0] = '#';
	value[1024] = '\0';
	(void)snprintf(text, sizeof(text), "[udp]\n%s", value);
	conf_refused(&r);
}

static void nul_bytes(void **state)
{
	static const char text[] = DOOR "[udp]\ntarget = 5\0 6\n[tcp]\n\0";
	struct config *config;
	char *errors;

	(void)state;
	assert_int_equal(conf_parse(text, sizeof(text) - 1, CONFIG_ALL, &config,
				    &errors),
			 -EINVAL);
	assert_string_equal(errors,
			    "t.conf:6: the line holds a control character "
			    "(0x00)\n"
			    "t.conf:8: the line holds a control character "
			    "(0x00)\n");
	free(errors);
}

static void all_errors_at_once(void **state)
{
	char *errors = conf_bad("stray = 1\n"
				"[door]\n"
				"interface = eth0\n"
				"address = 300.1.1.1\n"
				"[upd]\n"
				"target = 70000\n"
				"[tcp]\n"
				"target = 70000\n"
				"junk\n"
				"pass = 1194, 0, 7-3\n"
				"[limits]\n"
				"half-open = 600\n"
				"reserve = 100\n");
	static const char *const starts[] = {
		"t.conf:1: stray stands before",
		"t.conf:4: address = 300.1.1.1: ",
		"t.conf:5: no section [upd]",
		"t.conf:8: target = 70000: ",
		"t.conf:9: expected NAME",
		"t.conf:10: pass = 0: ",
		"t.conf:10: pass = 7-3: ",
		"t.conf:13: reserve = 100: ",
		"t.conf:12: half-open = 600: ",
	};
	const char *line = errors;

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (strncmp(line, starts[i], strlen(starts[i])))
			fail_msg("expected %s in\n%s", starts[i], errors);
		line = strchr(line, '\n') + 1;
	}
	assert_string_equal(line, "");
	free(errors);
}

static void missing(void **state)
{
	char *errors = conf_bad("# nothing\n\n");

	(void)state;
	assert_int_equal(conf_lines(errors), 2);
	assert_non_null(strstr(errors, "t.conf:2: [door] names no interface"));
	assert_non_null(strstr(errors, "t.conf:2: [door] names no address"));
	free(errors);
	errors = conf_bad("");
	assert_non_null(strstr(errors, "t.conf:1: [door] names no address"));
	free(errors);
}

static void hook_part(void **state)
{
	const char *text = "junk\n[door\n[udp]\ntarget = 70000\n[what]\nx\n"
			   "[hook]\nrange = 203.0.113.0/24\ndevice = t\n";
	const char *wrong =
		"[udp]\nx\n[hook]\nx\ndevice = /\n[openvpn]\ny = 1\n";
	struct config *c;
	char *errors;

	(void)state;
	assert_int_equal(
		conf_parse(text, strlen(text), CONFIG_HOOK, &c, &errors), 0);
	assert_string_equal(errors, "");
	assert_int_equal(c->hook.n_range, 1);
	assert_int_equal(c->hook.metric, 50);
	config_free(c);
	free(errors);
	assert_int_equal(conf_parse(wrong, strlen(wrong), CONFIG_HOOK, &c,
				    &errors),
			 -EINVAL);
	assert_int_equal(conf_lines(errors), 4);
	free(errors);
}

static void files(void **state)
{
	struct config *c = NULL;
	char *errors;
	size_t size;
	FILE *out = open_memstream(&errors, &size);

	(void)state;
	assert_int_equal(config_read("/nonexistent/x", out, &c), -ENOENT);
	assert_int_equal(config_read("/", out, &c), -EISDIR);
	assert_int_equal(config_read("/dev/zero", out, &c), -EFBIG);
	fclose(out);
	assert_null(c);
	assert_string_equal(errors,
			    "/nonexistent/x: No such file or directory; name "
			    "another file with -c\n"
			    "/: cannot be read: Is a directory\n"
			    "/dev/zero: cannot be read: File too large\n");
	free(errors);
}

/* A warning is no error: the file is taken, and the first rule holds. */
static void named_twice(void **state)
{
	static const struct {
		const char *text, *said;
	} list[] = {
		{ "[tcp]\npass = 22\nclaim = 22\n",
		  "t.conf:7: warning: claim of 22 does nothing: it is under "
		  "pass too, in line 6, which wins; take one of them out\n" },
		{ "[tcp]\nmap = 443:4443\npass = 80, 443\n",
		  "t.conf:6: warning: map of 443 does nothing: it is under pass "
		  "too, in line 7, which wins; take one of them out\n" },
		{ "[udp]\npass = 500-600\nclaim = 500-600\n",
		  "t.conf:7: warning: claim of 500-600 does nothing: it is "
		  "under pass too, in line 6, which wins; take one of them "
		  "out\n" },
		{ "[tcp]\npass = 22\nclaim = 1-1000\n", "" },
		{ "[tcp]\nclaim = 443\nmap = 443:4443\n", "" },
		{ "[tcp]\npass = 22\n[udp]\nclaim = 22\n", "" },
	};
	struct config *c;
	char *errors, text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		(void)snprintf(text, sizeof(text), DOOR "%s", list[i].text);
		assert_int_equal(conf_parse(text, strlen(text), CONFIG_ALL, &c,
					    &errors),
				 0);
		assert_string_equal(errors, list[i].said);
		free(errors);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_twice),
		cmocka_unit_test(presets),
		cmocka_unit_test(every_key),
		cmocka_unit_test(comments_and_blanks),
		cmocka_unit_test(table_sizes),
		cmocka_unit_test(bounds),
		cmocka_unit_test(too_many),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(all_errors_at_once),
		cmocka_unit_test(missing),
		cmocka_unit_test(hook_part),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
