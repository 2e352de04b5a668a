/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Makes each frame of a live-frames test run a packet of the next flow and
 * sends it into a veth. Pages come back from the stack as it left them, with
 * the port that a translation wrote: all that may have changed is written anew.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gen.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gen);
} gen SEC(".maps");

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void put_udp(struct udphdr *udp, const struct gen *g,
				    __be32 source, __u32 n)
{
	__u16 check;

	udp->source = bpf_htons(GEN_PORT(n));
	udp->dest = g->dialled;
	check = fold(g->sum_l4 + (source & 0xffff) + (source >> 16) +
		     udp->source);
	udp->check = check ?: 0xffff;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data,
	     *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip = (void *)(eth + 1);
	__u32 zero = 0, n;
	struct gen *g = bpf_map_lookup_elem(&gen, &zero);
	__be32 source;

	if (!g ||
	    data + sizeof(*eth) + sizeof(*ip6) + sizeof(struct udphdr) > end)
		return XDP_ABORTED;
	n = g->at;
	g->at = n + 1 == g->flows ? 0 : n + 1;
	source = bpf_htonl(GEN_SOURCE(g->first, n));
	if (g->v6) {
		ip6->saddr.in6_u.u6_addr32[1] = source;
		put_udp((void *)(ip6 + 1), g, source, n);
	} else {
		ip->saddr = source;
		ip->check =
			fold(g->sum_l3 + (source & 0xffff) + (source >> 16));
		put_udp((void *)(ip + 1), g, source, n);
	}
	return bpf_redirect(g->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
