/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Requirement 27, on a host that masquerades and tracks connections: what
 * outsiders and clients of the host forge has no effect on others' flows.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "matrix.h"

#define NAT_PORT 40000 /* one that masquerading keeps */
#define PACE     4000  /* us; the default budget is 500 a second */

static struct door loaded;
static int net; /* the Internet's end of the server's wire */

static struct end mem(int v, uint16_t port)
{
	return end(v ? MEMBER_A6 : MEMBER_A4, port);
}

static struct end door_at(int v, uint16_t port)
{
	return end(v ? DOOR_A6 : DOOR_A4, port);
}

static struct end client(int v, uint16_t port)
{
	return end(v ? CLIENT6 : CLIENT4, port);
}

/* The Nth of many addresses that forged packets come from. */
static struct end forged(int v, unsigned int n)
{
	struct end e = v ? end("2001:db8:6600::1", 5000) : end("100.64.0.0", 0);

	e.ip[v ? 6 : 2] = n >> 8;
	e.ip[v ? 7 : 3] = n;
	e.port = 5000;
	return e;
}

static void forge(struct end from, struct end to, const struct golden *g)
{
	struct packet p = datagram(from, to, g);
	static struct frame f;

	frame_build(&f, &p);
	wire_send(net, &f);
	usleep(PACE);
}

/* An established member on port 443. */
struct on {
	int fd;
	struct end dialled, seen;
};

static struct on join(int v, uint16_t port)
{
	struct on m = { udp_at("mem", mem(v, port)), door_at(v, 443), { 0 } };

	exchange(m.fd, m.dialled, &golden_first[1], &golden_reply_reset);
	exchange(m.fd, m.dialled, &golden_control, &golden_reply_control);
	m.seen = exchange(m.fd, m.dialled, &golden_data, &golden_reply_data);
	return m;
}

/* Still on, and the same peer for OpenVPN; nothing else has come to it. */
static void still_on(const struct on *m)
{
	uint8_t byte;

	while (recv(m->fd, &byte, 1, MSG_DONTWAIT) >= 0 ||
	       errno == ECONNREFUSED)
		;
	assert_true(end_equal(exchange(m->fd, m->dialled, &golden_data,
				       &golden_reply_data),
			      m->seen));
}

/* OpenVPN takes what is under way. */
static unsigned int hear_all(bool answer)
{
	static struct heard h;
	unsigned int n;

	for (n = 0; server_hear(&h, 50); n++)
		if (answer)
			server_say(&h, golden_reply_reset.data,
				   golden_reply_reset.len);
	return n;
}

/* ---- clause by clause ---------------------------------------------------*/

/*
 * A masqueraded client sends from OpenVPN's port to a member, before the
 * member's handshake and in its midst; the host leaves it that port. Packets of
 * both stay whose they are, and the client speaks for nobody.
 */
static void client_captures_nothing(void **state)
{
	struct end seen, from;
	uint64_t established;
	uint8_t data[512];
	int v, fd, thief;

	(void)state;
	door_of(&loaded, "srv");
	for (v = 0; v < 2; v++) {
		thief = udp_at("cli", client(v, TARGET));
		udp_send(thief, mem(v, 6000), golden_data.data,
			 golden_data.len);
		fd = udp_at("mem", mem(v, 6000));
		seen = exchange(fd, door_at(v, 443), &golden_first[1],
				&golden_reply_reset);
		established = door_count(&loaded, AP_C_established);
		udp_send(thief, seen, golden_reply_data.data,
			 golden_reply_data.len);
		assert_true(udp_recv(fd, &from, data, sizeof(data), 500) > 0);
		assert_int_equal(from.port, TARGET);
		assert_int_equal(door_count(&loaded, AP_C_established),
				 established);
		exchange(fd, door_at(v, 443), &golden_control,
			 &golden_reply_control);
		exchange(fd, door_at(v, 443), &golden_data, &golden_reply_data);
		exchange(fd, door_at(v, TARGET), &golden_first[1],
			 &golden_reply_reset);
		assert_int_equal(udp_recv(thief, NULL, data, sizeof(data), 100),
				 -1);
		close(thief);
		close(fd);
	}
}

static long tracked(void)
{
	return ns_number("srv", "cat /proc/sys/net/netfilter/"
				"nf_conntrack_count");
}

