/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The door at clsact: what leaves, and, with attach = tc, what arrives. */
#include "maps.h"

SEC("tc")
int anyport_ingress(struct __sk_buff *skb)
{
	return -1;
}

SEC("tc")
int anyport_egress(struct __sk_buff *skb)
{
	return -1;
}

char _license[] SEC("license") = "GPL";
