/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* tc.bpf.c for the host. */
#include "helpers.h"
#include "tc.bpf.c"
#include "twin_run.h"

int twin_tc(__u32 data, __u32 linear, __u32 len, int egress,
	    __u32 ingress_ifindex)
{
	struct __sk_buff skb = { .data = data,
				 .data_end = data + linear,
				 .len = len,
				 .ingress_ifindex = ingress_ifindex };

	return egress ? anyport_egress(&skb) : anyport_ingress(&skb);
}
