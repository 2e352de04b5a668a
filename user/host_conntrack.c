/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What conntrack does to a door: NAT rules that catch its ports, entries that
 * such rules left behind, and rewritten UDP that is tracked.
 *
 * Conntrack is active in a network namespace from the first rule that needs
 * it to the last, so the rules say whether it is. (The kernel's own list of
 * hooks would say so too, from 5.14 and where it was built in.)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/msg.h>

#include "child.h"
#include "host.h"
#include "netlink.h"
#include "rules.h"

struct tuple {
	struct ip_prefix src, dst;
	uint16_t sport, dport;
	int proto; /* enum ap_proto, or -1 */
};

struct counts {
	const struct config *config;
	uint16_t target[AP_TARGETS]; /* of UDP */
	size_t n_target;
	size_t nat[AP_ADDRS][AP_PROTOS];  /* translated, to this address */
	size_t udp[AP_ADDRS][AP_TARGETS]; /* tracked, to this target */
};

static void take_ip(struct nlattr *from, struct ip_prefix *ip)
{
	if (!from)
		return;
	ip->family = nla_len(from) == 4 ? AF_INET : AF_INET6;
	ip->length = ip->family == AF_INET ? 32 : 128;
	memcpy(&ip->v6, nla_data(from), nla_len(from) == 4 ? 4 : 16);
}

static int parse_tuple(struct nlattr *from, struct tuple *tuple)
{
	struct nlattr *part[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1];
	struct nlattr *proto[CTA_PROTO_MAX + 1];
	uint8_t number;

	if (!from || nla_parse_nested(part, CTA_TUPLE_MAX, from, NULL) ||
	    !part[CTA_TUPLE_IP] || !part[CTA_TUPLE_PROTO] ||
	    nla_parse_nested(ip, CTA_IP_MAX, part[CTA_TUPLE_IP], NULL) ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, part[CTA_TUPLE_PROTO],
			     NULL) ||
	    !proto[CTA_PROTO_NUM] || !proto[CTA_PROTO_SRC_PORT] ||
	    !proto[CTA_PROTO_DST_PORT])
		return -EINVAL;
	take_ip(ip[CTA_IP_V4_SRC] ?: ip[CTA_IP_V6_SRC], &tuple->src);
	take_ip(ip[CTA_IP_V4_DST] ?: ip[CTA_IP_V6_DST], &tuple->dst);
	number = nla_get_u8(proto[CTA_PROTO_NUM]);
	tuple->proto = number == IPPROTO_UDP   ? AP_UDP
		       : number == IPPROTO_TCP ? AP_TCP
					       : -1;
	tuple->sport = ntohs(nla_get_u16(proto[CTA_PROTO_SRC_PORT]));
	tuple->dport = ntohs(nla_get_u16(proto[CTA_PROTO_DST_PORT]));
	return 0;
}

static void count_entry(struct counts *c, const struct tuple *t, bool nat)
{
	for (size_t i = 0; i < c->config->n_address; i++) {
		const struct ip_prefix *a = &c->config->address[i];

		if (a->family != t->dst.family ||
		    memcmp(&a->v6, &t->dst.v6, a->length / 8))
			continue;
		if (nat) {
			c->nat[i][t->proto]++;
			return;
		}
		for (size_t j = 0; j < c->n_target; j++)
			c->udp[i][j] +=
				t->proto == AP_UDP && t->dport == c->target[j];
	}
}

static int see_entry(struct nl_msg *msg, void *arg)
{
	struct nlattr *attr[CTA_MAX + 1];
	struct tuple t = { 0 };
	uint32_t status;

	/* A kind of entry that we do not know is no reason to stop. */
	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(struct nfgenmsg), attr, CTA_MAX,
			NULL) ||
	    !attr[CTA_STATUS] || parse_tuple(attr[CTA_TUPLE_ORIG], &t) ||
	    t.proto < 0)
		return NL_OK;
	status = ntohl(nla_get_u32(attr[CTA_STATUS]));
	count_entry(arg, &t, status & IPS_DST_NAT);
	return NL_OK;
}

static int read_entries(struct counts *counts)
{
	const struct nfgenmsg request = { .nfgen_family = AF_UNSPEC };

	return netlink_dump(NETLINK_NETFILTER,
			    NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			    &request, sizeof(request), see_entry, counts);
}

static void report_count(const struct ip_prefix *address, enum ap_proto proto,
			 size_t n, uint16_t port, struct report *report)
{
	const char *name = proto == AP_UDP ? "udp" : "tcp";
	const char *family = address->family == AF_INET ? "ipv4" : "ipv6";
	char ip[INET6_ADDRSTRLEN];
	char *command;

	if (!n)
		return;
	(void)inet_ntop(address->family, &address->v6, ip, sizeof(ip));
	if (port) {
		command = text_of("conntrack -D -f %s -p %s --orig-dst %s "
				  "--orig-port-dst %u",
				  family, name, ip, port);
		report_add(report, false, command,
			   "%zu conntrack entries of %s to %s port %u: left "
			   "over from a time without notrack rules",
			   n, name, ip, port);
	} else {
		command = text_of("conntrack -D -f %s -p %s --orig-dst %s "
				  "--dst-nat",
				  family, name, ip);
		report_add(report, false, command,
			   "%zu conntrack entries still translate %s to %s, as "
			   "an old DNAT rule told them%s",
			   n, name, ip,
			   proto == AP_TCP ? "; members on these connections "
					     "will have to connect again"
					   : "");
	}
	free(command);
}

