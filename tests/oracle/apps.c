/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The server's sockets: one that answers as OpenVPN does with multihome, by
 * opcode alone; a local service; and what the server itself asks from.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "expect.h"
#include "oracle.h"

static struct app *app_add(struct world *w, enum role role, int fd, bool v6)
{
	struct epoll_event e = { .events = EPOLLIN };
	unsigned int i;

	for (i = 0; i < APPS_MAX && w->app[i].role; i++)
		;
	e.data.u32 = i;
	if (i == APPS_MAX || epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e)) {
		fprintf(stderr, "parity: too many sockets\n");
		abort();
	}
	w->app[i] = (struct app){ .role = role, .fd = fd, .v6 = v6 };
	return &w->app[i];
}

static void app_remove(struct app *a)
{
	close(a->fd);
	a->role = R_NONE;
}

/* Errors of the network are taken note of, as OpenVPN does. */
static void app_udp(struct world *w, enum role role, struct end at)
{
	bool v6 = at.family == AF_INET6;
	int fd = udp_at(w->ns, at), on = 1;

	(void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			 v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on));
	(void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			 v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
	app_add(w, role, fd, v6)->at = at;
}

static void app_listen(struct world *w, enum role role, uint16_t port, bool v6)
{
	int fd = ns_socket(w->ns, v6 ? AF_INET6 : AF_INET,
			   SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct end at = end(v6 ? "::" : "0.0.0.0", port);
	struct sockaddr_storage sa;
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (void *)&sa, end_to_sockaddr(at, &sa)) || listen(fd, 64)) {
		perror("parity: listen");
		abort();
	}
	app_add(w, role, fd, v6);
}

static void target_open(struct world *w)
{
	int v;

	for (v = 0; v < 2; v++) {
		app_udp(w, R_UDP, end(v ? "::" : "0.0.0.0", TARGET));
		app_listen(w, R_LISTEN, TARGET, v);
	}
}

void apps_open(struct world *w)
{
	int v;

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	target_open(w);
	for (v = 0; v < 2; v++) {
		app_udp(w, R_SERVICE, end(v ? "::" : "0.0.0.0", SERVICE));
		app_listen(w, R_SERVICE_TCP, SERVICE, v);
	}
}

static bool target_is_up(const struct world *w)
{
	unsigned int i;

	for (i = 0; i < APPS_MAX; i++)
		if (w->app[i].role == R_UDP)
			return true;
	return false;
}

static void target_close(struct world *w)
{
	unsigned int i;

	for (i = 0; i < APPS_MAX; i++)
		if (w->app[i].role == R_UDP || w->app[i].role == R_LISTEN)
			app_remove(&w->app[i]);
}

static void conn_abort(struct app *a)
{
	struct linger now = { 1, 0 };

	(void)setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	app_remove(a);
}

void apps_close_sequence(struct world *w)
{
	unsigned int i;

	for (i = 0; i < APPS_MAX; i++) {
		if (w->app[i].role == R_CONN)
			conn_abort(&w->app[i]);
		else if (w->app[i].role == R_HOST)
			app_remove(&w->app[i]);
	}
	if (!target_is_up(w))
		target_open(w);
}

/* ---- datagrams ----------------------------------------------------------*/

union control {
	struct cmsghdr align;
	char space[256];
};

static struct end pktinfo(struct msghdr *m, uint16_t port)
{
	struct end e = { .port = port };
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *i = (void *)CMSG_DATA(c);

			e.family = AF_INET;
			memcpy(e.ip, &i->ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *i = (void *)CMSG_DATA(c);

			e.family = AF_INET6;
			memcpy(e.ip, &i->ipi6_addr, 16);
		}
	}
	return e;
}

