/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Programs that do nothing, or one thing: the price of having one at all. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>

/* As many as the door's 10,000 flows are on. */
#define LINES 5600

struct line {
	__u64 word[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* on a page of its own */
	__uint(max_entries, LINES);
	__type(key, __u32);
	__type(value, struct line);
} lines SEC(".maps");

SEC("xdp")
int empty_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp/drop")
int drop_xdp(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* Reads one cache line, as every packet of a flow must: IPv4's member names it.
 */
SEC("xdp/line")
int line_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data,
	     *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1);
	struct line *line;
	__u64 hash;
	__u32 at;

	if ((void *)(udp + 1) > end)
		return XDP_PASS;
	hash = ((__u64)ip->saddr << 16 | udp->source) * 0x9e3779b97f4a7c15;
	at = (hash >> 32) * LINES >> 32;
	line = bpf_map_lookup_elem(&lines, &at);
	/* a result that depends on it, or nothing would wait for it */
	return line && line->word[0] ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
