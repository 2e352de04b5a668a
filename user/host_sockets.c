/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The sockets of this network namespace, by sock_diag. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/errno.h>
#include <netlink/msg.h>

#include "host.h"
#include "netlink.h"

struct dump {
	struct host_sockets *out;
	enum ap_proto proto;
};

static int socket_add(struct host_sockets *out, const struct host_socket *s)
{
	struct host_socket *item;

	/* Grown by doubling, whenever N is a power of two. */
	if (!(out->n & (out->n - 1))) {
		item = reallocarray(out->item, out->n ? 2 * out->n : 1,
				    sizeof(*item));
		if (!item)
			return -NLE_NOMEM;
		out->item = item;
	}
	out->item[out->n++] = *s;
	return NL_OK;
}

static int parse_socket(struct nl_msg *msg, void *arg)
{
	struct dump *dump = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct host_socket s = { .proto = dump->proto };
	const struct inet_diag_msg *d = nlmsg_data(h);
	struct nlattr *v6only;

	if (nlmsg_datalen(h) < (int)sizeof(*d))
		return NL_SKIP;
	s.address.family = d->idiag_family;
	s.address.length = d->idiag_family == AF_INET ? 32 : 128;
	memcpy(&s.address.v6, d->id.idiag_src,
	       d->idiag_family == AF_INET ? 4 : 16);
	s.port = ntohs(d->id.idiag_sport);
	s.ifindex = d->id.idiag_if;
	s.inode = d->idiag_inode;
	v6only = nlmsg_find_attr(h, sizeof(*d), INET_DIAG_SKV6ONLY);
	if (v6only)
		s.v6only = nla_get_u8(v6only);
	return socket_add(dump->out, &s);
}

static int dump_one(struct host_sockets *out, int family, enum ap_proto proto,
		    uint32_t states)
{
	struct dump dump = { out, proto };
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = proto == AP_TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.idiag_states = states,
	};

	return netlink_dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, &request,
			    sizeof(request), parse_socket, &dump);
}

static int dump_both(struct host_sockets *out, enum ap_proto proto,
		     uint32_t states)
{
	int err = dump_one(out, AF_INET, proto, states);

	/* A kernel booted with ipv6.disable=1 has no such family. */
	if (!err) {
		err = dump_one(out, AF_INET6, proto, states);
		if (err == -ENOENT || err == -EOPNOTSUPP)
			err = 0;
	}
	return err;
}

static int by_port(const void *a, const void *b)
{
	const struct host_socket *x = a, *y = b;

	if (x->proto != y->proto)
		return x->proto < y->proto ? -1 : 1;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->address.family != y->address.family)
		return x->address.family == AF_INET ? -1 : 1;
	return memcmp(&x->address.v6, &y->address.v6,
		      x->address.family == AF_INET ? 4 : 16);
}

/* SO_REUSEPORT: one service, many sockets. */
static void drop_twins(struct host_sockets *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!kept || by_port(&s->item[kept - 1], &s->item[i]) ||
		    s->item[kept - 1].ifindex != s->item[i].ifindex)
			s->item[kept++] = s->item[i];
	s->n = kept;
}

int host_listeners(struct host_sockets *out)
{
	int err;

	*out = (struct host_sockets){ 0 };
	err = dump_both(out, AP_TCP, 1 << TCP_LISTEN);
	/* An unconnected UDP socket is in state CLOSE; it may not be bound. */
	if (!err)
		err = dump_both(out, AP_UDP, 1 << TCP_CLOSE);
	if (err) {
		host_sockets_free(out);
		return err;
	}
	if (out->n)
		qsort(out->item, out->n, sizeof(*out->item), by_port);
	drop_twins(out);
	host_owners(out);
	return 0;
}

int host_connections(struct host_sockets *out)
{
	int err;

	*out = (struct host_sockets){ 0 };
	err = dump_both(out, AP_TCP, 1 << TCP_ESTABLISHED);
	if (err) {
		host_sockets_free(out);
		return err;
	}
	host_owners(out);
	return 0;
}

void host_sockets_free(struct host_sockets *sockets)
{
	free(sockets->item);
	*sockets = (struct host_sockets){ 0 };
}
