/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * One run of a program on the host. A context has 32 bits for the address of a
 * frame, and so it lies below 4 GiB.
 */
#ifndef FUZZ_TWIN_RUN_H
#define FUZZ_TWIN_RUN_H

#include <linux/bpf.h>

int twin_xdp(__u32 data, __u32 linear);
int twin_tc(__u32 data, __u32 linear, __u32 len, int egress,
	    __u32 ingress_ifindex);
int twin_lookup_run(struct bpf_sk_lookup *ctx);
int twin_peer_run(struct bpf_sock_addr *ctx);

#endif
