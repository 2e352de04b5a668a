/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the door leaves alone: everybody else's traffic. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expect.h"

static const char *const member_ip[] = { "192.0.2.9", "2001:db8:9::9" };
static const char *const address[] = { DOOR_A4, DOOR_A6 };
#define NAT_PORT 40000

/* Every one of the packets looks like OpenVPN: the other reasons must hold. */
static struct packet opening(const char *src, uint16_t sport, const char *dst,
			     uint16_t dport)
{
	return datagram(end(src, sport), end(dst, dport), &golden_first[1]);
}

static void policy(void **state)
{
	static const uint16_t port[] = { 0, 22, 67, 68, 546, 547 };
	struct packet p;
	size_t i;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (i = 0; i < sizeof(port) / sizeof(port[0]); i++) {
			p = opening(member_ip[v], 5000, address[v], port[i]);
			expect_left(&door, &p, AP_C_pass_policy);
		}
		p = opening(member_ip[v], 5000, address[v], 22);
		p.proto = IPPROTO_TCP;
		p.flags = 2;
		expect_left(&door, &p, AP_C_pass_policy);
	}
}

static void other_destinations(void **state)
{
	static const char *const to[] = {
		"198.51.100.3",    "198.51.100.255", "224.0.0.1",
		"255.255.255.255", "169.254.1.1",    "127.0.0.1",
	};
	static const char *const to6[] = {
		"2001:db8:1::3",     "2001:db8:1::", "ff02::1",
		"fe80::1",           "::1",          "::ffff:198.51.100.1",
		"2001:db8:1:0:1::1",
	};
	struct packet p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		p = opening(member_ip[0], 5000, to[i], 443);
		expect_left(&door, &p, NO_COUNTER);
		p.dst.port = TARGET;
		expect_left(&door, &p, NO_COUNTER);
		p.proto = IPPROTO_TCP;
		p.flags = 2;
		expect_left(&door, &p, NO_COUNTER);
	}
	for (i = 0; i < sizeof(to6) / sizeof(to6[0]); i++) {
		p = opening(member_ip[1], 5000, to6[i], 443);
		expect_left(&door, &p, NO_COUNTER);
		p.dst.port = TARGET;
		expect_left(&door, &p, NO_COUNTER);
	}
}

static void sources(void **state)
{
	static const char *const from[] = { DOOR_A4,          DOOR_B4,
					    "127.0.0.1",      "127.1.2.3",
					    "0.0.0.0",        "224.0.0.5",
					    "239.255.255.255" };
	static const char *const from6[] = { DOOR_A6, DOOR_B6,   "::1",
					     "::",    "ff02::1", "ff0e::5" };
	struct packet p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		p = opening(from[i], 5000, DOOR_A4, 443);
		expect_left(&door, &p, AP_C_pass_source);
		p.dst.port = TARGET;
		expect_drop(&door, &p, AP_C_drop_source);
	}
	for (i = 0; i < sizeof(from6) / sizeof(from6[0]); i++) {
		p = opening(from6[i], 5000, DOOR_A6, 443);
		expect_left(&door, &p, AP_C_pass_source);
		p.dst.port = TARGET;
		expect_drop(&door, &p, AP_C_drop_source);
	}
	assert_int_equal(door_table(&door, "half4", NULL), 0);
	assert_int_equal(door_table(&door, "half6", NULL), 0);
}

static void other_protocols(void **state)
{
	static const uint8_t proto[] = { 2, 4, 41, 47, 50, 51, 88, 112, 132 };
	static struct frame f;
	struct packet p;
	size_t i;
	int v, flags;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = opening(member_ip[v], 5000, address[v], 443);
		for (i = 0; i < sizeof(proto); i++) {
			p.proto = proto[i];
			expect_left(&door, &p, NO_COUNTER);
		}
		p.proto = IPPROTO_TCP;
		for (flags = 0; flags < 256; flags++) {
			p.flags = flags;
			if ((flags & 0x12) != 2) /* SYN without ACK */
				expect_left(&door, &p, NO_COUNTER);
		}
	}
	p = opening(member_ip[0], 5000, DOOR_A4, 443);
	frame_build(&f, &p);
	f.data[12] = 0x08; /* ARP; then a kind that nobody knows */
	f.data[13] = 0x06;
	expect_frame_left(&door, &f, NO_COUNTER);
	f.data[12] = 0x88;
	f.data[13] = 0xb5;
	expect_frame_left(&door, &f, NO_COUNTER);
}

