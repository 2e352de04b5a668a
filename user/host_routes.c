/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Addresses that the host does not hold, and routes around our egress. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <netlink/msg.h>
#include <netlink/route/route.h>

#include "host.h"
#include "link.h"
#include "netlink.h"

static bool is_address(const struct sockaddr *sa, const struct ip_prefix *want)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (!sa || sa->sa_family != want->family)
		return false;
	return sa->sa_family == AF_INET
		       ? v4->sin_addr.s_addr == want->v4.s_addr
		       : !memcmp(&v6->sin6_addr, &want->v6, 16);
}

/* The door's interfaces, and the VLANs and bridges that stand on them. */
int host_uplinks(const struct config *config, uint32_t out[AP_UPLINKS],
		 uint32_t *n)
{
	struct links links = { 0 };
	int err = links_read(&links);

	*n = 0;
	for (size_t i = 0; !err && i < config->n_interface; i++) {
		const struct link *l = link_named(&links, config->interface[i]);

		if (l && *n < AP_UPLINKS)
			out[(*n)++] = l->ifindex;
	}
	err = err ?: links_above(&links, out, n, AP_UPLINKS);
	links_free(&links);
	return err;
}

int host_holds(const struct config *config, bool held[AP_ADDRS])
{
	struct ifaddrs *all;

	memset(held, 0, AP_ADDRS * sizeof(*held));
	if (getifaddrs(&all))
		return -errno;
	for (struct ifaddrs *a = all; a; a = a->ifa_next)
		for (size_t i = 0; i < config->n_address; i++)
			held[i] |= is_address(a->ifa_addr, &config->address[i]);
	freeifaddrs(all);
	return 0;
}

bool host_device_holds(uint32_t ifindex, const struct ip_prefix *address)
{
	struct ifaddrs *all;
	bool holds = false;

	if (getifaddrs(&all))
		return false;
	for (struct ifaddrs *a = all; a && !holds; a = a->ifa_next)
		holds = is_address(a->ifa_addr, address) &&
			if_nametoindex(a->ifa_name) == ifindex;
	freeifaddrs(all);
	return holds;
}

void host_addresses(const struct config *config, struct report *report)
{
	bool held[AP_ADDRS];
	char ip[INET6_ADDRSTRLEN];
	int err = host_holds(config, held);

	if (err) {
		report_add(report, false, NULL,
			   "cannot list this host's addresses: %s",
			   strerror(-err));
		return;
	}
	for (size_t i = 0; i < config->n_address; i++) {
		const struct ip_prefix *a = &config->address[i];

		if (held[i])
			continue;
		(void)inet_ntop(a->family, &a->v6, ip, sizeof(ip));
		report_add(report, false, NULL,
			   "address %s is on no interface of this host: "
			   "inactive until one has it",
			   ip);
	}
}

/* A name that is mistyped must not wait for load to be noticed. */
void host_interfaces(const struct config *config, struct report *report)
{
	struct links links;
	int err = links_read(&links);

	if (err)
		report_add(report, false, NULL,
			   "cannot list this host's interfaces: %s",
			   strerror(-err));
	for (size_t i = 0; !err && i < config->n_interface; i++) {
		const char *name = config->interface[i];
		const struct link *link = link_named(&links, name);

		if (!link)
			report_add(report, false, NULL,
				   "interface %s does not exist: the door is "
				   "not on it until it does and anyport load "
				   "runs again; ip link shows those that do",
				   name);
		else if (link_unfit(link))
			report_add(report, false, NULL,
				   "%s is %s: load will refuse it; name the "
				   "uplink in interface =",
				   name, link_unfit(link));
	}
	links_free(&links);
}

/* Routes to these lead to no member on the Internet. */
static bool is_private(struct nl_addr *dst)
{
	static const char *const ranges[] = {
		"10.0.0.0/8",    "172.16.0.0/12",  "192.168.0.0/16",
		"100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
		"224.0.0.0/4",   "fc00::/7",       "fe80::/10",
		"ff00::/8",
	};
	bool found = false;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct nl_addr *range;

		if (nl_addr_parse(ranges[i], AF_UNSPEC, &range))
			continue;
		/* cmp_prefix compares as many bits as the shorter one has. */
		found |= nl_addr_get_family(range) == nl_addr_get_family(dst) &&
			 nl_addr_get_prefixlen(dst) >=
				 nl_addr_get_prefixlen(range) &&
			 !nl_addr_cmp_prefix(range, dst);
		nl_addr_put(range);
	}
	return found;
}

