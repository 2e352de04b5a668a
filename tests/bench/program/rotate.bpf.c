/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Makes each round of a test run a fresh packet of the next flow, then goes on
 * with the program that is measured: a repeated run is fed its own output, and
 * after the first it would dial the target's own port. Blocks of packets for
 * one program after the other, each block timed here: a test run of its own for
 * each would wait for RCU every time.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "rotate.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, PROGRAMS);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

#define DIALLED 443

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct turn);
} turns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BLOCKS);
	__type(key, __u32);
	__type(value, __u32);
} times SEC(".maps");

/* Ends a block: its time, in ns, and the next program. */
static __always_inline void turn_over(struct turn *turn)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 done = turn->count / BLOCK - 1;
	__u32 *time = bpf_map_lookup_elem(&times, &done);

	if (time)
		*time = now - turn->since;
	turn->since = now;
	turn->program = turn->program + 1 == PROGRAMS ? 0 : turn->program + 1;
}

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
	if (turn->count % BLOCK == 0)
		turn_over(turn);
	turn->count++;
	n = turn->at;
	turn->at = n + 1 == turn->flows ? 0 : n + 1;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		fresh(data + 34, &((struct iphdr *)(data + 14))->saddr, n);
	else
		fresh(data + 54, data + 14 + 8 + 12, n);
	/* constants: the calls become jumps */
	switch (turn->program) {
	case EMPTY: bpf_tail_call(ctx, &next, EMPTY); break;
	case BARE: bpf_tail_call(ctx, &next, BARE); break;
	case DOOR: bpf_tail_call(ctx, &next, DOOR); break;
	}
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
