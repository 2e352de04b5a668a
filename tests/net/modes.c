/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Requirement 21: the same transfers with and without segmentation offloads, on
 * ordinary and on jumbo frames, without the door and through it attached in
 * every way. Every byte arrives, and every datagram is one datagram.
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define STREAM    (2 << 20)
#define BATCH_MAX 60000 /* bytes in one call */
#define COUNT_MAX 60    /* datagrams in it; the kernel takes 64 */

/* One way to run the transfers; ATTACH NULL: without the door. */
struct cell {
	const char *attach;
	int mtu;
	bool offload;
};

static const struct cell *cell;
static int tap; /* what the server's card takes and sends */
static unsigned int large[2];

/* Counts frames larger than any on the wire, which the stack cuts or joins. */
static void count_large(void)
{
	struct sockaddr_ll sa;
	socklen_t len = sizeof(sa);
	uint8_t byte;
	ssize_t n;

	while ((n = recvfrom(tap, &byte, 1, MSG_DONTWAIT | MSG_TRUNC,
			     (void *)&sa, &len)) >= 0) {
		if (n > cell->mtu + 14)
			large[sa.sll_pkttype == PACKET_OUTGOING]++;
		len = sizeof(sa);
	}
}

/* ---- TCP ----------------------------------------------------------------*/

static void stream(int from, int to)
{
	static uint8_t data[STREAM], got[STREAM];
	struct pollfd p[2] = { { from, POLLOUT, 0 }, { to, POLLIN, 0 } };
	size_t sent = 0, have = 0, i;
	ssize_t n;

	for (i = 0; !data[STREAM - 1] && i < STREAM; i++)
		data[i] = 1 + random() % 255;
	memset(got, 0, sizeof(got));
	while (have < STREAM) {
		p[0].events = sent < STREAM ? POLLOUT : 0;
		assert_true(poll(p, 2, 3000) > 0);
		if (p[0].revents & POLLOUT) {
			n = send(from, data + sent, STREAM - sent,
				 MSG_DONTWAIT);
			sent += n > 0 ? n : 0;
		}
		if (p[1].revents & POLLIN) {
			n = recv(to, got + have, STREAM - have, MSG_DONTWAIT);
			assert_true(n != 0);
			have += n > 0 ? n : 0;
		}
		count_large();
	}
	assert_memory_equal(data, got, STREAM);
}

static void streams(struct end member, struct end dialled)
{
	int target = tcp_listen("srv", end("::", TARGET)), fd, server;
	struct end local;

	fd = tcp_connect("mem", with_port(member, 0), dialled, 3000);
	assert_true(fd >= 0);
	server = tcp_accept(target, &local, NULL, 2000);
	assert_true(server >= 0);
	assert_true(end_equal(local, dialled));
	stream(fd, server);
	stream(server, fd);
	close(server);
	close(fd);
	close(target);
}

/* ---- UDP ----------------------------------------------------------------*/

/* The Nth datagram of a batch; it starts with its number. */
static void fill(uint8_t *data, size_t len, uint32_t n)
{
	size_t i;

	for (i = 4; i < len; i++)
		data[i] = i * 31 + n * 7;
	memcpy(data, &n, 4);
}

/* COUNT datagrams of SIZE bytes, the last one half as long, in one call. */
static void send_batch(int fd, struct end to, size_t size, unsigned int count)
{
	static uint8_t data[BATCH_MAX];
	char control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct sockaddr_storage sa;
	struct iovec part = { data, size * count - size / 2 };
	struct msghdr m = {
		.msg_name = &sa,
		.msg_namelen = end_to_sockaddr(to, &sa),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	uint16_t segment = size;
	unsigned int i;

	for (i = 0; i < count; i++)
		fill(data + i * size, size / (i + 1 < count ? 1 : 2), i);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	assert_int_equal(sendmsg(fd, &m, 0), part.iov_len);
}

static void send_singly(int fd, struct end to, size_t size, unsigned int count)
{
	static uint8_t data[BATCH_MAX];
	unsigned int i;

	for (i = 0; i < count; i++) {
		fill(data, size, i);
		udp_send(fd, to, data, size / (i + 1 < count ? 1 : 2));
	}
}

/* What one call receives, cut into the datagrams that were joined: each as it
 * was sent. Returns how many. */
static unsigned int receive(int fd, struct end from, size_t size,
			    unsigned int count, bool *seen)
{
	static uint8_t data[65536], want[BATCH_MAX];
	char control[64];
	struct sockaddr_storage sa = { 0 };
	struct iovec part = { data, sizeof(data) };
	struct msghdr m = { .msg_name = &sa,
			    .msg_namelen = sizeof(sa),
			    .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int n = recvmsg(fd, &m, 0), each = n, at;
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	unsigned int number, got = 0;
	size_t len;

	assert_true(n >= 4);
	assert_true(end_equal(end_of_sockaddr(&sa), from));
	if (c && c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&each, CMSG_DATA(c), sizeof(each));
	for (at = 0; at < n; at += each, got++) {
		len = n - at < each ? n - at : each;
		memcpy(&number, data + at, 4);
		assert_true(number < count && !seen[number]);
		seen[number] = true;
		assert_int_equal(len, number + 1 < count ? size : size / 2);
		fill(want, len, number);
		assert_memory_equal(data + at, want, len);
	}
	return got;
}

static void batch(int from, struct end to, int at, struct end sender,
		  size_t size)
{
	unsigned int count = BATCH_MAX / size, got = 0;
	bool seen[COUNT_MAX] = { false };

	if (count > COUNT_MAX)
		count = COUNT_MAX;

	if (cell->offload && size < (size_t)cell->mtu - 48)
		send_batch(from, to, size, count);
	else
		send_singly(from, to, size, count);
	set_timeout(at, 2000);
	while (got < count)
		got += receive(at, sender, size, count, seen);
	count_large();
}

/* A batch waits in the socket as a whole: Linux 6.1 with XDP on a veth charges
 * a page for each datagram, however short. */
static void set_options(int fd, int family, bool join)
{
	const int on = join, dont = IP_PMTUDISC_DONT, room = 4 << 20;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
				    sizeof(room)), 0);
	setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont,
			   sizeof(dont));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont,
			   sizeof(dont));
}

