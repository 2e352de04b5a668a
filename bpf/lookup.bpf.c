/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* TCP: hands OpenVPN's listener to connections on any port of the door. */
#include "conf.h"
#include "ovpn.h"
#include "steer.h"

#define AF_INET  2
#define AF_INET6 10

/* Is this the lookup that XDP is doing on this processor right now? */
static __always_inline int is_ours(const struct bpf_sk_lookup *ctx, const int v)
{
	__u32 zero = 0;
	const struct ap_looking *l = bpf_map_lookup_elem(&looking, &zero);

	if (!l || l->family != v || l->port != ctx->local_port)
		return 0;
	if (v == 4)
		return l->ip[0] == ctx->local_ip4;
	return l->ip[0] == ctx->local_ip6[0] && l->ip[1] == ctx->local_ip6[1] &&
	       l->ip[2] == ctx->local_ip6[2] && l->ip[3] == ctx->local_ip6[3];
}

/*
 * For what the host sends to itself the kernel names the interface that has the
 * address, which may be an uplink: steer() tells it by its source where that is
 * a door address, as it is unless somebody has bound to another.
 */
static __always_inline int from_uplink(const struct ap_config *c, __u32 ifindex)
{
	NO_UNROLL
	for (__u32 i = 0; i < AP_UPLINKS && i < c->n_uplink; i++)
		if (c->uplink[i] == ifindex)
			return 1;
	return 0;
}

static __always_inline void hand_out(struct bpf_sk_lookup *ctx, __u32 id,
				     const struct ap_policy *policy)
{
	__u32 slot = AP_SOCKET(id, policy->target & (AP_TARGETS - 1));
	struct bpf_sock *sk = bpf_map_lookup_elem(&sockets, &slot);

	if (!sk)
		return;
	/* a slot may hold what listened there before a reload */
	if (sk->state == BPF_TCP_LISTEN &&
	    sk->src_port == bpf_ntohs(policy->port) &&
	    !bpf_sk_assign(ctx, sk, 0))
		count(AP_C_tcp_steered);
	bpf_sk_release(sk);
}

static __always_inline int steer(struct bpf_sk_lookup *ctx, const int v)
{
	const struct ap_policy *policy;
	__be32 local[4], remote[4];
	struct conf conf;
	int id;

	conf_read(&conf);
	if (!from_uplink(conf.c, ctx->ingress_ifindex))
		return SK_PASS;
	if (v == 4) {
		id = door_id4(conf.c, ctx->local_ip4);
		if (id < 0 || door_id4(conf.c, ctx->remote_ip4) >= 0)
			return SK_PASS;
	} else {
		for (int i = 0; i < 4; i++) {
			local[i] = ctx->local_ip6[i];
			remote[i] = ctx->remote_ip6[i];
		}
		id = door_id6(conf.c, local);
		if (id < 0 || door_id6(conf.c, remote) >= 0)
			return SK_PASS;
	}
	if (is_ours(ctx, v))
		return SK_PASS;
	id &= AP_IDS - 1;
	policy = steered_by(&conf, id, ctx->local_port, AP_CLAIM);
	if (policy)
		hand_out(ctx, id, policy);
	return SK_PASS;
}

SEC("sk_lookup")
int anyport_lookup(struct bpf_sk_lookup *ctx)
{
	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	if (ctx->family == AF_INET)
		return steer(ctx, 4);
	if (ctx->family == AF_INET6)
		return steer(ctx, 6);
	return SK_PASS;
}

char _license[] SEC("license") = "GPL";
