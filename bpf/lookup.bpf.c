/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* TCP: hands OpenVPN's listener to connections on any port of the door. */
#include "maps.h"

SEC("sk_lookup")
int anyport_lookup(struct bpf_sk_lookup *ctx)
{
	return SK_PASS;
}

char _license[] SEC("license") = "GPL";
