/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What a program defines before it includes the rest: HOOK, the type of its
 * context. Here is what needs the context to reach the packet again.
 */
#ifndef HOOK_H
#define HOOK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define WALK_CHAIN(hook, data, end, packet) walk_chain(hook, packet)
#define WHOLE_FRAME(hook, data, end)        FRAME_TOTAL(hook)

struct packet;
static __always_inline int walk_chain(HOOK *ctx, struct packet *packet);
#include "parse.h"

/* No offset beyond this is followed. The verifier, which has lost sight of
 * where an offset came from, must be shown a bound. */
#define MAX_OFFSET 0x7fff
#ifndef BOUND /* tests' own, where there is no verifier */
#define BOUND(off) asm volatile("%0 &= 0x7fff" : "+r"(off))
#endif

/* The header of SIZE bytes at OFF, or NULL. */
static __always_inline void *header_at(void *data, void *end, __u32 off,
				       __u32 size)
{
	void *at;

	if (off > MAX_OFFSET)
		return (void *)0;
	BOUND(off);
	at = data + off;
	return at + size <= end ? at : (void *)0;
}

/* Global: verified once, on its own. */
__noinline int walk_chain_global(HOOK *ctx, struct packet *packet)
{
	struct packet p;
	int result;

	if (!packet || packet->l4 > MAX_OFFSET)
		return PARSE_MALFORMED;
	p = *packet;
	BOUND(p.l4);
	result = parse_chain(ctx, (void *)(long)ctx->data,
			     (void *)(long)ctx->data_end, &p);
	*packet = p;
	return result;
}

/* On a copy: what a subprogram could write, the verifier knows no more. */
static __always_inline int walk_chain(HOOK *ctx, struct packet *packet)
{
	struct packet p = *packet;
	int result = walk_chain_global(ctx, &p);

	if (p.l4 > MAX_OFFSET)
		return PARSE_MALFORMED;
	packet->l4 = p.l4;
	BOUND(packet->l4);
	packet->end = p.end;
	packet->proto = p.proto;
	packet->fragment = p.fragment;
	return result;
}

#endif
