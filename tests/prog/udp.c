/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Every port reaches its target and is answered from; nothing else changes. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expect.h"

static bool passes(enum ap_proto proto, uint16_t port)
{
	return port == PASSED_PORT ||
	       (proto == AP_UDP &&
		(port == 67 || port == 68 || port == 546 || port == 547));
}

/* A member of its own for each port, so that no alias takes part. */
static struct end member_of(int family, unsigned int port)
{
	struct end e = family == AF_INET ? end("192.0.2.0", 0)
					 : end("2001:db8:9::", 0);

	e.ip[family == AF_INET ? 3 : 15] = 1 + (port & 127);
	e.port = 20000 + (port >> 7);
	return e;
}

static void one_port(struct end dialled)
{
	struct end member = member_of(dialled.family, dialled.port), seen;
	struct packet p = datagram(member, dialled, &golden_first[1]);

	if (passes(AP_UDP, dialled.port)) {
		expect_left(&door, &p, AP_C_pass_policy);
		return;
	}
	seen = say(&door, member, dialled, &golden_first[1]);
	assert_int_equal(seen.port, member.port);
	answer(&door, seen, dialled, &golden_reply_reset, member);
}

/*
 * Without a gap in XDP's place; the decision behind tc's is the same. An
 * emulated machine, on which that takes minutes, asks for another step.
 */
static unsigned int step(void)
{
	const char *asked = getenv("PORT_STEP");
	int n = asked ? atoi(asked) : 0;

	if (n > 0)
		return n;
	return door.mode == DOOR_XDP ? 1 : 7;
}

static void every_udp_port(const char *ip)
{
	struct end dialled = end(ip, 0);
	unsigned int port, passed = 0, n = 0;

	for (port = 1; port <= 65535; port += step(), n++) {
		one_port(with_port(dialled, port));
		passed += passes(AP_UDP, port);
	}
	assert_int_equal(n, (65535 + step() - 1) / step());
	assert_int_equal(door_count(&door, AP_C_out_restored), n - passed);
	assert_int_equal(door_count(&door, AP_C_pass_policy), passed);
	assert_int_equal(door_count(&door, AP_C_udp_new), n - passed);
}

static void every_udp4_port(void **state)
{
	(void)state;
	every_udp_port(DOOR_A4);
}

static void every_udp6_port(void **state)
{
	(void)state;
	every_udp_port(DOOR_B6);
}

/* A listener on every target, as OpenVPN has; returns its descriptor. */
static int listener(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static bool has_listener(uint8_t id, uint16_t port)
{
	return door_word(&door, "listeners", AP_LISTENER_WORD(id, port)) >>
		       (port & 63) &
	       1;
}

static void syn(struct end dialled, enum ap_counter counter)
{
	struct packet p = { .src = member_of(dialled.family, 5),
			    .dst = dialled,
			    .proto = IPPROTO_TCP,
			    .flags = 2 };
	uint64_t before = door_count(&door, counter);

	expect_in(&door, &p, &p);
	assert_int_equal(door_count(&door, counter), before + 1);
}

static void every_tcp_port(const char *ip, uint8_t id)
{
	int fd = listener(TARGET), second = listener(MAPPED),
	    own = listener(80);
	struct end dialled = end(ip, 0);
	enum ap_counter counter;
	unsigned int port;

	for (port = 1; port <= 65535; port += step()) {
		if (port == TARGET || port == MAPPED)
			continue;
		counter = passes(AP_TCP, port) ? AP_C_pass_policy
			  : port == 80         ? AP_C_tcp_local
					       : AP_C_tcp_syn;
		syn(with_port(dialled, port), counter);
		assert_int_equal(has_listener(id, port), port == 80);
	}
	assert_int_equal(door_count(&door, AP_C_tcp_no_target), 0);
	close(own);
	syn(with_port(dialled, 80), AP_C_tcp_syn);
	assert_false(has_listener(id, 80));
	close(fd);
	close(second);
	syn(with_port(dialled, 81), AP_C_tcp_no_target);
}

static void every_tcp4_port(void **state)
{
	(void)state;
	every_tcp_port(DOOR_A4, ID_A4);
}

static void every_tcp6_port(void **state)
{
	(void)state;
	every_tcp_port(DOOR_B6, ID_B6);
}

static void claimed_tcp_port(void **state)
{
	int fd = listener(TARGET), own = listener(CLAIMED);

	(void)state;
	syn(end(DOOR_A4, CLAIMED), AP_C_tcp_syn);
	syn(end(DOOR_A6, CLAIMED), AP_C_tcp_syn);
	close(own);
	close(fd);
}

/* Whatever is in the other fields stays there. */
static void only_ports_change(void **state)
{
	static const uint8_t options[] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	struct end member = end("192.0.2.9", 5000), door4 = end(DOOR_A4, 443);
	struct packet in = datagram(member, door4, &golden_first[2]), want;
	int tos;

	(void)state;
	in.options = options;
	in.n_options = sizeof(options);
	for (tos = 0; tos < 256; tos++) {
		in.tos = tos;
		in.ttl = 1 + tos % 255;
		in.id = tos * 257;
		want = in;
		want.dst.port = TARGET;
		expect_in(&door, &in, &want);
		want.src = with_port(door4, TARGET);
		want.dst = member;
		in.src = want.src;
		in.dst = want.dst;
		want.src.port = 443;
		expect_out(&door, &in, false, &want);
		in.src = member;
		in.dst = door4;
	}
}

/* All of a session's packets, of all kinds, take the same way. */
static void a_session(void **state)
{
	static const char *const ip[] = { DOOR_A4, DOOR_B4, DOOR_A6, DOOR_B6 };
	struct end member, dialled, seen;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		dialled = end(ip[i], 53);
		member = member_of(dialled.family, i * 300);
		seen = establish(&door, member, dialled);
		assert_int_equal(seen.port, member.port);
		seen = say(&door, member, dialled, &golden_data);
		assert_int_equal(seen.port, member.port);
		answer(&door, seen, dialled, &golden_reply_data, member);
	}
	assert_int_equal(door_count(&door, AP_C_verified), 4);
	assert_int_equal(door_count(&door, AP_C_established), 4);
	assert_int_equal(door_count(&door, AP_C_udp_established), 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session),
		cmocka_unit_test(only_ports_change),
		cmocka_unit_test(every_udp4_port),
		cmocka_unit_test(every_udp6_port),
		cmocka_unit_test(every_tcp4_port),
		cmocka_unit_test(every_tcp6_port),
		cmocka_unit_test(claimed_tcp_port),
	};

	return RUN_BOTH(tests, "1 2 4");
}
