/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The kernel's helpers, as far as the programs call them, for the twin. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "helpers.h"
#include "sum.h"
#include "twin.h"
#include "twin_map.h"

unsigned long long twin_ns;
unsigned int twin_length, twin_assigned;

__u64 bpf_ktime_get_coarse_ns(void)
{
	return twin_ns;
}

__u64 bpf_jiffies64(void)
{
	return twin_ns / 4000000;
}

static int held; /* one lock at a time is what the verifier allows */

void bpf_spin_lock(struct bpf_spin_lock *lock)
{
	if (held++)
		abort();
}

void bpf_spin_unlock(struct bpf_spin_lock *lock)
{
	if (--held)
		abort();
}

/* ---- sockets ------------------------------------------------------------*/

/* On every address: OpenVPN's over TCP, and a service of each protocol. */
static struct bpf_sock udp_service;
static struct bpf_sock listener[] = {
	{ .state = BPF_TCP_LISTEN, .src_port = TARGET },
	{ .state = BPF_TCP_LISTEN, .src_port = SERVICE_TCP },
};
static struct bpf_sock connection[TWIN_CONNECTIONS];
static int references;

__u64 bpf_get_netns_cookie(void *ctx)
{
	return 0; /* as the program's `netns` */
}

struct bpf_sock *twin_connection(unsigned int i)
{
	return &connection[i];
}

/* Does SK have both ends of T? Its ports: the host's in host byte order. */
static bool is_at(const struct bpf_sock *sk, const struct bpf_sock_tuple *t,
		  __u32 size)
{
	if (!sk->state)
		return false;
	if (size == sizeof(t->ipv4))
		return sk->family == AF_INET && sk->dst_ip4 == t->ipv4.saddr &&
		       sk->src_ip4 == t->ipv4.daddr &&
		       sk->dst_port == t->ipv4.sport &&
		       htons(sk->src_port) == t->ipv4.dport;
	return sk->family == AF_INET6 &&
	       !memcmp(sk->dst_ip6, t->ipv6.saddr, 16) &&
	       !memcmp(sk->src_ip6, t->ipv6.daddr, 16) &&
	       sk->dst_port == t->ipv6.sport &&
	       htons(sk->src_port) == t->ipv6.dport;
}

static __be16 dialled(const struct bpf_sock_tuple *t, __u32 size)
{
	return size == sizeof(t->ipv4) ? t->ipv4.dport : t->ipv6.dport;
}

struct bpf_sock *bpf_sk_lookup_udp(void *ctx, struct bpf_sock_tuple *t,
				   __u32 size, __u64 netns, __u64 flags)
{
	if (ntohs(dialled(t, size)) != SERVICE_UDP)
		return NULL;
	references++;
	return &udp_service;
}

struct bpf_sock *bpf_skc_lookup_tcp(void *ctx, struct bpf_sock_tuple *t,
				    __u32 size, __u64 netns, __u64 flags)
{
	for (size_t i = 0; i < TWIN_CONNECTIONS; i++) {
		if (!is_at(&connection[i], t, size))
			continue;
		references++;
		return &connection[i];
	}
	for (size_t i = 0; i < 2; i++) {
		if (listener[i].src_port != ntohs(dialled(t, size)))
			continue;
		references++;
		return &listener[i];
	}
	return NULL;
}

void *twin_socket(void *slot)
{
	struct bpf_sock *sk;

	memcpy(&sk, slot, sizeof(sk));
	references += !!sk;
	return sk;
}

void bpf_sk_release(struct bpf_sock *sk)
{
	references--;
}

long bpf_sk_assign(void *ctx, void *sk, __u64 flags)
{
	twin_assigned = ((struct bpf_sock *)sk)->src_port;
	return 0;
}

void twin_sockets_reset(void)
{
	if (references || held)
		abort();
	memset(connection, 0, sizeof(connection));
}

/* ---- packets ------------------------------------------------------------*/

__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx)
{
	return twin_length;
}

long bpf_skb_pull_data(struct __sk_buff *skb, __u32 len)
{
	if (len > skb->len)
		return -1;
	if (len > skb->data_end - skb->data) {
		skb->data_end = skb->data + len;
		twin_pull(skb->data_end);
	}
	return 0;
}

static uint8_t *at(const struct __sk_buff *skb, __u32 off, __u32 len)
{
	if (off > skb->len || len > skb->len - off)
		return NULL;
	return (uint8_t *)(uintptr_t)skb->data + off;
}

long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 off, void *to,
			__u32 len)
{
	const uint8_t *from = at(skb, off, len);

	if (!from)
		return -1;
	memcpy(to, from, len);
	return 0;
}

long bpf_skb_store_bytes(struct __sk_buff *skb, __u32 off, const void *from,
			 __u32 len, __u64 flags)
{
	uint8_t *to = at(skb, off, len);

	if (!to)
		return -1;
	memcpy(to, from, len);
	return 0;
}

/* By the plain sum over both values and not by the programs' arithmetic. */
long bpf_l4_csum_replace(struct __sk_buff *skb, __u32 off, __u64 from, __u64 to,
			 __u64 flags)
{
	uint8_t *check = at(skb, off, 2);
	uint32_t old = ~(uint32_t)from, new = to;
	uint64_t sum;

	if (!check)
		return -1;
	if (flags & BPF_F_MARK_MANGLED_0 && !check[0] && !check[1])
		return 0;
	sum = (~(check[0] << 8 | check[1])) & 0xffff;
	sum = sum_add(sum, (uint8_t *)&old, 4);
	sum = sum_finish(sum_add(sum, (uint8_t *)&new, 4));
	if (flags & BPF_F_MARK_MANGLED_0 && !sum)
		sum = 0xffff;
	check[0] = sum >> 8;
	check[1] = sum & 0xff;
	return 0;
}
