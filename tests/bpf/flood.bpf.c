/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The generator of floods: run on live frames, each time with another source
 * address, source port and dialled port, and another session id (UDP) or
 * sequence number (TCP). All checksums are right.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../lib/flood.h"

#define IPPROTO_TCP 6

const volatile struct flood_plan plan = {};
struct flood_state state;

/* splitmix64: never the same twice in 2^64. */
static __always_inline __u64 next(void)
{
	__u64 z;

	state.random += 0x9e3779b97f4a7c15ULL;
	z = state.random + plan.seed;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static __always_inline void put(void *at, __u16 word, __u32 *sum)
{
	*(__u16 *)at = word;
	*sum += word;
}

static __always_inline __u16 finish(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u16 not_zero(__u16 port)
{
	return port ?: bpf_htons(443);
}

/* Half are resets, a quarter is control, a quarter data. */
static __always_inline __u16 first_word(__u64 random)
{
	__u8 first = 7 << 3;

	if (plan.mixed && random & 1)
		first = random & 2 ? 4 << 3 : 9 << 3;
	return bpf_htons(first << 8);
}

/* Ports, and behind them what TCP or OpenVPN begin a session with. */
static __always_inline void vary_l4(void *l4, __u8 proto, __u32 sum)
{
	struct udphdr *udp = l4;
	struct tcphdr *tcp = l4;
	__u64 random = next(), kind = next();
	void *session = (void *)(udp + 1) + FLOOD_SESSION;

	put(&udp->source, not_zero(random), &sum);
	put(&udp->dest, not_zero(random >> 16), &sum);
	if (proto == IPPROTO_TCP) {
		put(&tcp->seq, random >> 32, &sum);
		put((void *)&tcp->seq + 2, random >> 48, &sum);
		tcp->check = finish(sum);
	} else {
		put(udp + 1, first_word(kind), &sum);
		put(session, random >> 32, &sum);
		put(session + 2, random >> 48, &sum);
		put(session + 4, kind >> 48, &sum);
		udp->check = finish(sum) ?: 0xffff;
	}
}

/* From 128.0.0.0/2: all of it can be on the Internet, none is in the lab. */
static __always_inline void vary4(struct iphdr *ip, __u32 sum, __u32 ip_sum)
{
	__u64 random = next();
	__u32 source = 0;
	void *at = &ip->saddr;

	put(at, bpf_htons(0x8000 | (random & 0x3fff)), &source);
	put(at + 2, random >> 16, &source);
	ip->check = finish(ip_sum + source);
	vary_l4(ip + 1, ip->protocol, sum + source);
}

/* 48 bits of the /64 vary: each packet is from another. */
static __always_inline void vary6(struct ipv6hdr *ip, __u32 sum)
{
	__u64 random = next();
	void *at = &ip->saddr;

	put(at + 2, random, &sum);
	put(at + 4, random >> 16, &sum);
	put(at + 6, random >> 32, &sum);
	vary_l4(ip + 1, ip->nexthdr, sum);
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data,
	     *end = (void *)(long)ctx->data_end;
	__u32 which = plan.frames > 1 ? state.made & 1 : 0, i;
	struct ethhdr *eth = data;
	__u64 *words = data;

	if (data + FLOOD_FRAME > end)
		return XDP_ABORTED;
	state.made++;
	for (i = 0; i < FLOOD_FRAME / 8; i++)
		words[i] = plan.frame[which][i];
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		vary4((void *)(eth + 1), plan.sum[which], plan.ip_sum[which]);
	else
		vary6((void *)(eth + 1), plan.sum[which]);
	return bpf_redirect(plan.ifindex, 0);
}

char _license[] SEC("license") = "GPL";
