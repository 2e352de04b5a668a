/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The interfaces of this network namespace. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "netlink.h"

static void read_xdp(struct nlattr *attribute, struct link *link)
{
	struct nlattr *xdp[IFLA_XDP_MAX + 1];

	if (!attribute || nla_parse_nested(xdp, IFLA_XDP_MAX, attribute, NULL))
		return;
	if (xdp[IFLA_XDP_DRV_PROG_ID])
		link->xdp_id = nla_get_u32(xdp[IFLA_XDP_DRV_PROG_ID]);
	if (!link->xdp_id && xdp[IFLA_XDP_SKB_PROG_ID]) {
		link->xdp_id = nla_get_u32(xdp[IFLA_XDP_SKB_PROG_ID]);
		link->generic = true;
	}
}

/* A veth's peer is an IFLA_LINK too: only kinds that stand on another count. */
static bool is_upper(struct nlattr *attribute)
{
	static const char *const kinds[] = { "vlan", "macvlan", "ipvlan" };
	struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!attribute ||
	    nla_parse_nested(info, IFLA_INFO_MAX, attribute, NULL) ||
	    !info[IFLA_INFO_KIND])
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(nla_get_string(info[IFLA_INFO_KIND]), kinds[i]))
			return true;
	return false;
}

static void read_link(const struct ifinfomsg *info, struct nlattr **attribute,
		      struct link *link)
{
	memset(link, 0, sizeof(*link));
	link->ifindex = info->ifi_index;
	link->type = info->ifi_type;
	link->flags = info->ifi_flags;
	(void)nla_strlcpy(link->name, attribute[IFLA_IFNAME],
			  sizeof(link->name));
	if (attribute[IFLA_MASTER])
		link->master = nla_get_u32(attribute[IFLA_MASTER]);
	if (attribute[IFLA_LINK] && !attribute[IFLA_LINK_NETNSID] &&
	    is_upper(attribute[IFLA_LINKINFO]))
		link->lower = nla_get_u32(attribute[IFLA_LINK]);
	read_xdp(attribute[IFLA_XDP], link);
}

static int add_link(struct nl_msg *message, void *argument)
{
	struct links *links = argument;
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *attribute[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(header);
	struct link *link;

	if (header->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(header, sizeof(*info), attribute, IFLA_MAX, NULL) ||
	    !attribute[IFLA_IFNAME])
		return NL_OK;
	link = reallocarray(links->link, links->n + 1, sizeof(*link));
	if (!link)
		return -NLE_NOMEM;
	links->link = link;
	read_link(info, attribute, &link[links->n++]);
	return NL_OK;
}

int links_read(struct links *links)
{
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	int err, tries = 5;

	do {
		*links = (struct links){ 0 };
		err = netlink_dump(NETLINK_ROUTE, RTM_GETLINK, &any,
				   sizeof(any), add_link, links);
		if (err)
			links_free(links);
	} while (err == -EAGAIN && --tries);
	return err;
}

void links_free(struct links *links)
{
	free(links->link);
	*links = (struct links){ 0 };
}

const struct link *link_named(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->n; i++)
		if (!strcmp(links->link[i].name, name))
			return &links->link[i];
	return NULL;
}

const struct link *link_numbered(const struct links *links, uint32_t ifindex)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->link[i].ifindex == ifindex)
			return &links->link[i];
	return NULL;
}

const char *link_unfit(const struct link *link)
{
	if (link->type == ARPHRD_LOOPBACK)
		return "the loopback interface, where nobody knocks";
	return link->type == ARPHRD_ETHER ? NULL : "not an Ethernet interface";
}

static int add_number(uint32_t ifindex, uint32_t *out, uint32_t *n,
		      uint32_t max)
{
	for (uint32_t i = 0; i < *n; i++)
		if (out[i] == ifindex)
			return 0;
	if (*n == max)
		return -E2BIG;
	out[(*n)++] = ifindex;
	return 0;
}

int links_above(const struct links *links, uint32_t *out, uint32_t *n,
		uint32_t max)
{
	int err = 0;

	/* What is added here is looked at in its turn. */
	for (uint32_t i = 0; !err && i < *n; i++) {
		const struct link *link = link_numbered(links, out[i]);

		if (link && link->master)
			err = add_number(link->master, out, n, max);
		for (size_t j = 0; !err && j < links->n; j++)
			if (links->link[j].lower == out[i])
				err = add_number(links->link[j].ifindex, out, n,
						 max);
	}
	return err;
}
