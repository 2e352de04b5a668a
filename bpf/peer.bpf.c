/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * TCP: the port by which a server knows a member. OpenVPN knows a peer by
 * address and port alone, and steered connections keep what was dialled, so two
 * of them may come from one address and port. accept() reports the peer through
 * getpeername programs: the second one is reported under an alias port. No
 * packet is touched.
 */
#include "flow.h"
#include "steer.h"

#define AF_INET  2
#define AF_INET6 10

/* Programs of a cgroup see the sockets of every network namespace. */
const volatile __u64 netns;

/* The fields of the kernel's sockets that are read here. */
#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct sock {
	__u32 sk_max_ack_backlog;
};
struct inet_sock {
	struct sock sk;
};
struct inet_connection_sock {
	struct inet_sock icsk_inet;
};
struct tcp_sock {
	struct inet_connection_sock inet_conn;
};
#pragma clang attribute pop

/* One connection that a server was told of. IPv4 is mapped into IPv6. */
struct told {
	struct seek seek; /* its key is where it is looked for */
	struct ap_peer peer;
};

/*
 * A connection that was accepted is a copy of its listener, backlog and all;
 * one that this host opened never had a backlog.
 */
static __always_inline int was_accepted(struct bpf_sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	return tcp && tcp->inet_conn.icsk_inet.sk.sk_max_ack_backlog;
}

static __always_inline int is_mapped(const __be32 *ip)
{
	return !ip[0] && !ip[1] && ip[2] == bpf_htonl(0xffff);
}

static __always_inline void map_ip4(__be32 *out, __be32 ip)
{
	out[0] = 0;
	out[1] = 0;
	out[2] = bpf_htonl(0xffff);
	out[3] = ip;
}

/* Both ends of the socket; an IPv4 peer of an IPv6 socket is IPv4. */
static __always_inline void ends_of(struct bpf_sock_addr *ctx,
				    struct bpf_sock *sk, struct told *told,
				    const int v)
{
	__be32 *member = told->seek.key.k6.addr, *door = told->peer.door;

	if (v == 4) {
		map_ip4(member, ctx->user_ip4);
	} else {
		for (int i = 0; i < 4; i++) {
			member[i] = ctx->user_ip6[i];
			door[i] = sk->src_ip6[i];
		}
	}
	if (is_mapped(member))
		map_ip4(door, sk->src_ip4);
	told->peer.real = ctx->user_port;
	told->peer.dialled = bpf_htons(sk->src_port);
}

static __always_inline int door_id(const struct ap_config *c, const __be32 *ip)
{
	return is_mapped(ip) ? door_id4(c, ip[3]) : door_id6(c, ip);
}

/* Is the connection of PEER, from the member at IP, still there? */
static __always_inline int is_on(struct bpf_sock_addr *ctx, const __be32 *ip,
				 const struct ap_peer *peer)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;
	__u32 size;
	int on;

	if (is_mapped(ip)) {
		t.ipv4.saddr = ip[3];
		t.ipv4.daddr = peer->door[3];
		t.ipv4.sport = peer->real;
		t.ipv4.dport = peer->dialled;
		size = sizeof(t.ipv4);
	} else {
		__builtin_memcpy(t.ipv6.saddr, ip, 16);
		__builtin_memcpy(t.ipv6.daddr, peer->door, 16);
		t.ipv6.sport = peer->real;
		t.ipv6.dport = peer->dialled;
		size = sizeof(t.ipv6);
	}
	sk = bpf_skc_lookup_tcp(ctx, &t, size, BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	/* A listener is found when there is no connection. One that the server
	 * has closed is TIME_WAIT as soon as the member knows. */
	on = sk->state != BPF_TCP_LISTEN && sk->state != BPF_TCP_TIME_WAIT &&
	     sk->state != BPF_TCP_NEW_SYN_RECV;
	bpf_sk_release(sk);
	return on;
}

static __always_inline int is_same(const struct ap_peer *a,
				   const struct ap_peer *b)
{
	return a->real == b->real && a->dialled == b->dialled &&
	       load64(a->door) == load64(b->door) &&
	       load64(a->door + 2) == load64(b->door + 2);
}

/* Was a server told of this very connection, or one like it, before? */
static __always_inline int find(struct told *told)
{
	NO_UNROLL
	for (__u32 i = 0; i < CANDIDATES; i++) {
		const struct ap_peer *peer;

		seek_at(&told->seek, seek_candidate(&told->seek, i), 6);
		peer = bpf_map_lookup_elem(&peers, &told->seek.key.k6);
		if (peer && is_same(peer, &told->peer))
			return 1;
	}
	return 0;
}

/* Takes the first candidate that is no live connection's. */
static __always_inline int take(struct bpf_sock_addr *ctx, struct told *told)
{
	struct ap_key6 *key = &told->seek.key.k6;

	NO_UNROLL
	for (__u32 i = 0; i < CANDIDATES; i++) {
		struct ap_peer *peer, other;

		seek_at(&told->seek, seek_candidate(&told->seek, i), 6);
		peer = bpf_map_lookup_elem(&peers, key);
		if (peer) {
			other = *peer;
			if (is_on(ctx, key->addr, &other))
				continue;
			bpf_map_delete_elem(&peers, key);
		}
		if (!bpf_map_update_elem(&peers, key, &told->peer, BPF_NOEXIST))
			return 1;
	}
	return 0;
}

/* Sets the key of TOLD to the port to report. 0: as it is. */
static __always_inline int choose(struct bpf_sock_addr *ctx,
				  const struct ap_config *c, struct told *told)
{
	struct ap_key6 *key = &told->seek.key.k6;
	const struct ap_peer *peer;

	peer = bpf_map_lookup_elem(&peers, key);
	if (peer ? is_same(peer, &told->peer)
		 : !bpf_map_update_elem(&peers, key, &told->peer, BPF_NOEXIST))
		return 0;
	/* the hash is only paid for on a collision */
	__builtin_memcpy(told->seek.door_ip, told->peer.door, 16);
	seek_hash(&told->seek, 6);
	return find(told) || take(ctx, told);
}

static __always_inline int peername(struct bpf_sock_addr *ctx, const int v)
{
	const struct ap_policy *policy;
	struct told told = {};
	struct bpf_sock *sk = ctx->sk;
	struct conf conf;
	int id;

	if (!sk || ctx->protocol != IPPROTO_TCP ||
	    bpf_get_netns_cookie(ctx) != netns)
		return 1;
	conf_read(&conf);
	ends_of(ctx, sk, &told, v);
	id = door_id(conf.c, told.peer.door);
	if (id < 0 || !was_accepted(sk))
		return 1;
	policy = steered_by(&conf, id, sk->src_port, AP_CLAIM | AP_OWN);
	if (!policy)
		return 1;
	told.seek.real = told.peer.real;
	told.seek.dialled = told.peer.dialled;
	told.seek.key.k6.port = told.peer.real;
	told.seek.key.k6.target = policy->port;
	if (choose(ctx, conf.c, &told) &&
	    told.seek.key.k6.port != told.peer.real) {
		ctx->user_port = told.seek.key.k6.port;
		count(AP_C_tcp_alias);
	}
	return 1;
}

SEC("cgroup/getpeername4")
int anyport_peer4(struct bpf_sock_addr *ctx)
{
	return peername(ctx, 4);
}

SEC("cgroup/getpeername6")
int anyport_peer6(struct bpf_sock_addr *ctx)
{
	return peername(ctx, 6);
}

char _license[] SEC("license") = "GPL";