/* From the address that the peer dialled. */
static void send_from(struct app *a, struct end local, struct end to,
		      const void *data, size_t len)
{
	union control control = { 0 };
	struct sockaddr_storage sa;
	struct iovec iov = { (void *)data, len };
	struct msghdr m = { .msg_name = &sa,
			    .msg_namelen = end_to_sockaddr(to, &sa),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (a->v6) {
		struct in6_pktinfo i = { 0 };

		memcpy(&i.ipi6_addr, local.ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(i));
		memcpy(CMSG_DATA(c), &i, sizeof(i));
		m.msg_controllen = CMSG_SPACE(sizeof(i));
	} else {
		struct in_pktinfo i = { 0 };

		memcpy(&i.ipi_spec_dst, local.ip, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(i));
		memcpy(CMSG_DATA(c), &i, sizeof(i));
		m.msg_controllen = CMSG_SPACE(sizeof(i));
	}
	/* An error that an earlier datagram met is reported once. */
	if (sendmsg(a->fd, &m, 0) < 0)
		(void)!sendmsg(a->fd, &m, 0);
}

/* What OpenVPN would say to that; stateless, so both worlds do the same. */
static void target_answer(struct app *a, struct end local, struct end peer,
			  uint8_t *data, size_t len)
{
	switch (data[0] >> 3) {
	case 7:
	case 10:
		data[0] = 0x40;
		send_from(a, local, peer, data, len < 26 ? len : 26);
		break;
	case 4:
		data[0] = 0x28;
		send_from(a, local, peer, data, len < 22 ? len : 22);
		data[0] = 0x20;
		send_from(a, local, peer, data, len);
		break;
	case 9:
		data[0] = 0x48;
		send_from(a, local, peer, data, len);
		break;
	}
}

static int peer_flow(const struct world *w, uint8_t proto, struct end peer)
{
	unsigned int i;

	for (i = 0; i < w->now->n_flows; i++)
		if (w->now->flow[i].proto == proto && w->state[i].peer.family &&
		    end_equal(w->state[i].peer, peer))
			return i;
	return -1;
}

/* One peer for each flow, and always the same. */
static const char *meet(struct world *w, unsigned int flow, struct end peer,
			struct end local)
{
	struct state *s = &w->state[flow];
	int other = peer_flow(w, w->now->flow[flow].proto, peer);
	bool first = !s->peer.family, same = end_equal(s->peer, peer);

	s->peer = peer;
	s->local = local;
	if (other >= 0 && other != (int)flow)
		return " PEER-SHARED";
	return first || same ? "" : " PEER-CHANGED";
}

static void target_heard(struct world *w, struct app *a, struct end local,
			 struct end peer, uint8_t *data, size_t len)
{
	static const enum kind kind[32] = {
		[4] = K_CONTROL, [5] = K_ACK,     [7] = K_RESET,
		[9] = K_DATA,    [10] = K_RESET3,
	};
	unsigned int flow = w->now->step[w->step].flow;
	bool good = len && payload_is_openvpn(kind[data[0] >> 3], len);

	if (len > 3 && data[1] == 0x5e && data[2] < w->now->n_flows)
		flow = data[2];
	event(w, "app f%u%s len %zu #%08x%s", flow, good ? "" : " junk", len,
	      hash_of(data, len), good ? meet(w, flow, peer, local) : "");
	if (good)
		target_answer(a, local, peer, data, len);
}

static void udp_heard(struct world *w, struct app *a, struct end local,
		      struct end peer, uint8_t *data, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (a->role == R_UDP) {
		target_heard(w, a, local, peer, data, len);
		return;
	}
	inet_ntop(peer.family, peer.ip, text, sizeof(text));
	event(w, "%s from %s,%u len %zu #%08x",
	      a->role == R_HOST ? "host" : "service", text, peer.port, len,
	      hash_of(data, len));
	if (a->role == R_SERVICE)
		send_from(a, local, peer, data, len);
}

static void udp_error(struct world *w, struct app *a, struct msghdr *m,
		      struct end peer)
{
	struct sock_extended_err *e = NULL;
	struct cmsghdr *c;
	int flow;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP &&
		     c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		     c->cmsg_type == IPV6_RECVERR))
			e = (void *)CMSG_DATA(c);
	if (!e || e->ee_origin == SO_EE_ORIGIN_LOCAL)
		return;
	flow = peer_flow(w, IPPROTO_UDP, peer);
	event(w, "%s-error f%d type %u/%u info %u",
	      a->role == R_UDP ? "app" : "other", a->role == R_UDP ? flow : 0,
	      e->ee_type, e->ee_code, e->ee_info);
}

static bool udp_run(struct world *w, struct app *a)
{
	static uint8_t data[65536];
	union control control;
	struct sockaddr_storage sa;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m;
	bool some = false;
	ssize_t n;
	int flags, tries;

	for (tries = 0; tries < 64; tries++) {
		flags = tries & 1 ? 0 : MSG_ERRQUEUE;
		m = (struct msghdr){ &sa,      sizeof(sa),      &iov, 1,
				     &control, sizeof(control), 0 };
		n = recvmsg(a->fd, &m, flags | MSG_DONTWAIT);
		if (n < 0 && !flags && errno == EAGAIN)
			break;
		if (n < 0)
			continue;
		some = true;
		if (flags)
			udp_error(w, a, &m, end_of_sockaddr(&sa));
		else
			udp_heard(w, a, pktinfo(&m, TARGET),
				  end_of_sockaddr(&sa), data, n);
	}
	return some;
}