static void datagrams(struct end member, struct end dialled, bool join)
{
	static const size_t sizes[] = { 200, 1200, 1400, 7000, 8900, 20000 };
	int fd = udp_at("mem", with_port(member, 0));
	static struct heard h;
	struct end seen;
	size_t i;

	exchange(fd, dialled, &golden_first[0], &golden_reply_reset);
	exchange(fd, dialled, &golden_control, &golden_reply_control);
	seen = exchange(fd, dialled, &golden_data, &golden_reply_data);
	udp_send(fd, dialled, golden_data.data, golden_data.len);
	assert_true(server_hear(&h, 1000));
	set_options(fd, member.family, join);
	set_options(h.fd, member.family, join);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		batch(fd, dialled, h.fd, seen, sizes[i]);
		batch(h.fd, seen, fd, dialled, sizes[i]);
	}
	close(fd);
}

/* ---- the matrix ---------------------------------------------------------*/

static void set_links(const struct cell *c)
{
	static const char *const end[][2] = { { "srv", "eth0" },
					      { "rtr", "eth0" },
					      { "rtr", "eth1" },
					      { "mem", "eth0" } };
	const char *how = c->offload ? "on" : "off";
	size_t i;

	for (i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		ns_sh(end[i][0],
		      "ip link set %s mtu %d;"
		      "ethtool -K %s tx %s tso %s gso %s gro %s >/dev/null",
		      end[i][1], c->mtu, end[i][1], how, how, how, how);
}

static void transfers(void **state)
{
	uint16_t port;
	int v, join;

	cell = *state;
	port = cell->attach ? 443 : TARGET;
	set_links(cell);
	if (cell->attach)
		world_door(cell->attach, NULL, NULL);
	large[0] = large[1] = 0;
	server_open();
	for (v = 0; v < 2; v++) {
		struct end member = end(v ? MEMBER_A6 : MEMBER_A4, 0);
		struct end dialled = end(v ? DOOR_A6 : DOOR_A4, port);

		streams(member, dialled);
		for (join = 0; join < 2; join++)
			datagrams(member, dialled, join);
	}
	printf("# large frames: %u in, %u out\n", large[0], large[1]);
	/* or nothing has been offloaded; native XDP takes frames as they are */
	assert_true(!cell->offload || large[1]);
	assert_true(!cell->offload || large[0]);
	assert_true(cell->offload || !(large[0] + large[1]));
	assert_int_equal(bad_sums("srv") + bad_sums("mem"), 0);
}

static int leave(void **state)
{
	(void)state;
	server_close();
	if (cell->attach)
		world_unload();
	return 0;
}

int main(void)
{
	static const char *const attach[] = { NULL, "native", "generic", "tc" };
	static struct cell cells[16];
	static char name[16][80];
	struct CMUnitTest tests[16] = { 0 };
	const int no = 0;
	int i, failed;

	for (i = 0; i < 16; i++) {
		cells[i] = (struct cell){ attach[i % 4], i < 8 ? 1500 : 9000,
					  i & 4 };
		snprintf(name[i], sizeof(name[i]), "MTU %d, offloads %s: %s",
			 cells[i].mtu, cells[i].offload ? "on" : "off",
			 cells[i].attach ?: "no door");
		tests[i].name = name[i];
		tests[i].test_func = transfers;
		tests[i].teardown_func = leave;
		tests[i].initial_state = &cells[i];
	}
	world_make();
	tap = wire_open("srv", "eth0");
	assert_int_equal(setsockopt(tap, SOL_PACKET, PACKET_IGNORE_OUTGOING,
				    &no, sizeof(no)),
			 0);
	failed = cmocka_run_group_tests_name("modes", tests, NULL, NULL);
	if (!failed)
		print_req("21");
	return failed;
}
