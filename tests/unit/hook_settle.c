/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A ledger may ask for any route: only what the configuration allows is put in
 * or deleted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "../../hook/held.h"
#include "../../hook/hooklog.h"
#include "../../hook/proc.h"
#include "../../hook/settle.h"
#include "scratch.h"

/* What the kernel was asked to do. */
static unsigned int puts_seen, deletes_seen;

int __wrap_routes_open(struct routes **out);
int __wrap_routes_open(struct routes **out)
{
	(void)out;
	return 0;
}

int __wrap_routes_put(struct routes *routes, const struct kernel_route *route,
		      const struct deadline *deadline);
int __wrap_routes_put(struct routes *routes, const struct kernel_route *route,
		      const struct deadline *deadline)
{
	(void)routes;
	(void)route;
	(void)deadline;
	puts_seen++;
	return 0;
}

int __wrap_routes_delete(struct routes *routes,
			 const struct kernel_route *route,
			 const struct deadline *deadline);
int __wrap_routes_delete(struct routes *routes,
			 const struct kernel_route *route,
			 const struct deadline *deadline)
{
	(void)routes;
	(void)route;
	(void)deadline;
	deletes_seen++;
	return 0;
}

static char warning[1024];

void __wrap_hooklog_warn(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
void __wrap_hooklog_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(warning, sizeof(warning), fmt, args);
	va_end(args);
}

static struct ip_prefix prefix(const char *text, uint8_t length)
{
	struct ip_prefix p = { .length = length };

	p.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(p.family, text, &p.v6), 1);
	return p;
}

/* The one device that is there for certain stands for the tun. */
static char devices[][IF_NAMESIZE] = { "lo" };
static struct ip_prefix ranges[3];
static struct config config = {
	.hook = { .device = devices,
		  .n_device = 1,
		  .range = ranges,
		  .n_range = 3,
		  .table = 254,
		  .metric = 50,
		  .protocol = 4 },
};
static struct hook hook = { .config = &config };

static struct claim good(void)
{
	struct claim c = { .seq = 1,
			   .instance = "udp",
			   .dev = "lo",
			   .pid = 1,
			   .table = 254,
			   .metric = 50,
			   .protocol = 4,
			   .n_route = 1 };

	c.ifindex = device_index("lo");
	c.route[0].dst = prefix("2001:db8:100::", 48);
	c.route[0].via = prefix("2001:db8:2::a", 128);
	return c;
}

static void outside(struct claim *c)
{
	c->route[0].dst = prefix("2001:db8:200::", 48);
}

static void wider(struct claim *c)
{
	c->route[0].dst = prefix("2001:db8::", 32);
}

static void everything(struct claim *c)
{
	c->route[0] = (struct hook_route){ .dst = prefix("0.0.0.0", 0) };
}

static void address_of_another(struct claim *c)
{
	c->route[0] = (struct hook_route){ .dst = prefix("8.8.8.8", 32) };
}

static void gateway(struct claim *c)
{
	c->route[0].via = prefix("fe80::1", 128);
}

static void table(struct claim *c)
{
	c->table = 255;
}

static void metric(struct claim *c)
{
	c->metric = 1;
}

static void protocol(struct claim *c)
{
	c->protocol = 2;
}

static void device(struct claim *c)
{
	strcpy(c->dev, "eth0");
}

static void made_anew(struct claim *c)
{
	c->ifindex += 1000;
}

static void no_index(struct claim *c)
{
	c->ifindex = 0;
}

static const struct {
	const char *name;
	void (*spoil)(struct claim *c);
} forbidden[] = {
	{ "outside the ranges", outside },
	{ "wider than a range", wider },
	{ "a default route", everything },
	{ "another's address", address_of_another },
	{ "a gateway outside the ranges", gateway },
	{ "another table", table },
	{ "another metric", metric },
	{ "another protocol", protocol },
	{ "another device", device },
	{ "a device that was made anew", made_anew },
	{ "no device", no_index },
};
#define FORBIDDEN (sizeof(forbidden) / sizeof(*forbidden))

static void put(struct claim *c)
{
	puts_seen = 0;
	assert_int_equal(settle_put(&hook, "alice", c), 0);
	assert_false(c->repair);
}