static int bound(int family, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET,
				    .sin_port = htons(port) };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = family == AF_INET ? bind(fd, (void *)&any4, sizeof(any4))
				   : bind(fd, (void *)&any, sizeof(any));

	assert_int_equal(rc, 0);
	return fd;
}

/* A resolver, WireGuard: whoever has the port keeps it, unless claimed. */
static void local_services(void **state)
{
	struct packet p;
	int v, fd, other;

	(void)state;
	for (v = 0; v < 2; v++) {
		fd = bound(v ? AF_INET6 : AF_INET, 53);
		other = bound(v ? AF_INET6 : AF_INET, CLAIMED);
		p = opening(member_ip[v], 5000, address[v], 53);
		expect_left(&door, &p, AP_C_pass_local);
		say(&door, end(member_ip[v], 5000), end(address[v], 54),
		    &golden_first[0]);
		say(&door, end(member_ip[v], 6000), end(address[v], CLAIMED),
		    &golden_first[0]);
		close(fd);
		close(other);
		say(&door, end(member_ip[v], 7000), end(address[v], 53),
		    &golden_first[0]);
		assert_int_equal(door_count(&door, AP_C_pass_local), v + 1);
	}
}

/* OpenVPN's socket on its own port is no service beside the door. */
static void target_is_no_service(void **state)
{
	int v, fd;

	(void)state;
	for (v = 0; v < 2; v++) {
		fd = bound(v ? AF_INET6 : AF_INET, TARGET);
		say(&door, end(member_ip[v], 5000), end(address[v], TARGET),
		    &golden_first[0]);
		say(&door, end(member_ip[v], 5001), end(address[v], 443),
		    &golden_first[0]);
		close(fd);
	}
	assert_int_equal(door_count(&door, AP_C_udp_new), 4);
}

/* The host's own query to 192.0.2.53, from *PORT; 0: the kernel chooses. */
static int query(uint16_t *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(53) };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int fd;

	assert_int_equal(
		system("ip addr add " DOOR_A4 "/32 dev lo 2>/dev/null;"
		       "ip route replace 192.0.2.0/24 dev lo src " DOOR_A4),
		0);
	fd = bound(AF_INET, *port);
	memcpy(&to.sin_addr, end("192.0.2.53", 0).ip, 4);
	assert_int_equal(connect(fd, (void *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (void *)&from, &len), 0);
	*port = ntohs(from.sin_port);
	return fd;
}

static void own_query(void **state)
{
	struct packet p;
	uint16_t port = 0;
	int fd = query(&port);

	(void)state;
	p = opening("192.0.2.53", 53, DOOR_A4, port);
	expect_left(&door, &p, AP_C_pass_local);
	p.src.port = 54; /* nobody asked this one */
	say(&door, p.src, p.dst, &golden_first[1]);
	close(fd);
	say(&door, end("192.0.2.53", 53), p.dst, &golden_first[1]);
}

/* A budget that the first packet spends. */
static void one_is_enough(bool filter)
{
	door_reset(&door);
	door.config.filter = filter;
	door.config.budget[AP_RESET].cost = 1000000000000;
	door_configure(&door);
	say(&door, end(member_ip[0], 4000), end(DOOR_A4, 443),
	    &golden_first[1]);
}

/* Whom the limiter refuses has not looked for a socket: a service that starts
 * in the flood is seen in the next tick. */
