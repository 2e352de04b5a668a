/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* lookup.bpf.c for the host. */
#include "helpers.h"
#include "lookup.bpf.c"
#include "twin_run.h"

int twin_lookup_run(struct bpf_sk_lookup *ctx)
{
	return anyport_lookup(ctx);
}
