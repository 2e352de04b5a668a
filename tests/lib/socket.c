/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Sockets of the tests, in any namespace, with a limit on every wait. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "ns.h"

static void must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "socket: %s: %s\n", what, strerror(errno));
	abort();
}

socklen_t end_to_sockaddr(struct end e, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 *v6 = (void *)sa;
	struct sockaddr_in *v4 = (void *)sa;

	memset(sa, 0, sizeof(*sa));
	sa->ss_family = e.family;
	if (e.family == AF_INET) {
		memcpy(&v4->sin_addr, e.ip, 4);
		v4->sin_port = htons(e.port);
		return sizeof(*v4);
	}
	memcpy(&v6->sin6_addr, e.ip, 16);
	v6->sin6_port = htons(e.port);
	return sizeof(*v6);
}

struct end end_of_sockaddr(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *v6 = (const void *)sa;
	const struct sockaddr_in *v4 = (const void *)sa;
	struct end e = { .family = sa->ss_family };

	if (e.family == AF_INET) {
		memcpy(e.ip, &v4->sin_addr, 4);
		e.port = ntohs(v4->sin_port);
	} else if (e.family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			e.family = AF_INET;
			memcpy(e.ip, v6->sin6_addr.s6_addr + 12, 4);
		} else {
			memcpy(e.ip, &v6->sin6_addr, 16);
		}
		e.port = ntohs(v6->sin6_port);
	}
	return e;
}

bool end_equal(struct end a, struct end b)
{
	return a.family == b.family && a.port == b.port &&
	       !memcmp(a.ip, b.ip, a.family == AF_INET ? 4 : 16);
}

void set_timeout(int fd, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)),
	     "timeout");
	must(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)),
	     "timeout");
}

static void bind_to(int fd, struct end e)
{
	struct sockaddr_storage sa;
	socklen_t len = end_to_sockaddr(e, &sa);
	const int on = 1;

	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
	     "reuse");
	must(bind(fd, (void *)&sa, len), "bind");
}

int udp_at(const char *ns, struct end e)
{
	int fd = ns_socket(ns, e.family, SOCK_DGRAM, 0);
	const int on = 1;

	if (e.family == AF_INET6)
		must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)),
		     "v6only");
	bind_to(fd, e);
	set_timeout(fd, 1000);
	return fd;
}

void udp_send(int fd, struct end to, const void *data, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t n = end_to_sockaddr(to, &sa);

	/* An error that a former packet met is not this one's. */
	if (sendto(fd, data, len, 0, (void *)&sa, n) < 0)
		must(sendto(fd, data, len, 0, (void *)&sa, n), "sendto");
}

int udp_recv(int fd, struct end *from, void *data, size_t size, int ms)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	int n;

	set_timeout(fd, ms);
	n = recvfrom(fd, data, size, 0, (void *)&sa, &len);
	if (from)
		*from = end_of_sockaddr(&sa);
	return n;
}

int socket_error(int fd, int ms)
{
	struct pollfd p = { fd, 0, 0 };
	socklen_t len = sizeof(int);
	int error = 0;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), "SO_ERROR");
	return error;
}

int tcp_listen(const char *ns, struct end e)
{
	int fd = ns_socket(ns, e.family, SOCK_STREAM, 0);

	bind_to(fd, e);
	must(listen(fd, 64), "listen");
	return fd;
}

int tcp_connect(const char *ns, struct end from, struct end to, int ms)
{
	int fd = ns_socket(ns, to.family, SOCK_STREAM, 0), rc;
	struct sockaddr_storage sa;
	socklen_t len;

	bind_to(fd, from);
	set_timeout(fd, ms);
	len = end_to_sockaddr(to, &sa);
	if (!connect(fd, (void *)&sa, len))
		return fd;
	rc = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	close(fd);
	return rc;
}

int tcp_accept(int fd, struct end *local, struct end *peer, int ms)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int conn;

	set_timeout(fd, ms);
	conn = accept4(fd, (void *)&sa, &len, SOCK_CLOEXEC);
	if (conn < 0)
		return -1;
	set_timeout(conn, 2000);
	if (peer)
		*peer = end_of_sockaddr(&sa);
	if (local)
		*local = socket_name(conn);
	return conn;
}

struct end socket_name(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	must(getsockname(fd, (void *)&sa, &len), "getsockname");
	return end_of_sockaddr(&sa);
}

int wire_open(const char *ns, const char *interface)
{
	struct sockaddr_ll sa = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	int fd = ns_socket(ns, AF_PACKET, SOCK_RAW, 0);
	struct ifreq req = { 0 };
	const int on = 1;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", interface);
	must(ioctl(fd, SIOCGIFINDEX, &req), interface);
	sa.sll_ifindex = req.ifr_ifindex;
	must(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
			sizeof(on)),
	     "incoming only");
	must(bind(fd, (void *)&sa, sizeof(sa)), "bind to interface");
	return fd;
}

void wire_send(int fd, const struct frame *f)
{
	must(send(fd, f->data, f->len, 0), "send a frame");
}

static int ms_until(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (t->tv_sec - now.tv_sec) * 1000 +
	       (t->tv_nsec - now.tv_nsec) / 1000000;
}

bool wire_wait(int fd, bool (*wanted)(const struct view *v, const void *with),
	       const void *with, struct frame *f, struct view *v, int ms)
{
	struct timespec until;
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n;
	int left;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	while ((left = ms_until(&until)) > 0 && poll(&p, 1, left) > 0) {
		n = recv(fd, f->data, sizeof(f->data), 0);
		if (n <= 0)
			continue;
		f->len = n;
		if (frame_view(f, v) && wanted(v, with))
			return true;
	}
	return false;
}

void wire_drain(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		;
}
