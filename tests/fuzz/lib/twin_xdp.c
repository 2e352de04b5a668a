/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* xdp.bpf.c for the host. */
#include "helpers.h"

/* Words at odd places are what the programs read on purpose. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("alignment"))), \
			     apply_to = function)
#endif
#include "xdp.bpf.c"
#include "twin_run.h"

int twin_xdp(__u32 data, __u32 len)
{
	struct xdp_md ctx = { .data = data, .data_end = data + len };

	return anyport_xdp(&ctx);
}

#ifdef __clang__
#pragma clang attribute pop
#endif
