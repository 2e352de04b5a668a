/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * TCP is steered and never rewritten. A SYN in XDP or tc finds out who listens;
 * sk_lookup, which may not look sockets up itself, acts on what is found.
 */
#ifndef TCP_H
#define TCP_H

#include "conf.h"

struct syn {
	__be32 ip[4]; /* the door's */
	__be16 port;
	__u8 id;
	__u8 flags; /* policy */
	__be16 target_port;
	__u8 target;
	__u8 pad;
};

/*
 * The listener of PORT at IP, referenced, or NULL. The remote end is left zero,
 * so that no connection, request or TIME_WAIT is found. The lookup runs the
 * sk_lookup program, which sees in `looking` that it is not meant.
 */
static __always_inline struct bpf_sock *listener_of(void *ctx, const __be32 *ip,
						    __be16 port, const int v)
{
	struct bpf_sock_tuple t = {};
	struct ap_looking *looking_at;
	struct bpf_sock *sk;
	__u32 zero = 0, size;

	looking_at = bpf_map_lookup_elem(&looking, &zero);
	if (!looking_at)
		return (void *)0;
	if (v == 4) {
		t.ipv4.daddr = ip[0];
		t.ipv4.dport = port;
		size = sizeof(t.ipv4);
		looking_at->ip[0] = ip[0];
	} else {
		__builtin_memcpy(t.ipv6.daddr, ip, 16);
		t.ipv6.dport = port;
		size = sizeof(t.ipv6);
		__builtin_memcpy(looking_at->ip, ip, 16);
	}
	looking_at->port = bpf_ntohs(port);
	*(volatile __u8 *)&looking_at->family = v;
	sk = bpf_skc_lookup_tcp(ctx, &t, size, BPF_F_CURRENT_NETNS, 0);
	*(volatile __u8 *)&looking_at->family = 0;
	if (sk && sk->state != BPF_TCP_LISTEN) {
		bpf_sk_release(sk);
		return (void *)0;
	}
	return sk;
}

/* Records whether the dialled port has a listener of its own. */
static __always_inline void listener_note(const struct syn *syn, int has)
{
	__u16 port = bpf_ntohs(syn->port);
	__u32 at = AP_LISTENER_WORD(syn->id, port);
	__u64 *word = bpf_map_lookup_elem(&listeners, &at);
	__u64 bit = 1ULL << (port & 63);

	if (!word || !!(*word & bit) == has)
		return;
	if (has)
		__sync_fetch_and_or(word, bit);
	else
		__sync_fetch_and_and(word, ~bit);
}

/*
 * The IPv4 field of a socket that is bound to one IPv6 address reads 127.0.0.6:
 * there the IPv6 one decides.
 */
static __always_inline int on_loopback(const struct bpf_sock *sk)
{
	if (sk->src_ip4 == bpf_htonl(0x7f000006))
		return !sk->src_ip6[0] && !sk->src_ip6[1] && !sk->src_ip6[2] &&
		       sk->src_ip6[3] == bpf_htonl(1);
	return bpf_ntohl(sk->src_ip4) >> 24 == 127;
}

/* Does the slot hold a listener of the target port that is not on loopback? */
static __always_inline int slot_is_good(__u32 slot, const struct syn *syn)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&sockets, &slot);
	int good;

	if (!sk)
		return 0;
	good = sk->state == BPF_TCP_LISTEN &&
	       sk->src_port == bpf_ntohs(syn->target_port) && !on_loopback(sk);
	bpf_sk_release(sk);
	return good;
}

/*
 * Makes sure that the slot of this address and target holds the target's
 * listener: at the door's address, which a wildcard one answers too, or else at
 * loopback (a TLS wrapper). 0 when it does.
 */
static __always_inline int slot_feed(void *ctx, const struct syn *syn,
				     const int v)
{
	__be32 loopback[4] = {};
	__u32 slot = AP_SOCKET((__u32)syn->id, (__u32)syn->target);
	struct bpf_sock *sk;
	long err;

	if (slot_is_good(slot, syn))
		return 0;
	sk = listener_of(ctx, syn->ip, syn->target_port, v);
	if (!sk) {
		if (v == 4)
			loopback[0] = bpf_htonl(0x7f000001);
		else
			loopback[3] = bpf_htonl(1);
		sk = listener_of(ctx, loopback, syn->target_port, v);
	}
	if (!sk)
		return -1;
	err = bpf_map_update_elem(&sockets, &slot, sk, BPF_ANY);
	bpf_sk_release(sk);
	return err ? -1 : 0;
}

static __always_inline int syn_in(void *ctx, struct syn *syn, const int v)
{
	struct bpf_sock *sk = listener_of(ctx, syn->ip, syn->port, v);
	int own = !!sk;

	if (sk)
		bpf_sk_release(sk);
	listener_note(syn, own);
	if (own && !(syn->flags & (AP_CLAIM | AP_OWN)))
		return AP_C_tcp_local;
	return slot_feed(ctx, syn, v) ? AP_C_tcp_no_target : AP_C_tcp_syn;
}

__noinline int syn_in4(HOOK *ctx, struct syn *syn)
{
	return syn ? syn_in(ctx, syn, 4) : AP_C_tcp_no_target;
}

__noinline int syn_in6(HOOK *ctx, struct syn *syn)
{
	return syn ? syn_in(ctx, syn, 6) : AP_C_tcp_no_target;
}

/* TCP to the door address DOOR_IP, which has ID: only SYNs are of interest. */
static __always_inline int tcp_in(HOOK *ctx, const struct conf *conf,
				  const struct packet *packet, void *data,
				  void *end, const void *door_ip, int id,
				  const int v)
{
	struct tcphdr *tcp = data + packet->l4;
	const struct ap_policy *policy;
	struct syn syn = {};

	if ((void *)(tcp + 1) > end || !tcp->syn || tcp->ack)
		return AP_C_MAX;
	policy = policy_of(conf, AP_TCP, tcp->dest);
	if (!policy || policy->flags & AP_PASS)
		return AP_C_pass_policy;
	__builtin_memcpy(syn.ip, door_ip, v == 4 ? 4 : 16);
	syn.port = tcp->dest;
	syn.id = id & (AP_IDS - 1);
	syn.flags = policy->flags;
	syn.target = policy->target & (AP_TARGETS - 1);
	syn.target_port = policy->port;
	return v == 4 ? syn_in4(ctx, &syn) : syn_in6(ctx, &syn);
}

#endif
