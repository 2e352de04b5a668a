/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* UDP through a loaded door, between real stacks. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"

static const uint16_t ports[] = { 1,    53,   123,   443,   500,
				  1194, 4500, 33434, 51820, 65535 };
#define N(a) (sizeof(a) / sizeof((a)[0]))

static int member_socket(int i, uint16_t port)
{
	return udp_at("mem", end(member_address[i], port));
}

static bool is_udp(const struct view *v, const void *with)
{
	(void)with;
	return v->proto == IPPROTO_UDP;
}

/* What the member's card receives, not only what its socket says. */
static void sample_ports(void **state)
{
	int wire = wire_open("mem", "eth0"), fd, i;
	static struct frame f;
	struct end dialled, me;
	struct view v;
	size_t p;

	(void)state;
	for (i = 0; i < 4; i++) {
		fd = member_socket(i, 0);
		me = socket_name(fd);
		for (p = 0; p < N(ports); p++) {
			dialled = end(door_address[i], ports[p]);
			wire_drain(wire);
			exchange(fd, dialled, &golden_first[1],
				 &golden_reply_reset);
			assert_true(wire_wait(wire, is_udp, NULL, &f, &v, 100));
			assert_true(end_equal(v.src, dialled));
			assert_true(end_equal(v.dst, me));
			assert_true(offload || frame_sums_good(&f));
			close(fd);
			fd = member_socket(i, 0);
			me = socket_name(fd);
		}
		close(fd);
	}
	close(wire);
}

/* Requirements 5 and 6: one source port, everything dialled at once. */
static void one_source_port(void **state)
{
	static const uint16_t dial[] = { 443, 1194, 53 };
	struct end seen[6], again;
	int v, fd, n, i;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		fd = member_socket(v, 1194);
		for (n = 0; n < 6; n++) {
			seen[n] = exchange(
				fd, end(door_address[v + n / 3], dial[n % 3]),
				&golden_first[0], &golden_reply_reset);
			for (i = n / 3 * 3; i < n; i++)
				assert_false(end_equal(seen[n], seen[i]));
		}
		for (n = 0; n < 6; n++) {
			again = exchange(
				fd, end(door_address[v + n / 3], dial[n % 3]),
				&golden_data, &golden_reply_data);
			assert_true(end_equal(again, seen[n]));
		}
		close(fd);
	}
}

/* Requirement 11: refused for the port dialled, not for another. */
static void refused(void **state)
{
	struct sockaddr_storage sa;
	struct end dialled;
	int fd, i;

	(void)state;
	server_close();
	for (i = 0; i < 4; i++) {
		fd = member_socket(i, 0);
		dialled = end(door_address[i], 443);
		assert_int_equal(connect(fd, (void *)&sa,
					 end_to_sockaddr(dialled, &sa)),
				 0);
		assert_true(send(fd, golden_first[0].data, golden_first[0].len,
				 0) > 0);
		assert_int_equal(socket_error(fd, 1000), ECONNREFUSED);
		close(fd);
	}
	server_open();
}

static void set_pmtu(int fd, int family, int how)
{
	if (family == AF_INET)
		assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER,
					    &how, sizeof(how)),
				 0);
	else
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
					    &how, sizeof(how)),
				 0);
}

/*
 * Requirement 10: the error quotes the port dialled, and must find the socket
 * of the target. Only then does the server learn of the narrow hop.
 */
static void server_learns_mtu(void **state)
{
	static uint8_t big[1400] = { 0x48, 0, 0, 1 };
	static struct heard h;
	struct end dialled;
	uint8_t got[2048];
	int fd, i;

	(void)state;
	ns_sh("rtr", "ip link set eth1 mtu 1300");
	ns_sh("srv", "ip route flush cache; ip -6 route flush cache");
	for (i = 0; i < 4; i += 2) {
		fd = member_socket(i, 0);
		dialled = end(door_address[i], 443);
		udp_send(fd, dialled, golden_first[0].data,
			 golden_first[0].len);
		assert_true(server_hear(&h, 1000));
		set_pmtu(h.fd, dialled.family, IP_PMTUDISC_WANT);
		server_say(&h, big, sizeof(big)); /* lost at the hop */
		assert_int_equal(udp_recv(fd, NULL, got, sizeof(got), 200), -1);
		server_say(&h, big, sizeof(big)); /* now in fragments */
		assert_int_equal(udp_recv(fd, NULL, got, sizeof(got), 1000),
				 sizeof(big));
		close(fd);
	}
	ns_sh("rtr", "ip link set eth1 mtu 1500");
	ns_sh("srv", "ip route flush cache; ip -6 route flush cache");
}

/* Large datagrams, in the fragments that the stacks make. */
static void big_datagrams(void **state)
{
	static const int size[] = { 1473, 1500, 2960, 4000, 9000, 30000 };
	static uint8_t data[30000] = { 0x48, 0, 0, 1 }, got[65536];
	static struct heard h;
	struct end from, dialled;
	size_t s;
	int i, fd;

	(void)state;
	for (i = 4; i < (int)sizeof(data); i++)
		data[i] = i * 7;
	for (i = 0; i < 4; i += 2) {
		fd = member_socket(i, 0);
		dialled = end(door_address[i], 443);
		set_pmtu(fd, dialled.family, IP_PMTUDISC_DONT);
		for (s = 0; s < N(size); s++) {
			udp_send(fd, dialled, data, size[s]);
			assert_true(server_hear(&h, 1000));
			assert_int_equal(h.len, size[s]);
			assert_memory_equal(h.data, data, h.len);
			set_pmtu(h.fd, dialled.family, IP_PMTUDISC_DONT);
			server_say(&h, data, h.len);
			assert_int_equal(udp_recv(fd, &from, got, sizeof(got),
						  1000),
					 size[s]);
			assert_memory_equal(got, data, size[s]);
			assert_true(end_equal(from, dialled));
		}
		close(fd);
	}
}

static void no_bad_sums(void **state)
{
	(void)state;
	assert_int_equal(bad_sums("srv"), 0);
	assert_int_equal(bad_sums("mem"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_ports),
		cmocka_unit_test(one_source_port),
		cmocka_unit_test(refused),
		cmocka_unit_test(server_learns_mtu),
		cmocka_unit_test(big_datagrams),
		cmocka_unit_test(no_bad_sums),
	};

	world_make();
	return RUN_MATRIX(tests, "2 3 5 6 10 11");
}
