/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Asks, answers and says what came of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "matrix.h"
#include "probe.h"

enum outcome ask(int from, struct end to, int at)
{
	const struct golden *g = &golden_first[1];
	enum outcome outcome = NOTHING;
	struct end seen, by;
	uint8_t data[512];
	int error;

	udp_send(from, to, g->data, g->len);
	error = socket_error(from, at < 0 ? 500 : 0);
	if (error == ECONNREFUSED)
		return REFUSED;
	if (at < 0 ||
	    udp_recv(at, &seen, data, sizeof(data), 500) != (int)g->len)
		return outcome;
	udp_send(at, seen, golden_first[2].data, golden_first[2].len);
	if (udp_recv(from, &by, data, sizeof(data), 500) < 0)
		return ARRIVED;
	return end_equal(by, to) ? ANSWERED : MISTAKEN;
}

enum outcome ask_and_close(int from, struct end to, int at)
{
	enum outcome outcome = ask(from, to, at);

	close(from);
	if (at >= 0)
		close(at);
	return outcome;
}

int connected_udp(const char *ns, struct end from, struct end to)
{
	int fd = udp_at(ns, from);
	struct sockaddr_storage sa;

	assert_int_equal(connect(fd, (void *)&sa, end_to_sockaddr(to, &sa)), 0);
	return fd;
}

enum outcome ask_tcp(const char *ns, struct end from, struct end to, int at)
{
	int fd = tcp_connect(ns, from, to, 1000), server;
	enum outcome outcome = ARRIVED;
	struct end local;

	if (fd < 0) {
		close(at);
		return fd == -ECONNREFUSED ? REFUSED : NOTHING;
	}
	server = at < 0 ? -1 : tcp_accept(at, &local, NULL, 500);
	if (server >= 0 && local.port == to.port)
		outcome = ANSWERED;
	close(server);
	close(fd);
	close(at);
	return outcome;
}

/* ---- to many ------------------------------------------------------------*/

static bool is_group(struct end e)
{
	return e.family == AF_INET ? e.ip[0] >> 4 == 14 : e.ip[0] == 0xff;
}

static void join(int fd, const struct sockaddr_storage *group,
		 const char *device)
{
	struct ifreq wanted = { 0 };
	struct group_req membership;

	strcpy(wanted.ifr_name, device);
	assert_int_equal(ioctl(fd, SIOCGIFINDEX, &wanted), 0);
	membership.gr_interface = wanted.ifr_ifindex;
	membership.gr_group = *group;
	assert_int_equal(setsockopt(fd,
				    group->ss_family == AF_INET ? IPPROTO_IP
								: IPPROTO_IPV6,
				    MCAST_JOIN_GROUP, &membership,
				    sizeof(membership)),
			 0);
}

int udp_on_link(const char *ns, struct end e)
{
	int fd = ns_socket(ns, e.family, SOCK_DGRAM, 0);
	static const char device[] = "eth0";
	struct sockaddr_storage sa;
	socklen_t len = end_to_sockaddr(e, &sa);
	const int on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				    sizeof(device)),
			 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
	if (is_group(e))
		join(fd, &sa, device);
	assert_int_equal(bind(fd, (void *)&sa, len), 0);
	return fd;
}

enum outcome ask_many(int from, struct end to, int at)
{
	static const char word[] = "none of OpenVPN's";
	enum outcome outcome = NOTHING;
	struct end seen, by;
	uint8_t data[512];

	udp_send(from, to, word, sizeof(word));
	if (udp_recv(at, &seen, data, sizeof(data), 500) == sizeof(word)) {
		udp_send(at, seen, word, sizeof(word));
		outcome = udp_recv(from, &by, data, sizeof(data), 500) < 0
				  ? ARRIVED
			  : by.port == to.port ? ANSWERED
					       : MISTAKEN;
	}
	close(from);
	close(at);
	return outcome;
}

/* ---- neither TCP nor UDP ------------------------------------------------*/

static int raw_at(const char *ns, struct end e, int proto)
{
	int fd = ns_socket(ns, e.family, SOCK_RAW, proto);
	struct sockaddr_storage sa;

	assert_int_equal(bind(fd, (void *)&sa, end_to_sockaddr(e, &sa)), 0);
	return fd;
}

/* From one to the other, every byte; an IPv4 socket shows the header, too. */
static enum outcome raw_passes(int from, int to, struct end source,
			       struct end sink, const void *data, int len)
{
	const int header = sink.family == AF_INET ? 20 : 0;
	uint8_t got[512];
	struct end by;
	int n;

	udp_send(from, sink, data, len);
	n = udp_recv(to, &by, got, sizeof(got), 500);
	if (n < 0)
		return NOTHING;
	by.port = 0;
	return n == header + len && !memcmp(got + header, data, len) &&
			       end_equal(by, source)
		       ? ARRIVED
		       : MISTAKEN;
}

enum outcome ask_raw(int proto, struct end member, struct end server)
{
	int from = raw_at("mem", member, proto);
	int at = raw_at("srv", server, proto);
	const struct golden *g = &golden_first[1];
	enum outcome outcome;
	uint16_t data[256] = { htons(5000), htons(443), htons(8 + g->len), 1 };

	memcpy(data + 4, g->data, g->len);
	outcome = raw_passes(from, at, member, server, data, 8 + g->len);
	data[0] = htons(TARGET);
	data[1] = htons(5000);
	if (outcome == ARRIVED &&
	    raw_passes(at, from, server, member, data, 8 + g->len) == ARRIVED)
		outcome = ANSWERED;
	close(from);
	close(at);
	return outcome;
}
