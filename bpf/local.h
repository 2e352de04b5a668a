/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Is UDP that came to a door address the host's own, or that of its clients? */
#ifndef LOCAL_H
#define LOCAL_H

#include "conf.h"
#include "flow.h"

/*
 * A packet that missed the established table. No pointers: the functions that
 * take it are global, so that the verifier looks at each once and not once for
 * every way that leads there.
 */
struct miss {
	struct seek seek;
	__u64 prefix;
	__u32 generation;
	__u16 class;
	__u16 flags; /* the port's policy */
};

/* Does this answer what a masqueraded client behind this host has sent? */
static __always_inline int is_remembered(const struct miss *m,
					 const struct ap_config *c, const int v)
{
	__u16 local = bpf_ntohs(m->seek.dialled);
	__u32 *seen;

	/* as udp_remember() has it: a look-up in the kernel's hash is dear */
	if (local < c->nat_first || local > c->nat_last)
		return 0;
	if (v == 4) {
		struct ap_nat4 key = {
			.addr = m->seek.key.k4.addr,
			.port = m->seek.real,
			.local = m->seek.dialled,
			.door = m->seek.door,
		};
		seen = bpf_map_lookup_elem(&nat4, &key);
	} else {
		struct ap_nat6 key = {
			.port = m->seek.real,
			.local = m->seek.dialled,
			.door = m->seek.door,
		};
		__builtin_memcpy(key.addr, m->seek.key.k6.addr, 16);
		seen = bpf_map_lookup_elem(&nat6, &key);
	}
	return seen && (__s32)(m->seek.tick - *seen) <= (__s32)c->idle_nat;
}

/*
 * Where no socket was when one was last looked for, and in which tick: looking
 * costs more than all else about a packet that the limiter refuses. Not where
 * the host's own sockets are connected, by default, or its clients masqueraded:
 * a connected socket is found by nobody but its peer. Each program has its own.
 */
#define VACANT    8192 /* a power of two */
#define EPHEMERAL 32768
static __u64 vacant[VACANT];

static __always_inline __u64 *vacant_word(const struct miss *m, __u64 *is)
{
	__u32 port = bpf_ntohs(m->seek.dialled), id = m->seek.door;

	*is = (__u64)m->seek.tick << 32 | id << 16 | port;
	return &vacant[(port ^ id << 7) & (VACANT - 1)];
}

/* Has there been no local socket in this tick, or does none matter? */
static __always_inline int was_vacant(const struct miss *m,
				      const struct ap_config *c)
{
	__u64 is, *word = vacant_word(m, &is);
	__u16 local = bpf_ntohs(m->seek.dialled);

	if (m->flags & (AP_CLAIM | AP_OWN))
		return 1;
	return *(volatile __u64 *)word == is && c->filter &&
	       local < EPHEMERAL && local < c->nat_first;
}

static __always_inline int has_local_socket(void *ctx, const struct miss *m,
					    const int v)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;
	__u32 size;

	if (v == 4) {
		t.ipv4.saddr = m->seek.key.k4.addr;
		t.ipv4.daddr = m->seek.door_ip[0];
		t.ipv4.sport = m->seek.real;
		t.ipv4.dport = m->seek.dialled;
		size = sizeof(t.ipv4);
	} else {
		__builtin_memcpy(t.ipv6.saddr, m->seek.key.k6.addr, 16);
		__builtin_memcpy(t.ipv6.daddr, m->seek.door_ip, 16);
		t.ipv6.sport = m->seek.real;
		t.ipv6.dport = m->seek.dialled;
		size = sizeof(t.ipv6);
	}
	sk = bpf_sk_lookup_udp(ctx, &t, size, BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	bpf_sk_release(sk);
	return 1;
}

/* Does a socket of the host's own answer? */
static __always_inline int is_local(void *ctx, const struct miss *m,
				    const int v)
{
	__u64 is, *word;

	if (m->flags & (AP_CLAIM | AP_OWN))
		return 0;
	if (has_local_socket(ctx, m, v))
		return 1;
	word = vacant_word(m, &is);
	*(volatile __u64 *)word = is;
	return 0;
}

#endif