/* ... which does track what is not the door's. */
static void conntrack_does_not_grow(void **state)
{
	static const uint16_t port[] = { 443, TARGET, 53, NAT_PORT };
	int v, fd, before;
	unsigned int n, heard;

	(void)state;
	ns_sh("srv", "conntrack -F 2>/dev/null");
	for (v = 0; v < 2; v++) {
		before = tracked();
		/*
		 * By tens: 6.1 charges the socket a page for each datagram of
		 * native XDP, and fifty fill it.
		 */
		for (n = heard = 0; n < 100; n++) {
			forge(forged(v, n), door_at(v, port[n % 4]),
			      &golden_first[n % N_GOLDEN_FIRST]);
			if (n % 10 == 9)
				heard += hear_all(true);
		}
		assert_true(heard > 50);
		assert_int_equal(tracked(), before);
		fd = udp_at("cli", client(v, 0));
		udp_send(fd, mem(v, 9), "", 1);
		usleep(20000);
		assert_int_equal(tracked(), before + 1);
		close(fd);
	}
}

/* OpenVPN answers a replayed first packet, as it knows no better. */
static void replays_promote_nothing(void **state)
{
	uint64_t verified, established;
	struct on m;
	unsigned int n;
	int v;

	(void)state;
	door_of(&loaded, "srv");
	verified = door_count(&loaded, AP_C_verified);
	established = door_count(&loaded, AP_C_established);
	for (v = 0; v < 2; v++) {
		m = join(v, 6100);
		for (n = 0; n < 30; n++)
			forge(n < 15 ? forged(v, n)
				     : with_port(forged(v, 0), 6000 + n),
			      door_at(v, 443), &golden_first[1]);
		assert_int_equal(hear_all(true), 30);
		verified++, established++; /* the member itself */
		assert_int_equal(door_count(&loaded, AP_C_verified), verified);
		assert_int_equal(door_count(&loaded, AP_C_established),
				 established);
		still_on(&m);
		close(m.fd);
	}
}

/*
 * The default budget is 500 a second and a prefix's share 25: 50 replays a
 * second, from 30 ports of one address. Every newcomer's packet gets through.
 */
static void replays_keep_nobody_out(void **state)
{
	static struct heard h;
	unsigned int n, in, newcomers;
	struct end from;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (n = in = newcomers = 0; n < 45; n++) {
			from = with_port(forged(v, 1000), 7000 + n % 30);
			forge(from, door_at(v, 443), &golden_first[1]);
			if (n % 3 == 0)
				forge(forged(v, 2000 + newcomers++),
				      door_at(v, 443), &golden_first[4]);
			usleep(20000);
			while (server_hear(&h, 0))
				in += h.peer.port == 5000;
		}
		while (server_hear(&h, 100))
			in += h.peer.port == 5000;
		assert_int_equal(in, newcomers);
	}
}

/* Every error about M's flow, as the network saw it, and some that is none. */
static void errors_about(const struct on *m, int proto, struct end from,
			 struct end to)
{
	static struct frame quoted, f;
	struct packet q = { .src = from,
			    .dst = to,
			    .proto = proto,
			    .len = 40,
			    .payload = golden_data.data };
	int v4 = from.family == AF_INET, type, code;
	struct packet p = {
		.src = end(v4 ? "203.0.113.66" : "2001:db8:66::66", 0),
		.dst = with_port(from, 0),
		.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.extra = 1280,
		.quote = &quoted,
	};

	frame_build(&quoted, &q);
	for (type = 1; type < (v4 ? 20 : 6); type++) {
		for (code = 0; code < 16; code++) {
			p.type = type;
			p.code = code;
			frame_build(&f, &p);
			wire_send(net, &f);
		}
		if (m)
			still_on(m);
	}
}

static void forged_icmp(void **state)
{
	struct on m[2];
	uint32_t word = 0;
	int v, tcp, fd, server;

	(void)state;
	tcp = tcp_listen("srv", end("::", TARGET));
	for (v = 0; v < 2; v++) {
		m[0] = join(v, 6200);
		m[1] = m[0];
		m[1].dialled = door_at(v, 53); /* the aliased one */
		m[1].seen = exchange(m[0].fd, m[1].dialled, &golden_data,
				     &golden_reply_data);
		errors_about(&m[0], IPPROTO_UDP, m[0].dialled, mem(v, 6200));
		errors_about(&m[1], IPPROTO_UDP, m[1].dialled, mem(v, 6200));
		errors_about(&m[0], IPPROTO_UDP, door_at(v, TARGET),
			     mem(v, 6200));
		still_on(&m[0]);
		still_on(&m[1]);
		close(m[0].fd);
		fd = tcp_connect("mem", mem(v, 6201), door_at(v, 443), 2000);
		assert_true(fd >= 0);
		server = tcp_accept(tcp, NULL, NULL, 1000);
		errors_about(NULL, IPPROTO_TCP, door_at(v, 443), mem(v, 6201));
		assert_int_equal(send(server, "word", 4, 0), 4);
		assert_int_equal(recv(fd, &word, 4, MSG_WAITALL), 4);
		close(server);
		close(fd);
	}
	close(tcp);
}

