/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The door at the uplink: what arrives, before the stack sees it. */
#define HOOK             struct xdp_md
#define FRAME_TOTAL(ctx) bpf_xdp_get_buff_len(ctx)
#include "hook.h"
#include "decide.h"
#include "hot.h"
#include "rewrite.h"
#include <xdp/xdp_helpers.h>

/* Set before load; see struct ap_active. */
/* 0: alone on its uplink, so that it always acts */
const volatile __u32 instance;

/* What libxdp's dispatcher reads: filters go first, we pass everything on. */
struct {
	__uint(priority, 50);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(anyport_xdp);

static __always_inline void edit_quote(void *data, void *end,
				       const struct edit *edit)
{
	struct icmp_header *icmp =
		header_at(data, end, edit->icmp, sizeof(*icmp));
	struct udphdr *udp = header_at(data, end, edit->l4, sizeof(*udp));

	if (icmp && udp)
		rewrite_quoted(&icmp->check, udp, edit->source, edit->dest);
}

static __always_inline int finish(struct xdp_md *ctx, int verdict,
				  const struct edit *edit)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct udphdr *udp;

	count(verdict);
	switch (action_of(verdict)) {
	case EDIT_UDP:
		udp = header_at(data, end, edit->l4, sizeof(*udp));
		if (udp)
			rewrite_udp(udp, edit->source, edit->dest);
		break;
	case EDIT_QUOTE: edit_quote(data, end, edit); break;
	case DROP: return XDP_DROP;
	case LEAVE: break;
	}
	return XDP_PASS;
}

/* Whatever is not on the hot path. A function of its own keeps that one lean.
 */
__noinline int door_rest(struct xdp_md *ctx)
{
	struct frame frame = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct edit edit = {};
	struct conf conf;
	int verdict;

	conf_read(&conf);
	frame.length = frame.end - frame.data;
	verdict = door_in(ctx, &conf, &frame, &edit);
	return verdict == AP_C_MAX ? XDP_PASS : finish(ctx, verdict, &edit);
}

SEC("xdp.frags")
int anyport_xdp(struct xdp_md *ctx)
{
	struct conf conf;

	conf_read(&conf);
	if (instance && conf.instance != instance)
		return XDP_PASS;
	if (likely(hot_in(&conf, (void *)(long)ctx->data,
			  (void *)(long)ctx->data_end)))
		return XDP_PASS;
	return door_rest(ctx);
}

char _license[] SEC("license") = "GPL";
