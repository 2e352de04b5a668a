/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The ledger: what is written is read back, what is hostile is refused, and a
 * file is replaced whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../hook/ledger.h"
#include "../../hook/proc.h"
#include "scratch.h"

static struct ip_prefix prefix(const char *text, uint8_t length)
{
	struct ip_prefix p = { .length = length };

	p.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(p.family, text, &p.v6), 1);
	return p;
}

static void fill(struct ledger *ledger, uint64_t seq, const char *instance)
{
	struct claim *c = ledger_add(ledger);

	c->seq = seq;
	strcpy(c->instance, instance);
	strcpy(c->dev, "tunudp");
	c->ifindex = 7;
	c->pid = 4242;
	c->started = 123456789;
	c->daemon_start = 1700000000;
	c->time_unix = 1700000001;
	c->at = 1700000002;
	c->table = 254;
	c->metric = 50;
	c->protocol = 4;
	c->repair = true;
	c->route[0].dst = prefix("203.0.113.10", 32);
	c->route[1].dst = prefix("2001:db8:100::", 48);
	c->route[1].via = prefix("2001:db8:2::a", 128);
	c->n_route = 2;
}

static void round_trip(void **state)
{
	struct ledger a = { .n = 0 }, b = { .n = 0 };
	char text[LEDGER_SIZE_MAX], again[LEDGER_SIZE_MAX];
	size_t n;

	(void)state;
	for (uint64_t seq = 1; seq <= LEDGER_CLAIMS; seq++)
		fill(&a, seq, "udp");
	n = ledger_format(&a, text, sizeof(text));
	assert_true(n < sizeof(text) / 2);
	strcpy(again, text);
	assert_int_equal(ledger_parse(again, &b), 0);
	assert_int_equal(b.n, LEDGER_CLAIMS);
	(void)ledger_format(&b, again, sizeof(again));
	assert_string_equal(text, again);
	assert_true(b.claim[3].repair && !b.claim[3].gone);
	assert_int_equal(b.claim[3].route[1].via.length, 128);
}

#define CLAIM "claim 1 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0 0\n"
#define HEAD  "anyport-sessions 1\n"

static const char *const hostile[] = {
	"x",
	"anyport-sessions 2\n" CLAIM,
	CLAIM,
	HEAD "x",
	HEAD "claim\n",
	HEAD "claim 1\n",
	HEAD "route 203.0.113.1/32 -\n",
	HEAD "claim 0 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim -1 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD
	"claim 18446744073709551615 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 ../x tunudp 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tun/udp 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp lo:;reboot; 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tun\x1b[2J 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tun\x7f 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	/* times that would overflow in sums */
	HEAD "claim 1 udp tunudp 7 42 1 2 3 9223372036854775807 254 50 4 0 0 0 "
	     "0\n",
	HEAD "claim 1 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0 "
	     "9223372036854775807\n",
	HEAD "claim 1 udp aaaaaaaaaaaaaaaa 7 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tunudp 4294967296 42 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tunudp 7 0 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tunudp 7 -1 1 2 3 4 254 50 4 0 0 0 0\n",
	HEAD "claim 1 udp tunudp 7 42 1 2 3 4 254 50 256 0 0 0 0\n",
	HEAD "claim 1 udp tunudp 7 42 1 2 3 4 254 50 4 2 0 0 0\n",
	HEAD "claim 1 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0\n",
	HEAD "claim 1 udp tunudp 7 42 1 2 3 4 254 50 4 0 0 0 0 0\n",
	HEAD CLAIM "route 203.0.113.1 -\n",
	HEAD CLAIM "route 203.0.113.1/33 -\n",
	HEAD CLAIM "route 203.0.113.1/ -\n",
	HEAD CLAIM "route x/32 -\n",
	HEAD CLAIM "route 203.0.113.1/32\n",
	HEAD CLAIM "route 203.0.113.1/32 2001:db8::1\n",
	HEAD CLAIM "route 203.0.113.1/32 - -\n",
	HEAD CLAIM "route 2001:db8::/129 -\n",
};

static void refuses(void **state)
{
	struct ledger ledger;
	char text[40000];

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		strcpy(text, hostile[i]);
		if (!ledger_parse(text, &ledger))
			fail_msg("taken: %s", hostile[i]);
	}
	strcpy(text, HEAD);
	for (int i = 0; i <= LEDGER_CLAIMS; i++)
		strcat(text, CLAIM);
	assert_int_equal(ledger_parse(text, &ledger), -EINVAL);
	strcpy(text, HEAD CLAIM);
	for (int i = 0; i <= LEDGER_ROUTES; i++)
		strcat(text, "route 203.0.113.1/32 -\n");
	assert_int_equal(ledger_parse(text, &ledger), -EINVAL);
}

static struct deadline deadline;

