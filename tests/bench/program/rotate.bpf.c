/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Makes each round of a test run a fresh packet of the next flow, then goes on
 * with the program that is measured: a repeated run is fed its own output, and
 * after the first it would dial the target's own port.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

#define DIALLED 443

/* Which flow is next, and of how many; 0: never the same twice. */
struct turn {
	__u32 at, flows;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct turn);
} turns SEC(".maps");

static __always_inline void fresh(struct udphdr *udp, __be32 *member, __u32 n)
{
	*member = bpf_htonl(0xcb007100 + (n >> 15)); /* 203.0.113.0 and on */
	udp->source = bpf_htons(1024 + (n & 0x7fff));
	udp->dest = bpf_htons(DIALLED);
}

SEC("xdp.frags")
int rotate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data,
	     *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 zero = 0, n;
	struct turn *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!turn || data + 62 > end)
		return XDP_ABORTED;
	n = turn->at;
	turn->at = n + 1 == turn->flows ? 0 : n + 1;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		fresh(data + 34, &((struct iphdr *)(data + 14))->saddr, n);
	else
		fresh(data + 54, data + 14 + 8 + 12, n);
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}

/* What everything is measured against: the same frame, no work. */
SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64[2]);
} table SEC(".maps");

/* One look-up in a table of the flow table's kind: the floor. */
SEC("xdp.frags")
int bare(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data,
	     *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + 14;
	struct udphdr *udp = data + 34;
	__u64 key, *found;

	if (data + 62 > end)
		return XDP_ABORTED;
	key = (__u64)ip->saddr << 32 | udp->source;
	found = bpf_map_lookup_elem(&table, &key);
	return found ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