static void service_in_a_flood(void **state)
{
	struct ap_config before = door.config;
	struct packet p;
	int v, fd;

	(void)state;
	one_is_enough(true);
	for (v = 0; v < 2; v++) {
		p = opening(member_ip[v], 5000, address[v], 444);
		expect_drop(&door, &p, AP_C_drop_reset);
		expect_drop(&door, &p, AP_C_drop_reset);
		fd = bound(v ? AF_INET6 : AF_INET, 444);
		usleep(1200000);
		expect_left(&door, &p, AP_C_pass_local);
		close(fd);
	}
	door.config = before;
	door_configure(&door);
}

/* What others find says nothing of whom the host has asked. */
static void query_in_a_flood(void **state)
{
	static const uint16_t from[] = { NAT_PORT, 61000, 445 };
	struct ap_config before = door.config;
	struct packet answer, other;
	uint16_t port;
	int i, fd;

	(void)state;
	for (i = 0; i < 3; i++) {
		one_is_enough(from[i] != 445);
		port = from[i];
		fd = query(&port);
		answer = opening("192.0.2.53", 53, DOOR_A4, port);
		other = opening(member_ip[0], 5000, DOOR_A4, port);
		expect_drop(&door, &other, AP_C_drop_reset);
		expect_left(&door, &answer, AP_C_pass_local);
		close(fd);
	}
	door.config = before;
	door_configure(&door);
}

/* A masqueraded client's datagram leaves; its answers pass. */
static void remembered(void **state)
{
	struct end client, peer;
	struct packet out, in;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		client = end(address[v], NAT_PORT);
		peer = end(member_ip[v], 443);
		out = datagram(client, peer, &golden_first[0]);
		expect_out(&door, &out, true, &out);
		assert_int_equal(door_count(&door, AP_C_out_remembered), v + 1);
		in = datagram(peer, client, &golden_first[1]);
		expect_left(&door, &in, AP_C_pass_remembered);
		in.src.port++; /* another peer's port: a member */
		say(&door, in.src, in.dst, &golden_first[1]);
		in.src.port--;
		in.dst.port++; /* another of our ports */
		say(&door, in.src, in.dst, &golden_first[1]);
		in.dst = end(v ? DOOR_B6 : DOOR_B4, NAT_PORT);
		say(&door, in.src, in.dst, &golden_first[1]);
	}
}

static void not_remembered(const struct packet *out, bool forwarded)
{
	struct packet in = datagram(out->dst, out->src, &golden_first[1]);

	expect_out(&door, out, forwarded, out);
	assert_int_equal(door_count(&door, AP_C_out_remembered), 0);
	say(&door, in.src, in.dst, &golden_first[1]);
}

static void only_forwarded_in_range(void **state)
{
	struct packet out;

	(void)state;
	out = opening(DOOR_A4, NAT_PORT, member_ip[0], 443);
	not_remembered(&out, false); /* the host's own: it has a socket */
	out = opening(DOOR_A4, 32767, member_ip[0], 443);
	not_remembered(&out, true);
	out = opening(DOOR_A4, 61000, member_ip[0], 443);
	not_remembered(&out, true);
	out = opening(DOOR_A4, 53, member_ip[0], 443);
	not_remembered(&out, true);
	/* A member's own public address: routed, not masqueraded. */
	out = opening("203.0.113.7", NAT_PORT, member_ip[0], 443);
	expect_out(&door, &out, true, &out);
	assert_int_equal(door_count(&door, AP_C_out_remembered), 0);
	out = opening(DOOR_A4, 32768, member_ip[0], 1);
	expect_out(&door, &out, true, &out);
	out = opening(DOOR_A4, 60999, member_ip[0], 1);
	expect_out(&door, &out, true, &out);
	assert_int_equal(door_count(&door, AP_C_out_remembered), 2);
	/* ... nor answered, when a reload has taken the range away */
	door.config.nat_first = 33000;
	door_configure(&door);
	say(&door, end(member_ip[0], 1), end(DOOR_A4, 32768), &golden_first[1]);
	out = opening(member_ip[0], 1, DOOR_A4, 60999);
	expect_left(&door, &out, AP_C_pass_remembered);
}

