/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* peer.bpf.c for the host. */
#include "helpers.h"

/* Where the kernel has its fields is of no matter here. */
#define preserve_access_index annotate("kernel")
#include "peer.bpf.c"
#include "twin_run.h"

struct tcp_sock *bpf_skc_to_tcp_sock(void *sk)
{
	static struct tcp_sock tcp;
	int accepted = !((struct bpf_sock *)sk)->mark;

	tcp.inet_conn.icsk_inet.sk.sk_max_ack_backlog = accepted ? 8 : 0;
	return &tcp;
}

int twin_peer_run(struct bpf_sock_addr *ctx)
{
	return ctx->user_family == AF_INET ? anyport_peer4(ctx)
					   : anyport_peer6(ctx);
}
