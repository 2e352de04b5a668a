/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The door at the uplink: what arrives, before the stack sees it. */
#include "maps.h"

const volatile __u32 instance;

SEC("xdp.frags")
int anyport_xdp(struct xdp_md *ctx)
{
	return instance == ~0U ? XDP_ABORTED : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
