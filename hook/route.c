/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Kernel routes through rtnetlink: each request acknowledged. */
#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "prefix.h"
#include "proc.h"
#include "route.h"

struct routes {
	struct nl_sock *socket;
	int error; /* the kernel's own, of the last request */
};

/* libnl's error numbers are its own and coarser than the kernel's. */
static int keep_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct routes *routes = arg;

	(void)from;
	routes->error = e->error;
	return NL_STOP;
}

int routes_open(struct routes **out)
{
	struct routes *routes = calloc(1, sizeof(*routes));

	if (!routes)
		return -ENOMEM;
	routes->socket = nl_socket_alloc();
	if (!routes->socket)
		goto fail;
	nl_socket_modify_err_cb(routes->socket, NL_CB_CUSTOM, keep_error,
				routes);
	if (nl_connect(routes->socket, NETLINK_ROUTE))
		goto fail;
	/* An answer is short: no need to ask for its size first. */
	nl_socket_disable_msg_peek(routes->socket);
	*out = routes;
	return 0;
fail:
	routes_close(routes);
	return -ENOBUFS;
}

void routes_close(struct routes *routes)
{
	if (!routes)
		return;
	nl_socket_free(routes->socket);
	free(routes);
}

static int set_limit(struct routes *routes, const struct deadline *deadline)
{
	int left = deadline_left(deadline);
	struct timeval t = { left / 1000, left % 1000 * 1000 };

	if (!left)
		return -ETIMEDOUT;
	routes->error = 0;
	if (setsockopt(nl_socket_get_fd(routes->socket), SOL_SOCKET,
		       SO_RCVTIMEO, &t, sizeof(t)))
		return -errno;
	return 0;
}

static int result(const struct routes *routes, int nl_error)
{
	if (!nl_error)
		return 0;
	if (routes->error)
		return routes->error;
	switch (-nl_error) {
	case NLE_AGAIN: return -ETIMEDOUT;
	case NLE_NOMEM: return -ENOMEM;
	case NLE_PERM: return -EPERM;
	default: return -EIO;
	}
}

static struct nl_addr *address(const struct ip_prefix *p)
{
	struct nl_addr *a;

	if (p->family == AF_INET)
		a = nl_addr_build(AF_INET, &p->v4, sizeof(p->v4));
	else
		a = nl_addr_build(AF_INET6, &p->v6, sizeof(p->v6));
	if (a)
		nl_addr_set_prefixlen(a, p->length);
	return a;
}

static int add_nexthop(struct rtnl_route *r, const struct kernel_route *from)
{
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();

	if (!nh)
		return -ENOMEM;
	rtnl_route_nh_set_ifindex(nh, from->ifindex);
	if (from->route.via.family) {
		struct nl_addr *via = address(&from->route.via);

		if (!via) {
			rtnl_route_nh_free(nh);
			return -ENOMEM;
		}
		rtnl_route_nh_set_gateway(nh, via);
		nl_addr_put(via);
	}
	rtnl_route_add_nexthop(r, nh);
	return 0;
}

static int build(const struct kernel_route *from, struct rtnl_route **out)
{
	struct nl_addr *dst = address(&from->route.dst);
	struct rtnl_route *r = rtnl_route_alloc();
	int err = -ENOMEM;

	if (!dst || !r)
		goto out;
	rtnl_route_set_family(r, from->route.dst.family);
	rtnl_route_set_dst(r, dst);
	rtnl_route_set_table(r, from->table);
	rtnl_route_set_protocol(r, from->protocol);
	rtnl_route_set_priority(r, from->metric);
	rtnl_route_set_type(r,
			    from->unreachable ? RTN_UNREACHABLE : RTN_UNICAST);
	err = from->unreachable ? 0 : add_nexthop(r, from);
out:
	nl_addr_put(dst);
	if (err)
		rtnl_route_put(r);
	else
		*out = r;
	return err;
}

/* *OUT is the caller's to put. */
static int begin(struct routes *routes, const struct kernel_route *route,
		 const struct deadline *deadline, struct rtnl_route **out)
{
	int err = set_limit(routes, deadline);

	return err ? err : build(route, out);
}

int routes_put(struct routes *routes, const struct kernel_route *route,
	       const struct deadline *deadline)
{
	struct rtnl_route *r;
	int err = begin(routes, route, deadline, &r);

	if (err)
		return err;
	err = result(routes, rtnl_route_add(routes->socket, r,
					    NLM_F_CREATE | NLM_F_REPLACE));
	rtnl_route_put(r);
	return err;
}

int routes_delete(struct routes *routes, const struct kernel_route *route,
		  const struct deadline *deadline)
{
	struct rtnl_route *r;
	int err = begin(routes, route, deadline, &r);

	if (err)
		return err;
	err = result(routes, rtnl_route_delete(routes->socket, r, 0));
	rtnl_route_put(r);
	if (err == -ESRCH || err == -ENOENT || err == -ENODEV)
		return 0;
	return err;
}

struct kernel_route claim_kernel_route(const struct claim *claim, size_t r)
{
	return (struct kernel_route){
		.route = claim->route[r],
		.ifindex = claim->ifindex,
		.table = claim->table,
		.metric = claim->metric,
		.protocol = claim->protocol,
	};
}

const char *route_text(const struct ip_prefix *dst, char out[ROUTE_TEXT])
{
	char text[64];
	bool host = dst->length == (dst->family == AF_INET ? 32 : 128);

	if (host)
		return prefix_address(dst, out);
	snprintf(out, ROUTE_TEXT, "%s/%u", prefix_address(dst, text),
		 dst->length);
	return out;
}

bool route_allowed(const struct claim *claim, size_t r,
		   const struct hook_config *config)
{
	const struct hook_route *route = &claim->route[r];
	bool device = false;

	for (size_t i = 0; i < config->n_device && !device; i++)
		device = !strcmp(config->device[i], claim->dev);
	return device && claim->ifindex && device_same(claim) &&
	       claim->table == config->table &&
	       claim->metric == config->metric &&
	       claim->protocol == config->protocol &&
	       prefix_in_ranges(&route->dst, config) &&
	       (!route->via.family || prefix_in_ranges(&route->via, config));
}
