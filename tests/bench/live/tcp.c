/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * tcp [OPTIONS, see plan.h] PATH ...: connections, and bytes, by each path; by
 * a door to the port dialled and to OpenVPN's own. Client, server and the
 * network between them share one thread on one core, so that all the work of a
 * connection, on both ends, is in the time that the core was busy.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/busy.h"
#include "../lib/calm.h"
#include "../lib/plan.h"
#include "ns.h"

#define OPENVPN     1194
#define CONNECTIONS 40
#define BULK        (6 << 20)
#define CHUNK       (64 << 10)

/* A path and a port of it. */
struct way {
	const struct path *path;
	char name[40];
	uint16_t port, accepted;            /* the port that the server sees */
	struct samples connect[2], bulk[2]; /* [v6] */
};

static struct way ways[2 * PATHS_MAX];
static unsigned int n_ways;
static int listener[PATHS_MAX]; /* of both families */

static void add_way(const struct path *p, uint16_t port)
{
	struct way *w = &ways[n_ways++];
	bool own = p->keeper == KEEPER_DOOR && port == OPENVPN;

	w->path = p;
	w->port = port;
	w->accepted = p->keeper == KEEPER_CONNTRACK ? OPENVPN : port;
	(void)snprintf(w->name, sizeof(w->name), "%s%s", p->name,
		       own ? " 1194" : "");
}

static int dial(const struct way *w, bool v6, int *accepted)
{
	const struct path *p = w->path;
	struct linger reset = { 1, 0 }; /* leaves no TIME_WAIT behind */
	struct sockaddr_storage sa;
	socklen_t size = end_to_sockaddr(with_port(p->door[v6], w->port), &sa);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) ||
	    connect(fd, (struct sockaddr *)&sa, size))
		err(1, "%s: cannot connect", w->name);
	*accepted = accept(listener[p - ways[0].path], NULL, NULL);
	if (*accepted < 0)
		err(1, "%s: cannot accept", w->name);
	return fd;
}

static void assert_port(const struct way *w, int fd)
{
	struct end here = socket_name(fd);

	if (here.port != w->accepted)
		errx(1, "%s: connected to port %u, accepted on %u", w->name,
		     w->port, here.port);
}

/* A way, and by which family. */
struct dialling {
	const struct way *way;
	bool v6;
};

/* Microseconds that a connection takes. */
static double connections(void *arg)
{
	const struct dialling *d = arg;
	const struct way *w = d->way;
	double start = busy_ns();
	int fd, accepted;

	for (int i = 0; i < CONNECTIONS; i++) {
		fd = dial(w, d->v6, &accepted);
		if (!i)
			assert_port(w, accepted);
		(void)close(fd);
		(void)close(accepted);
	}
	return (busy_ns() - start) / CONNECTIONS / 1e3;
}

/* Gbit/s. Both ends take turns; neither waits for the other. */
static double transfer(void *arg)
{
	const struct dialling *d = arg;
	const struct way *w = d->way;
	static char out[CHUNK], in[CHUNK];
	size_t sent = 0, received = 0;
	time_t limit = time(NULL) + 30;
	double start;
	ssize_t n;
	int server, client = dial(w, d->v6, &server);

	start = busy_ns();
	while (received < BULK) {
		n = send(client, out, sizeof(out), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		while ((n = recv(server, in, sizeof(in), MSG_DONTWAIT)) > 0)
			received += (size_t)n;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
		    time(NULL) > limit)
			errx(1, "%s: of %zu bytes %zu came", w->name, sent,
			     received);
	}
	start = busy_ns() - start;
	(void)close(client);
	(void)close(server);
	return (double)received * 8 / start;
}

/* MINE better than OTHER is above 1; LESS: the smaller the better. */
static void put_ratio(const struct samples *mine, const struct samples *other,
		      bool less, const char *kind, const char *name, bool v6)
{
	struct samples ratio = { 0 };

	for (size_t i = 0; i < mine->n; i++)
		samples_add(&ratio, less ? other->at[i] / mine->at[i]
					 : mine->at[i] / other->at[i]);
	figure_put(&ratio, "ratio", "%s/%s/%s", kind, name, family_name(v6));
}

static const struct way *way_by_name(const char *name)
{
	for (unsigned int i = 0; i < n_ways; i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	return NULL;
}

/* The door's ratios: to its own 1194, to iptables and to nft. */
static void put_ratios(const struct way *w, bool v6)
{
	static const char *const others[] = { "iptables", "nft" };
	const struct way *other;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s 1194", w->name);
	other = way_by_name(name);
	if (!other)
		return;
	(void)snprintf(name, sizeof(name), "%s 443:1194", w->name);
	put_ratio(&w->connect[v6], &other->connect[v6], true, "connect", name,
		  v6);
	put_ratio(&w->bulk[v6], &other->bulk[v6], false, "bulk", name, v6);
	for (int i = 0; i < 2; i++) {
		other = way_by_name(others[i]);
		if (!other)
			continue;
		(void)snprintf(name, sizeof(name), "%s:%s", w->name, others[i]);
		put_ratio(&w->connect[v6], &other->connect[v6], true, "connect",
			  name, v6);
		put_ratio(&w->bulk[v6], &other->bulk[v6], false, "bulk", name,
			  v6);
	}
}

static void put_figures(bool v6)
{
	for (unsigned int i = 0; i < n_ways; i++) {
		struct way *w = &ways[i];
		struct samples connect = w->connect[v6], bulk = w->bulk[v6];

		put_ratios(w, v6);
		figure_put(&connect, "us", "connect/%s/%s", w->name,
			   family_name(v6));
		figure_put(&bulk, "Gbit/s", "bulk/%s/%s", w->name,
			   family_name(v6));
		(void)printf("tcp %s %-14s %7.1f us a connection, %6.2f "
			     "Gbit/s\n",
			     family_name(v6), w->name,
			     samples_at(&connect, 0.5), samples_at(&bulk, 0.5));
	}
	(void)fflush(stdout);
}

static void rounds(const struct plan *plan, bool v6)
{
	for (unsigned int r = 0; r < plan->rounds; r++)
		for (unsigned int i = 0; i < n_ways; i++) {
			struct way *w = &ways[(r + i) % n_ways];

			struct dialling d = { w, v6 };
			unsigned int runs = 0;

			(void)connections(&d); /* neighbours, caches */
			samples_add(&w->connect[v6],
				    calm_median(connections, &d, &runs));
			(void)transfer(&d);
			samples_add(&w->bulk[v6],
				    calm_median(transfer, &d, &runs));
		}
	put_figures(v6);
}

int main(int argc, char **argv)
{
	static struct plan plan;

	plan_read(&plan, argc, argv);
	for (unsigned int i = 0; i < plan.n_paths; i++) {
		const struct path *p = &plan.path[i];

		listener[i] = tcp_listen(p->ns, end("::", OPENVPN));
		add_way(p, p->door[0].port);
		if (p->keeper == KEEPER_DOOR)
			add_way(p, OPENVPN);
	}
	for (int v6 = 0; v6 < 2; v6++)
		if (plan.family[v6])
			rounds(&plan, v6);
	figures_close();
	return 0;
}