/* ---- connections --------------------------------------------------------*/

static bool listen_run(struct world *w, struct app *a)
{
	unsigned int flow = w->now->step[w->step].flow;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	const char *odd = "";
	struct end peer;
	struct app *c;
	int fd;

	fd = accept4(a->fd, (void *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return false;
	peer = end_of_sockaddr(&sa);
	w->state[flow].peer.family = 0; /* of an earlier connection */
	if (a->role == R_LISTEN)
		odd = meet(w, flow, peer, socket_name(fd));
	event(w, "accept f%u%s%s", flow,
	      a->role == R_LISTEN ? "" : " by the service", odd);
	c = app_add(w, R_CONN, fd, a->v6);
	c->flow = flow;
	w->state[flow].conn = fd;
	return true;
}

static bool conn_run(struct world *w, struct app *a)
{
	static uint8_t data[65536];
	ssize_t n = recv(a->fd, data, sizeof(data), MSG_DONTWAIT);
	struct epoll_event quiet = { 0 };

	if (n > 0) {
		event(w, "app-tcp f%d len %zd #%08x", a->flow, n,
		      hash_of(data, n));
		(void)!send(a->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		return true;
	}
	if (n < 0 && errno == EAGAIN)
		return false;
	event(w, "app-tcp f%d %s", a->flow, n ? strerror(errno) : "end");
	if (w->state[a->flow].conn == a->fd)
		w->state[a->flow].peer.family = 0;
	quiet.data.u32 = a - w->app;
	(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, a->fd, &quiet);
	return true;
}

bool apps_run(struct world *w)
{
	struct epoll_event ready[APPS_MAX];
	bool some = false;
	int n, i;

	n = epoll_wait(w->epoll, ready, APPS_MAX, 0);
	for (i = 0; i < n; i++) {
		struct app *a = &w->app[ready[i].data.u32];

		switch (a->role) {
		case R_NONE: break;
		case R_LISTEN:
		case R_SERVICE_TCP: some |= listen_run(w, a); break;
		case R_CONN: some |= conn_run(w, a); break;
		default: some |= udp_run(w, a);
		}
	}
	return some;
}

/* ---- steps --------------------------------------------------------------*/

static struct app *find_app(struct world *w, enum role role, bool v6)
{
	unsigned int i;

	for (i = 0; i < APPS_MAX; i++)
		if (w->app[i].role == role && w->app[i].v6 == v6)
			return &w->app[i];
	return NULL;
}

static void reply(struct world *w, const struct step *st)
{
	const struct flow *fl = &w->now->flow[st->flow];
	struct state *s = &w->state[st->flow];
	static uint8_t data[PAYLOAD_MAX];
	struct app *a;
	size_t len;

	len = payload_make(data, st->kind, st->arg[A_LEN], st->flow, w->step);
	if (fl->proto == IPPROTO_TCP) {
		if (s->conn >= 0)
			(void)!send(s->conn, data, len,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	a = find_app(w, R_UDP, fl->v6);
	if (a && s->peer.family)
		send_from(a, s->local, s->peer, data, len);
}

static void host_ask(struct world *w, const struct step *st)
{
	const struct flow *fl = &w->now->flow[st->flow];
	struct end at = dialled_of(w, st->flow);
	static uint8_t data[PAYLOAD_MAX];
	struct app *a = NULL;
	size_t len;
	unsigned int i;

	for (i = 0; i < APPS_MAX; i++)
		if (w->app[i].role == R_HOST && end_equal(w->app[i].at, at))
			a = &w->app[i];
	if (!a) {
		app_udp(w, R_HOST, at);
		host_ask(w, st);
		return;
	}
	len = payload_make(data, K_JUNK, st->arg[A_LEN], st->flow, w->step);
	send_from(a, at, member_of(fl), data, len);
}

void app_do(struct world *w, const struct step *st)
{
	struct state *s = &w->state[st->flow];

	switch (st->op) {
	case OP_REPLY: reply(w, st); break;
	case OP_CLOSE:
		if (s->conn >= 0)
			(void)shutdown(s->conn, SHUT_WR);
		break;
	case OP_DOWN: target_close(w); break;
	case OP_UP:
		if (!target_is_up(w))
			target_open(w);
		break;
	case OP_HOST: host_ask(w, st); break;
	default: break;
	}
}