static void nothing_else_is_put_in(void **state)
{
	struct claim c = good();

	(void)state;
	put(&c);
	assert_int_equal(puts_seen, 1);
	for (size_t i = 0; i < FORBIDDEN; i++) {
		c = good();
		forbidden[i].spoil(&c);
		put(&c);
		if (puts_seen)
			fail_msg("put in: %s", forbidden[i].name);
	}
}

/* A claim that is over, and whether anything is left of it. */
static size_t sweep(const struct claim *c)
{
	struct ledger ledger = { .n = 1, .name = "alice" };

	ledger.claim[0] = *c;
	ledger.claim[0].gone = true;
	deletes_seen = 0;
	(void)settle_sweep(&hook, &ledger, NULL);
	return ledger.n;
}

static void nothing_else_is_deleted(void **state)
{
	struct claim c = good();

	(void)state;
	assert_int_equal(sweep(&c), 0);
	assert_int_equal(deletes_seen, 1);
	for (size_t i = 0; i < FORBIDDEN; i++) {
		c = good();
		forbidden[i].spoil(&c);
		assert_int_equal(sweep(&c), 0);
		if (deletes_seen)
			fail_msg("deleted: %s", forbidden[i].name);
	}
}

static void left(const struct claim *c, const char *want)
{
	*warning = '\0';
	assert_int_equal(sweep(c), 0);
	assert_int_equal(deletes_seen, 0);
	assert_string_equal(warning, want);
}

#define LEFT(dev)                                                     \
	"alice: the ledger has a route to 2001:db8:100::/48 dev " dev \
	" that the configuration does not allow, not deleted"

/* Somebody may paste it as root: it deletes that route, or it is not there. */
static void command_for_what_is_left(void **state)
{
	static const char *const names[] = { "lo:;reboot;", "lo:`id`",
					     "lo:$(id)", "lo:|sh", "lo:'" };
	struct claim c = good();
	char want[256];

	(void)state;
	c.protocol = 3;
	left(&c, LEFT("lo") "; if it is from before the configuration changed: "
			    "ip -6 route del 2001:db8:100::/48 via "
			    "2001:db8:2::a dev lo metric 50 table 254 proto 3");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		strcpy(c.dev, names[i]);
		snprintf(want, sizeof(want), LEFT("%s"), names[i]);
		left(&c, want);
	}
	/* Without one of these the kernel deletes the next best route. */
	c = good();
	c.metric = 0;
	left(&c, LEFT("lo"));
	c = good();
	c.protocol = 0;
	left(&c, LEFT("lo"));
	c = good();
	c.table = 0;
	left(&c, LEFT("lo"));
}

/* Its place in the kernel is another's: a command could only hit him. */
static void silent_about_an_heirs(void **state)
{
	char link[HELD_LINK];
	struct ledger heir;
	struct claim c = good();

	(void)state;
	assert_int_equal(ledger_open(scratch, "heir", &hook.deadline, &heir),
			 0);
	*ledger_add(&heir) = c;
	assert_int_equal(held_put(scratch, "heir", &c, link), 0);
	assert_int_equal(ledger_write(&heir), 0);
	c.protocol = 3;
	left(&c, "");
	heir.claim->gone = true;
	assert_int_equal(ledger_write(&heir), 0);
	*warning = '\0';
	assert_int_equal(sweep(&c), 0);
	assert_non_null(strstr(warning, "proto 3"));
	ledger_close(&heir);
}

static int set_up(void **state)
{
	if (scratch_make(state))
		return -1;
	hook.dir = scratch;
	hooklog_stderr();
	ranges[0] = prefix("203.0.113.0", 24);
	ranges[1] = prefix("2001:db8:2::", 64);
	ranges[2] = prefix("2001:db8:100::", 40);
	deadline_start(&hook.deadline);
	deadline_set(&hook.deadline, 60000);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_else_is_put_in),
		cmocka_unit_test(nothing_else_is_deleted),
		cmocka_unit_test(command_for_what_is_left),
		cmocka_unit_test(silent_about_an_heirs),
	};

	return cmocka_run_group_tests_name("hook_settle", tests, set_up,
					   scratch_remove);
}
