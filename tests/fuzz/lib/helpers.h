/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Stands in for libbpf's bpf_helpers.h and libxdp's xdp_helpers.h when the
 * programs are compiled for the host: what is a helper of the kernel there is a
 * function of twin.c here.
 */
#ifndef FUZZ_HELPERS_H
#define FUZZ_HELPERS_H

#define __BPF_HELPERS__
#define __XDP_HELPERS_H

#include <stddef.h>
#include <linux/bpf.h>

#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"

/* Maps and global data are shared by name, as the loader does it. */
#define SEC(name)       __attribute__((weak, used))
#define __uint(name, n) int(*name)[n]
#define __type(name, t) t *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
/* Each program has its own: they differ in the context. */
#define __noinline         static __attribute__((noinline))
#define barrier()          asm volatile("" ::: "memory")
#define BOUND(off)         ((off) &= 0x7fff)
#define XDP_RUN_CONFIG(of) run_config_##of

/* libbpf has functions of these names for user space. */
#define bpf_map_lookup_elem twin_lookup
#define bpf_map_update_elem twin_update
#define bpf_map_delete_elem twin_delete
void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value,
			 __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
__u64 bpf_get_netns_cookie(void *ctx);
struct tcp_sock;
struct tcp_sock *bpf_skc_to_tcp_sock(void *sk);
__u64 bpf_ktime_get_coarse_ns(void);
__u64 bpf_jiffies64(void);
void bpf_spin_lock(struct bpf_spin_lock *lock);
void bpf_spin_unlock(struct bpf_spin_lock *lock);
struct bpf_sock *bpf_sk_lookup_udp(void *ctx, struct bpf_sock_tuple *t,
				   __u32 size, __u64 netns, __u64 flags);
struct bpf_sock *bpf_skc_lookup_tcp(void *ctx, struct bpf_sock_tuple *t,
				    __u32 size, __u64 netns, __u64 flags);
void bpf_sk_release(struct bpf_sock *sk);
long bpf_sk_assign(void *ctx, void *sk, __u64 flags);
__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx);
long bpf_skb_pull_data(struct __sk_buff *skb, __u32 len);
long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 off, void *to,
			__u32 len);
long bpf_skb_store_bytes(struct __sk_buff *skb, __u32 off, const void *from,
			 __u32 len, __u64 flags);
long bpf_l4_csum_replace(struct __sk_buff *skb, __u32 off, __u64 from, __u64 to,
			 __u64 flags);

#endif