static bool is_tunnel(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool tunnel;

	memcpy(ifr.ifr_name, name, IF_NAMESIZE);
	tunnel = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr) &&
		 ifr.ifr_flags & IFF_POINTOPOINT;
	if (fd >= 0)
		(void)close(fd);
	return tunnel;
}

/*
 * A way to the Internet: a default route or its halves, or any public prefix
 * by a gateway. Members' own prefixes have the member as gateway, on the
 * tunnel's device: those are none.
 */
static bool leads_out(struct rtnl_route *route, struct rtnl_nexthop *hop,
		      const char *name)
{
	struct nl_addr *dst = rtnl_route_get_dst(route);

	if (nl_addr_get_prefixlen(dst) <= 4)
		return !nl_addr_get_prefixlen(dst) || !is_private(dst);
	return rtnl_route_nh_get_gateway(hop) && !is_private(dst) &&
	       !is_tunnel(name);
}

struct walk {
	const struct config *config;
	struct report *report;
	struct rtnl_route *route;
	struct {
		int family;
		uint32_t ifindex;
	} told[64];
	size_t n_told;
	uint32_t uplink[AP_UPLINKS], n_uplink;
};

/* Once per device and family: there may be 100,000 routes. */
static bool told_before(struct walk *walk, int family, uint32_t ifindex)
{
	for (size_t i = 0; i < walk->n_told; i++)
		if (walk->told[i].family == family &&
		    walk->told[i].ifindex == ifindex)
			return true;
	if (walk->n_told == sizeof(walk->told) / sizeof(*walk->told))
		return true;
	walk->told[walk->n_told].family = family;
	walk->told[walk->n_told++].ifindex = ifindex;
	return false;
}

static bool is_uplink(const struct walk *walk, uint32_t ifindex)
{
	for (uint32_t i = 0; i < walk->n_uplink; i++)
		if (walk->uplink[i] == ifindex)
			return true;
	return false;
}

static void see_hop(struct rtnl_nexthop *hop, void *arg)
{
	struct walk *walk = arg;
	uint32_t ifindex = rtnl_route_nh_get_ifindex(hop);
	int family = rtnl_route_get_family(walk->route);
	struct nl_addr *to = rtnl_route_get_dst(walk->route);
	char name[IF_NAMESIZE] = "", dst[64] = "default";

	if (!if_indextoname(ifindex, name) || !strcmp(name, "lo") ||
	    is_uplink(walk, ifindex) || !leads_out(walk->route, hop, name) ||
	    told_before(walk, family, ifindex))
		return;
	if (nl_addr_get_prefixlen(to))
		(void)nl_addr2str(to, dst, sizeof(dst));
	report_add(walk->report, false, NULL,
		   "an IPv%c route (%s) leaves by %s, which is no interface of "
		   "the door: answers that go there keep the target's port; "
		   "if members are reached that way, add \"interface = %s\" "
		   "under [door]",
		   family == AF_INET ? '4' : '6', dst, name, name);
}

static int see_route(struct nl_msg *msg, void *arg)
{
	struct walk *walk = arg;
	struct rtnl_route *route;
	bool wanted = false;

	/* An unknown kind of nexthop is no reason to stop. */
	if (rtnl_route_parse(nlmsg_hdr(msg), &route) < 0)
		return NL_OK;
	for (size_t i = 0; i < walk->config->n_address; i++)
		wanted |= walk->config->address[i].family ==
			  rtnl_route_get_family(route);
	walk->route = route;
	if (wanted && rtnl_route_get_type(route) == RTN_UNICAST &&
	    rtnl_route_get_table(route) != RT_TABLE_LOCAL)
		rtnl_route_foreach_nexthop(route, see_hop, walk);
	rtnl_route_put(route);
	return NL_OK;
}

void host_routes(const struct config *config, struct report *report)
{
	struct walk walk = { .config = config, .report = report };
	const struct rtmsg request = { .rtm_family = AF_UNSPEC };
	int err = host_uplinks(config, walk.uplink, &walk.n_uplink);

	err = err
		      ?: netlink_dump(NETLINK_ROUTE, RTM_GETROUTE, &request,
				      sizeof(request), see_route, &walk);

	if (err == -EAGAIN) /* routes changed meanwhile: most were seen */
		err = 0;
	if (err)
		report_add(report, false, NULL, "cannot list routes: %s",
			   strerror(-err));
}