static void report_entries(const struct config *config, struct report *report)
{
	struct counts c = { .config = config };
	int err;

	c.n_target = config_targets(config, AP_UDP, c.target);
	err = read_entries(&c);
	if (err == -EAGAIN) /* the table changed meanwhile: near enough */
		err = 0;
	if (err) {
		/* No ctnetlink, no conntrack; -EPERM is told with the rules. */
		if (err != -EPERM && err != -EOPNOTSUPP && err != -EINVAL &&
		    err != -ENOENT)
			report_add(report, false, NULL,
				   "cannot list conntrack entries: %s",
				   strerror(-err));
		return;
	}
	for (size_t i = 0; i < config->n_address; i++) {
		const struct ip_prefix *a = &config->address[i];

		for (int p = 0; p < AP_PROTOS; p++)
			report_count(a, p, c.nat[i][p], 0, report);
		for (size_t j = 0; j < c.n_target; j++)
			report_count(a, AP_UDP, c.udp[i][j], c.target[j],
				     report);
	}
}

static void report_nat(const struct config *config, const struct rules *rules,
		       struct report *report)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rule_catches(&rules->item[i], config))
			report_add(report, false, rules->item[i].command,
				   "NAT catches what is for the door: %s",
				   rules->item[i].text);
}

/* What conf/firewall.nft has, for one address, port and direction. */
static char *notrack_command(const char *ip, int family, enum rule_end end,
			     uint16_t port)
{
	bool in = end == RULE_DST, v4 = family == AF_INET;

	if (!child_exists("nft"))
		return text_of("%s -t raw -A %s %s %s -p udp %s %u -j CT "
			       "--notrack",
			       v4 ? "iptables" : "ip6tables",
			       in ? "PREROUTING" : "OUTPUT", in ? "-d" : "-s",
			       ip, in ? "--dport" : "--sport", port);
	return text_of("nft 'add table inet anyport; add chain inet anyport "
		       "%s { type filter hook %s priority raw; }; add rule "
		       "inet anyport %s %s %s %s udp %s %u notrack'",
		       in ? "untrack_in" : "untrack_out",
		       in ? "prerouting" : "output",
		       in ? "untrack_in" : "untrack_out", v4 ? "ip" : "ip6",
		       in ? "daddr" : "saddr", ip, in ? "dport" : "sport",
		       port);
}

static void report_tracked(const struct rules *rules,
			   const struct config *config,
			   const struct ip_prefix *address, uint16_t port,
			   struct report *report)
{
	char ip[INET6_ADDRSTRLEN];

	(void)inet_ntop(address->family, &address->v6, ip, sizeof(ip));
	for (int end = 0; end < RULE_ENDS; end++) {
		char *command;

		if (rules_notrack(rules, config, end, address, port))
			continue;
		command = notrack_command(ip, address->family, end, port);
		report_add(report, true, command,
			   "conntrack is active and no notrack rule covers UDP "
			   "%s %s port %u: members' handshakes can go astray",
			   end == RULE_DST ? "to" : "from", ip, port);
		free(command);
	}
}

static void report_notrack(const struct config *config,
			   const struct rules *rules, struct report *report)
{
	uint8_t tracked = rules_track(rules);
	uint16_t target[AP_TARGETS];
	size_t n = config_targets(config, AP_UDP, target);

	for (size_t i = 0; i < config->n_address; i++) {
		const struct ip_prefix *a = &config->address[i];

		if (!(tracked & (a->family == AF_INET ? RULE_V4 : RULE_V6)))
			continue;
		for (size_t j = 0; j < n; j++)
			report_tracked(rules, config, a, target[j], report);
	}
}

void host_conntrack(const struct config *config, struct report *report)
{
	struct rules rules;
	int err = rules_read(&rules);

	if (err == -EPERM)
		report_add(report, false, NULL,
			   "firewall rules and conntrack entries were not "
			   "looked at: that needs root");
	else if (err == -ENOENT)
		report_add(report, false, NULL,
			   "firewall rules were not looked at: install "
			   "nftables, or iptables");
	else if (err)
		report_add(report, false, NULL,
			   "cannot list all firewall rules: %s",
			   strerror(-err));
	report_nat(config, &rules, report);
	if (!err)
		report_notrack(config, &rules, report);
	rules_free(&rules);
	report_entries(config, report);
}
