/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads the kernel's routes back. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "route.h"

struct dump {
	uint32_t table;
	uint8_t protocol;
	void (*fn)(void *arg, const struct kernel_route *route);
	void *arg;
};

static void copy_address(struct nlattr *a, struct ip_prefix *out, int family,
			 uint8_t length)
{
	size_t size = family == AF_INET ? 4 : 16;

	out->family = family;
	out->length = length;
	if (a && (size_t)nla_len(a) >= size)
		memcpy(&out->v6, nla_data(a), size);
}

static int route_message(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct rtmsg *rt = nlmsg_data(h);
	struct nlattr *a[RTA_MAX + 1];
	struct kernel_route r = { 0 };
	struct dump *dump = arg;

	if (h->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(h, sizeof(*rt), a, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	r.table = a[RTA_TABLE] ? nla_get_u32(a[RTA_TABLE]) : rt->rtm_table;
	r.protocol = rt->rtm_protocol;
	if ((rt->rtm_flags & RTM_F_CLONED) || r.table != dump->table ||
	    r.protocol != dump->protocol ||
	    (rt->rtm_type != RTN_UNICAST && rt->rtm_type != RTN_UNREACHABLE))
		return NL_SKIP;
	r.unreachable = rt->rtm_type == RTN_UNREACHABLE;
	copy_address(a[RTA_DST], &r.route.dst, rt->rtm_family, rt->rtm_dst_len);
	if (a[RTA_GATEWAY])
		copy_address(a[RTA_GATEWAY], &r.route.via, rt->rtm_family,
			     rt->rtm_family == AF_INET ? 32 : 128);
	if (a[RTA_OIF])
		r.ifindex = nla_get_u32(a[RTA_OIF]);
	if (a[RTA_PRIORITY])
		r.metric = nla_get_u32(a[RTA_PRIORITY]);
	dump->fn(dump->arg, &r);
	return NL_OK;
}

static int dump_family(struct nl_sock *socket, int family)
{
	struct rtmsg rt = { .rtm_family = family };
	int err;

	err = nl_send_simple(socket, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt));
	if (err >= 0)
		err = nl_recvmsgs_default(socket);
	return err < 0 ? -EIO : 0;
}

int routes_each(uint32_t table, uint8_t protocol,
		const struct deadline *deadline,
		void (*fn)(void *arg, const struct kernel_route *route),
		void *arg)
{
	struct dump dump = { table, protocol, fn, arg };
	struct nl_sock *socket = nl_socket_alloc();
	int left = deadline_left(deadline);
	struct timeval t = { left / 1000, left % 1000 * 1000 };
	int err = -ENOMEM;

	if (!socket)
		return err;
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, route_message,
			    &dump);
	err = nl_connect(socket, NETLINK_ROUTE) ? -ENOBUFS : 0;
	if (!err && setsockopt(nl_socket_get_fd(socket), SOL_SOCKET,
			       SO_RCVTIMEO, &t, sizeof(t)))
		err = -errno;
	if (!err)
		err = dump_family(socket, AF_INET);
	if (!err)
		err = dump_family(socket, AF_INET6);
	nl_socket_free(socket);
	return err;
}