static void files(void **state)
{
	struct ledger a, b;
	struct stat st;

	(void)state;
	assert_int_equal(ledger_open(scratch, "alice", &deadline, &a), 0);
	assert_int_equal(a.n, 0);
	ledger_close(&a);
	assert_int_equal(faccessat(scratch, "alice", F_OK, 0), -1);
	assert_int_equal(ledger_open(scratch, "alice", &deadline, &a), 0);
	fill(&a, ledger_next(&a), "udp");
	fill(&a, ledger_next(&a), "tcp");
	assert_int_equal(ledger_write(&a), 0);
	assert_int_equal(ledger_peek(scratch, "alice", &b), 0);
	assert_int_equal(b.n, 2);
	assert_string_equal(ledger_owner(&b)->instance, "tcp");
	ledger_owner(&b)->gone = true;
	assert_string_equal(ledger_owner(&b)->instance, "udp");
	assert_int_equal(fstatat(scratch, "alice", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	ledger_close(&a);
	assert_int_equal(ledger_open(scratch, "alice", &deadline, &a), 0);
	assert_int_equal(a.n, 2);
	a.n = 0;
	assert_int_equal(ledger_write(&a), 0);
	ledger_close(&a);
	assert_int_equal(ledger_peek(scratch, "alice", &b), -ENOENT);
}

/* The file that replaces another is locked before anybody can open it. */
static void locks(void **state)
{
	struct deadline soon;
	struct ledger a, b;

	(void)state;
	assert_int_equal(ledger_open(scratch, "bob", &deadline, &a), 0);
	deadline_start(&soon);
	deadline_set(&soon, 60);
	assert_int_equal(ledger_open(scratch, "bob", &soon, &b), -ETIMEDOUT);
	fill(&a, 1, "udp");
	assert_int_equal(ledger_write(&a), 0);
	deadline_start(&soon);
	deadline_set(&soon, 60);
	assert_int_equal(ledger_open(scratch, "bob", &soon, &b), -ETIMEDOUT);
	assert_true(deadline_spent(&soon) < 200000);
	ledger_close(&a);
	deadline_start(&soon);
	assert_int_equal(ledger_open(scratch, "bob", &soon, &b), 0);
	assert_int_equal(b.n, 1);
	ledger_close(&b);
}

/* Between a removal and the end of its lock somebody else may begin. */
static void removed_and_made_anew(void **state)
{
	struct ledger a, b;

	(void)state;
	assert_int_equal(ledger_open(scratch, "carol", &deadline, &a), 0);
	fill(&a, 1, "tcp");
	assert_int_equal(ledger_write(&a), 0);
	a.n = 0;
	assert_int_equal(ledger_write(&a), 0);
	assert_int_equal(ledger_open(scratch, "carol", &deadline, &b), 0);
	fill(&b, 1, "udp");
	assert_int_equal(ledger_write(&b), 0);
	ledger_close(&a);
	ledger_close(&b);
	assert_int_equal(ledger_open(scratch, "carol", &deadline, &b), 0);
	assert_int_equal(b.n, 1);
	ledger_close(&b);
}

static void planted(void **state)
{
	struct ledger a;

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", scratch, "link"), 0);
	assert_int_equal(ledger_open(scratch, "link", &deadline, &a), -ELOOP);
	assert_int_equal(mkfifoat(scratch, "fifo", 0600), 0);
	assert_int_equal(ledger_open(scratch, "fifo", &deadline, &a), -EBADF);
	/* What lies where the new file goes is not written to. */
	assert_int_equal(symlinkat("bob", scratch, "carol~"), 0);
	assert_int_equal(ledger_open(scratch, "carol", &deadline, &a), 0);
	fill(&a, 1, "udp");
	assert_int_equal(ledger_write(&a), 0);
	ledger_close(&a);
	assert_int_equal(ledger_peek(scratch, "bob", &a), 0);
	assert_int_equal(a.n, 1);
}

static void full(void **state)
{
	struct ledger a = { .n = 0 };

	(void)state;
	for (int i = 0; i < LEDGER_CLAIMS + 3; i++)
		fill(&a, ledger_next(&a), "udp");
	assert_int_equal(a.n, LEDGER_CLAIMS);
	assert_int_equal(ledger_owner(&a)->seq, LEDGER_CLAIMS + 3);
}

static void processes(void **state)
{
	struct claim c = { .pid = getpid(), .dev = "lo" };

	(void)state;
	c.ifindex = device_index("lo");
	c.started = proc_started(getpid());
	assert_true(c.started > 0 && c.ifindex > 0);
	assert_true(claim_live(&c));
	c.started++;
	assert_false(claim_live(&c));
	c.started = 0; /* /proc was hidden then */
	assert_true(claim_live(&c));
	c.ifindex++;
	assert_false(claim_live(&c));
	c.ifindex--;
	c.pid = 1 << 22; /* above every pid_max */
	assert_false(claim_live(&c));
	assert_int_equal(device_index("nothere"), 0);
}

static int set_up(void **state)
{
	deadline_start(&deadline);
	deadline_set(&deadline, 60000);
	return scratch_make(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refuses),
		cmocka_unit_test(files),
		cmocka_unit_test(locks),
		cmocka_unit_test(removed_and_made_anew),
		cmocka_unit_test(planted),
		cmocka_unit_test(full),
		cmocka_unit_test(processes),
	};

	return cmocka_run_group_tests_name("hook_ledger", tests, set_up,
					   scratch_remove);
}