/* From the door to the door: no flow comes of it and none suffers. */
static void self_addressed(void **state)
{
	static const uint16_t port[] = { 443, TARGET, 6300 };
	static struct frame f;
	struct packet p;
	struct on m;
	int v, i, k, to;
	uint64_t flows;

	(void)state;
	door_of(&loaded, "srv");
	flows = door_count(&loaded, AP_C_udp_new);
	for (v = 0; v < 2; v++) {
		m = join(v, 6300);
		flows++;
		for (i = 0; i < 9; i++) {
			for (to = 0; to < 2; to++) {
				p = datagram(door_at(v, port[i / 3]),
					     end(door_address[2 * v + to],
						 port[i % 3]),
					     &golden_first[1]);
				for (k = 0; k < 3; k++) {
					p.proto = k == 2 ? IPPROTO_TCP : 0;
					p.flags = 2;
					frame_build(&f, &p);
					wire_send(net, &f);
					p.payload = golden_data.data;
					p.len = golden_data.len;
				}
			}
		}
		assert_int_equal(hear_all(false), 0);
		assert_int_equal(door_count(&loaded, AP_C_udp_new), flows);
		still_on(&m);
		close(m.fd);
	}
}

/*
 * CVE-2021-3773: an outsider is first to use the tuple that the host, or a
 * client behind it, is about to use. Answers still go to who asked.
 */
static void asked_and_answered(int asks, struct end peer, uint16_t port)
{
	int at = udp_at("mem", peer);
	uint8_t data[512];
	struct end from;

	udp_send(asks, peer, golden_data.data, golden_data.len);
	assert_int_equal(udp_recv(at, &from, data, sizeof(data), 1000),
			 golden_data.len);
	assert_int_equal(from.port, port);
	udp_send(at, from, golden_first[2].data, golden_first[2].len);
	assert_int_equal(udp_recv(asks, &from, data, sizeof(data), 1000),
			 golden_first[2].len);
	assert_true(end_equal(from, peer));
	close(at);
	close(asks);
}

static void port_shadowing(void **state)
{
	int v, i;

	(void)state;
	ns_sh("srv", "conntrack -F 2>/dev/null");
	for (v = 0; v < 2; v++) {
		for (i = 0; i < 4; i++)
			forge(mem(v, 53),
			      end(door_address[2 * v + i / 2],
				  NAT_PORT + i % 2),
			      &golden_first[1]);
		assert_int_equal(hear_all(true), 4);
		asked_and_answered(udp_at("cli", client(v, NAT_PORT)),
				   mem(v, 53), NAT_PORT);
		asked_and_answered(udp_at("srv", door_at(v, NAT_PORT + 1)),
				   mem(v, 53), NAT_PORT + 1);
	}
}

/* Every name that a member could have for OpenVPN is taken before it comes,
 * and asked for once it is on: it gets in, and keeps its own. */
static void member_is_shadowed(void **state)
{
	struct on m;
	int v, n;

	(void)state;
	door_of(&loaded, "srv");
	for (v = 0; v < 2; v++) {
		for (n = 0; n < 20; n++)
			forge(mem(v, 6400), door_at(v, 1000 + n),
			      &golden_first[1]);
		hear_all(true);
		m = join(v, 6400);
		for (n = 0; n < 60; n++)
			forge(mem(v, 6400), door_at(v, 1000 + n),
			      &golden_first[n % 5]);
		hear_all(true);
		still_on(&m);
		assert_int_equal(door_flow(&loaded, m.seen, TARGET, NULL),
				 ESTABLISHED);
		close(m.fd);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_captures_nothing),
		cmocka_unit_test(conntrack_does_not_grow),
		cmocka_unit_test(replays_promote_nothing),
		cmocka_unit_test(replays_keep_nobody_out),
		cmocka_unit_test(forged_icmp),
		cmocka_unit_test(self_addressed),
		cmocka_unit_test(port_shadowing),
		cmocka_unit_test(member_is_shadowed),
	};

	one_offload = true;
	world_make();
	world_masquerade();
	ns_sh("srv", "nft -f - <<E\n"
		     "insert rule inet t nat oifname eth0 udp sport 1194"
		     " masquerade to :1194\nE\n");
	ns_sh("rtr", "ip route add blackhole 100.64.0.0/10;"
		     "ip route add blackhole 2001:db8:6600::/40");
	net = wire_open("rtr", "eth0");
	return RUN_MATRIX(tests, "27");
}
