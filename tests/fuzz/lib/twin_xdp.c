/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* xdp.bpf.c for the host. */
#include "helpers.h"
#include "xdp.bpf.c"
#include "twin_run.h"

int twin_xdp(__u32 data, __u32 linear)
{
	struct xdp_md ctx = { .data = data, .data_end = data + linear };

	return anyport_xdp(&ctx);
}