/* An outsider who comes first does not shadow the client (CVE-2021-3773). */
static void no_shadow(void **state)
{
	struct end client, peer, seen;
	struct packet out, in;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		client = end(address[v], NAT_PORT);
		peer = end(member_ip[v], 443);
		seen = say(&door, peer, client, &golden_first[1]);
		assert_int_equal(door_flow(&door, seen, TARGET, NULL), HALF);
		out = datagram(client, peer, &golden_data);
		expect_out(&door, &out, true, &out);
		in = datagram(peer, client, &golden_first[1]);
		expect_left(&door, &in, AP_C_pass_remembered);
		assert_int_equal(door_flow(&door, seen, TARGET, NULL), NOWHERE);
	}
}

/* Established members keep what they have, whatever a client does. */
static void established_wins(void **state)
{
	struct end member = end(member_ip[0], 443);
	struct end dial = end(DOOR_A4, NAT_PORT), seen;
	struct packet out = datagram(dial, member, &golden_data);

	(void)state;
	seen = establish(&door, member, dial);
	expect_out(&door, &out, true, &out);
	say(&door, member, dial, &golden_data);
	assert_int_equal(door_flow(&door, seen, TARGET, NULL), ESTABLISHED);
}

static void remembered_for_a_while(void **state)
{
	struct ap_nat4 key = { .port = htons(443),
			       .local = htons(NAT_PORT),
			       .door = ID_A4 };
	struct packet in = opening(member_ip[0], 443, DOOR_A4, NAT_PORT);

	(void)state;
	memcpy(&key.addr, in.src.ip, 4);
	door_put_nat(&door, &key, 178);
	expect_left(&door, &in, AP_C_pass_remembered);
	door_put_nat(&door, &key, 183);
	say(&door, in.src, in.dst, &golden_first[1]);
}

/* From OpenVPN's own port, but forwarded: a client may have any port. */
static void forwarded_is_not_restored(void **state)
{
	struct end member = end(member_ip[0], 5000), dial = end(DOOR_A4, 443);
	struct end seen = establish(&door, member, dial);
	struct packet p = datagram(end(DOOR_A4, TARGET), seen, &golden_data);

	(void)state;
	expect_out(&door, &p, true, &p);
	p.proto = IPPROTO_TCP;
	expect_out(&door, &p, true, &p);
	expect_out(&door, &p, false, &p);
	p = opening("203.0.113.7", TARGET, member_ip[0], 5000);
	expect_out(&door, &p, false, &p);
	expect_out(&door, &p, true, &p);
	assert_int_equal(door_count(&door, AP_C_out_restored), 3);
}

/* What OpenVPN's kernel module forwards to a member on IPv6 comes in by another
 * interface, and has the mark of OpenVPN's socket. */
static void marked_is_openvpns(void **state)
{
	struct end member = end(member_ip[1], 5000), dial = end(DOOR_A6, 443);
	struct end seen = establish(&door, member, dial);
	struct packet p = datagram(end(DOOR_A6, TARGET), seen, &golden_data);
	struct packet restored = datagram(dial, member, &golden_data);

	(void)state;
	door.config.mark = door.mark = 169;
	door_configure(&door);
	expect_out(&door, &p, true, &restored);
	door.mark = 170;
	expect_out(&door, &p, true, &p);
	door.config.mark = door.mark = 0; /* none: not that of all packets */
	door_configure(&door);
	expect_out(&door, &p, true, &p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy),
		cmocka_unit_test(other_destinations),
		cmocka_unit_test(sources),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(local_services),
		cmocka_unit_test(target_is_no_service),
		cmocka_unit_test(own_query),
		cmocka_unit_test(service_in_a_flood),
		cmocka_unit_test(query_in_a_flood),
		cmocka_unit_test(remembered),
		cmocka_unit_test(only_forwarded_in_range),
		cmocka_unit_test(no_shadow),
		cmocka_unit_test(established_wins),
		cmocka_unit_test(remembered_for_a_while),
		cmocka_unit_test(forwarded_is_not_restored),
		cmocka_unit_test(marked_is_openvpns),
	};

	/* also 27: nothing that is forged shadows the host's own traffic */
	return RUN_BOTH(tests, "16 27");
}
