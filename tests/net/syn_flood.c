/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Requirement 25: SYNs from forged addresses, to every port, far more than the
 * listener has room for; an honest member connects within a second all the
 * same. Without SYN cookies nobody would: the flood is a real one.
 */
#include <errno.h>
#include <pthread.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "matrix.h"

#define FRAMES  16384
#define BATCH   64
#define MEMBERS 40 /* honest connections in one run */

static struct {
	size_t len;
	uint8_t data[80];
} syn[FRAMES];
static int wire, target = -1;
static atomic_bool stop;
static atomic_long sent;
static long rate = 30000; /* SYNs a second */

/* The forged addresses' routes end at the router: it answers nothing. */
static void forge(void)
{
	struct packet p = { .proto = IPPROTO_TCP, .flags = 2 };
	static struct frame f;
	unsigned int i;

	for (i = 0; i < FRAMES; i++) {
		p.src = i & 1 ? end("2001:db8:6600::1", random())
			      : end("100.64.0.0", random());
		p.src.ip[i & 1 ? 6 : 2] = i >> 8;
		p.src.ip[i & 1 ? 7 : 3] = i;
		p.dst = end(door_address[2 * (i & 1) + (i >> 1 & 1)],
			    i % 16 < 4 ? TARGET : random());
		frame_build(&f, &p);
		syn[i].len = f.len;
		memcpy(syn[i].data, f.data, f.len);
	}
	ns_sh("rtr", "ip route add blackhole 100.64.0.0/10;"
		     "ip route add blackhole 2001:db8:6600::/40");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* What is behind the rate is caught up with, a batch at a time. */
static void *flood(void *unused)
{
	struct mmsghdr m[BATCH];
	struct iovec part[BATCH];
	double start = now();
	unsigned int i, at = 0;
	int n;

	memset(m, 0, sizeof(m));
	while (!stop) {
		if (sent > (now() - start) * rate) {
			usleep(500);
			continue;
		}
		for (i = 0; i < BATCH; i++, at++) {
			part[i].iov_base = syn[at % FRAMES].data;
			part[i].iov_len = syn[at % FRAMES].len;
			m[i].msg_hdr.msg_iov = &part[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		n = sendmmsg(wire, m, BATCH, 0);
		sent += n > 0 ? n : 0;
	}
	return unused;
}

static void say_word(int from, int to)
{
	uint32_t word = random(), got = 0;

	assert_int_equal(send(from, &word, 4, 0), 4);
	assert_int_equal(recv(to, &got, 4, MSG_WAITALL), 4);
	assert_int_equal(got, word);
}

/* Milliseconds until the Nth member is connected; a second at most. */
static double member(unsigned int n, uint16_t port)
{
	struct end from = end(member_address[n % 4], 0), local;
	double start = now(), took;
	int fd, server;

	fd = tcp_connect("mem", from, end(door_address[n % 4], port), 1000);
	took = (now() - start) * 1000;
	if (fd < 0)
		return 1000;
	server = tcp_accept(target, &local, NULL, 1000);
	assert_true(server >= 0);
	assert_int_equal(local.port, port);
	say_word(fd, server);
	say_word(server, fd);
	close(server);
	close(fd);
	return took;
}

/* How many of N get in while the flood is on. */
static unsigned int members_in(unsigned int n, uint16_t port)
{
	double start = now(), took, slowest = 0;
	unsigned int i, in = 0;
	pthread_t thread;

	stop = false;
	sent = 0;
	assert_int_equal(pthread_create(&thread, NULL, flood, NULL), 0);
	usleep(300000);
	for (i = 0; i < n; i++) {
		took = member(i, port);
		in += took < 1000;
		slowest = took > slowest ? took : slowest;
		usleep(20000);
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("# %u of %u within a second, the slowest after %.0f ms;"
	       " %.0f SYNs a second\n",
	       in, n, slowest, sent / (now() - start));
	return in;
}

static long cookies_sent(void)
{
	return ns_number("srv", "nstat -saz TcpExtSyncookiesSent |"
				" awk \"END {print \\$2}\"");
}

static void open_target(void)
{
	if (target >= 0) /* of a test before */
		close(target);
	target = tcp_listen("srv", end("::", TARGET));
}

static void honest(uint16_t port)
{
	long before = cookies_sent();

	open_target();
	assert_int_equal(members_in(MEMBERS, port), MEMBERS);
	assert_true(cookies_sent() - before > 1000);
}

static void without_door(void **state)
{
	(void)state;
	honest(TARGET);
}

static void without_cookies(void **state)
{
	(void)state;
	open_target();
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=0");
	assert_in_range(members_in(3, TARGET), 0, 1);
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=1");
}

static void any_port(void **state)
{
	(void)state;
	honest(443);
}

int main(void)
{
	static const struct CMUnitTest bare[] = {
		cmocka_unit_test(without_cookies),
		cmocka_unit_test(without_door),
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_port),
	};
	int failed;

	one_offload = true;
	world_make();
	world_offload(false);
	if (getenv("LAB_PATIENCE")) /* a slow machine */
		rate /= atoi(getenv("LAB_PATIENCE"));
	forge();
	wire = wire_open("rtr", "eth0");
	failed = cmocka_run_group_tests_name("no door", bare, NULL, NULL);
	return failed + RUN_MATRIX(tests, "25");
}
