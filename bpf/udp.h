/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* UDP to and from a door address: which flow, and which ports instead. */
#ifndef UDP_H
#define UDP_H

#include "conf.h"
#include "flow.h"
#include "limit.h"
#include "local.h"
#include "ovpn.h"

/* What finish() is to write, and where; offsets from the frame's start. */
struct edit {
	__u32 l4;   /* the UDP header to change */
	__u32 icmp; /* for a quote: the ICMP header around it */
	__be16 source, dest;
};

/*
 * Packets that a verified flow may ever send before the limiter counts: a TLS
 * handshake takes some 20, and the budgets have room for those who resend a
 * lot.
 */
#define ALLOWANCE 128

/* A source that nobody from outside can have, or that cannot be answered. */
static __always_inline int source_is_odd(const struct miss *m,
					 const struct ap_config *c, const int v)
{
	const __be32 *ip;
	__u32 first;

	if (!m->seek.real)
		return 1;
	if (v == 4) {
		first = bpf_ntohl(m->seek.key.k4.addr) >> 24;
		return first == 0 || first == 127 || first >= 224 ||
		       door_id4(c, m->seek.key.k4.addr) >= 0;
	}
	ip = m->seek.key.k6.addr;
	if (!(ip[0] | ip[1] | ip[2]))
		return 1; /* ::, ::1 and other relics */
	return (bpf_ntohl(ip[0]) >> 24) == 0xff || door_id6(c, ip) >= 0;
}

/* A packet of a half-open flow: the limiter still has its say. */
static __always_inline int udp_half_open(const struct miss *m,
					 const struct ap_config *c,
					 struct ap_flow *flow, int admitted)
{
	int verified = flow->state == AP_VERIFIED;

	if (admitted)
		;
	else if (verified && flow->allowance < ALLOWANCE)
		flow->allowance++;
	else if (!limit_admits(c, m->class, m->prefix))
		return AP_C_drop_reset + m->class;
	flow->seen = m->seek.tick;
	return verified ? AP_C_udp_verified : AP_C_udp_half_open;
}

static __always_inline int udp_create(struct miss *m, const struct ap_config *c,
				      int admitted, const int v)
{
	/* first packets make flows: nobody gets a slot past the limiter */
	if (!admitted && !limit_admits(c, m->class, m->prefix))
		return AP_C_drop_reset + m->class;
	switch (flow_create(&m->seek, c, v)) {
	case CREATED: return AP_C_udp_new;
	case CREATED_ALIAS: count(AP_C_udp_alias); return AP_C_udp_new;
	case CREATED_TAKEOVER: count(AP_C_udp_takeover); return AP_C_udp_new;
	case NOT_CREATED: break;
	}
	/* under another flow's port OpenVPN would mix two members up */
	return AP_C_drop_aliases;
}

/*
 * Steps 1 and 3 to 7 of the decision, for what is not an established flow under
 * the member's own port. The key of M's seek has the port that OpenVPN sees.
 */
static __always_inline int udp_miss(void *ctx, struct miss *m, const int v)
{
	const struct ap_config *c;
	struct ap_flow *flow;
	struct conf conf;
	__u32 candidates = 1;
	int admitted = 0, early;

	conf_of(&conf, m->generation);
	c = conf.c;
	/* IPv6 delivers what claims to come from ourselves; a target's own
	 * port must not be open to that */
	if (source_is_odd(m, c, v))
		return m->flags & AP_OWN ? AP_C_drop_source : AP_C_pass_source;
	if (maybe_aliased(&m->seek, v)) {
		candidates = CANDIDATES;
		seek_hash(&m->seek, v);
		flow = flow_find(1, &m->seek, c, 1, candidates, v);
		if (flow) {
			flow->seen = m->seek.tick;
			return AP_C_udp_established;
		}
	}
	if (m->class == OVPN_UNKNOWN) {
		/* as OpenVPN would, but before its socket buffer fills */
		if (c->filter)
			return m->flags & AP_OWN ? AP_C_drop_not_openvpn
						 : AP_C_pass_not_openvpn;
		m->class = AP_RESET;
	}
	if (!(m->flags & AP_OWN) && is_remembered(m, c, v))
		return AP_C_pass_remembered;
	/*
	 * Whose flow is verified has OpenVPN's answer and sends no reset any
	 * more: resets meet the limiter before a table that a flood keeps out
	 * of the cache, and before the socket tables where that can be.
	 */
	early = m->class == AP_RESET && was_vacant(m, c);
	if (!early && is_local(ctx, m, v))
		return AP_C_pass_local;
	if (m->class == AP_RESET) {
		admitted = limit_admits(c, AP_RESET, m->prefix);
		if (!admitted)
			return AP_C_drop_reset;
	}
	if (early && is_local(ctx, m, v))
		return AP_C_pass_local;
	flow = flow_find(0, &m->seek, c, 0, candidates, v);
	return flow ? udp_half_open(m, c, flow, admitted)
		    : udp_create(m, c, admitted, v);
}

__noinline int udp_miss4(HOOK *ctx, struct miss *m)
{
	return m ? udp_miss(ctx, m, 4) : AP_C_pass_policy;
}

__noinline int udp_miss6(HOOK *ctx, struct miss *m)
{
	return m ? udp_miss(ctx, m, 6) : AP_C_pass_policy;
}

/* The rest of udp_in() for what is not an established flow. */
static __always_inline int
udp_in_miss(HOOK *ctx, const struct conf *conf, const struct packet *packet,
	    const struct udphdr *udp, void *end, const union flow_key *key,
	    const void *door_ip, __u8 id, __u8 flags, __u32 tick,
	    struct edit *edit, const int v)
{
	struct miss m = {};
	int verdict;

	m.seek.key = *key;
	m.seek.real = udp->source;
	m.seek.dialled = udp->dest;
	m.seek.door = id;
	m.seek.tick = tick;
	seek_hashable(&m.seek, door_ip, v);
	m.generation = conf->generation;
	m.flags = flags;
	m.prefix = v == 4 ? key->k4.addr : load64(key->k6.addr);
	m.class = ovpn_classify(udp + 1, end, packet->length - sizeof(*udp),
				packet->fragment);
	verdict = v == 4 ? udp_miss4(ctx, &m) : udp_miss6(ctx, &m);
	edit->source = seek_port(&m.seek, v);
	return verdict;
}

/* UDP from MEMBER to the door address DOOR_IP, which has ID. */
static __always_inline int udp_in(HOOK *ctx, const struct conf *conf,
				  const struct packet *packet, void *data,
				  void *end, const void *member,
				  const void *door_ip, __u8 id,
				  struct edit *edit, const int v)
{
	struct udphdr *udp = data + packet->l4;
	const struct ap_policy *policy;
	union flow_key key = {};
	struct ap_flow *flow;
	__u32 tick;

	if ((void *)(udp + 1) > end)
		return AP_C_pass_malformed;
	policy = policy_of(conf, AP_UDP, udp->dest);
	if (!policy || unlikely(policy->flags & AP_PASS))
		return AP_C_pass_policy;
	if (v == 6 && unlikely(!udp->check))
		return AP_C_pass_checksum;

	edit->l4 = packet->l4;
	edit->source = udp->source;
	edit->dest = policy->port;
	key_make(&key, member, udp->source, policy->port, v);
	tick = now_tick();
	flow = flows_find(conf->c, &key, v);
	if (likely(flow && flow->real == udp->source &&
		   flow->dialled == udp->dest && flow->door == id &&
		   flow_alive(flow, tick, conf->c->idle_established))) {
		if (flow->seen != tick)
			flow->seen = tick;
		return AP_C_udp_established;
	}
	return udp_in_miss(ctx, conf, packet, udp, end, &key, door_ip, id,
			   policy->flags, tick, edit, v);
}

/* ---- out ----------------------------------------------------------------*/

/*
 * Moves a half-open flow on by what OpenVPN has just sent it. Promotion copies
 * the entry and lets the half-open one age, so that a reader on another
 * processor finds one of the two at any moment.
 */
static __always_inline void flow_promote(const struct ap_config *c,
					 const union flow_key *key,
					 struct ap_flow *flow,
					 enum ap_state proven, __u64 prefix,
					 const int v)
{
	struct ap_flow copy;

	if (proven <= flow->state)
		return;
	if (proven == AP_VERIFIED) {
		flow->state = AP_VERIFIED;
		count(AP_C_verified);
		return;
	}
	copy = *flow;
	if (flow_moved(flow, key, v))
		return;
	copy.state = AP_ESTABLISHED;
	flows_put(c, key, &copy, v);
	count(AP_C_established);
	prefix_known(c, prefix, copy.seen);
}

/* Once in 64 ticks is enough for an hour. */
static __always_inline void flow_note_known(const struct ap_config *c,
					    struct ap_flow *flow, __u64 prefix,
					    __u32 tick)
{
	__u8 now = tick >> 6;

	if (likely(flow->known == now))
		return;
	flow->known = now;
	prefix_known(c, prefix, tick);
}

/*
 * A packet that OpenVPN sends to MEMBER from the address with ID; -1: not one
 * of the door, as from an OpenVPN without multihome.
 */
static __always_inline int udp_out(const struct ap_config *c,
				   const struct packet *packet, void *data,
				   void *end, const void *member, int id,
				   struct edit *edit, const int v)
{
	struct udphdr *udp = data + packet->l4;
	const __u8 *first = (const void *)(udp + 1);
	union flow_key key = {};
	struct ap_flow *flow;
	__u64 prefix;
	__u32 tick;

	if ((void *)(udp + 1) > end)
		return AP_C_MAX;
	tick = now_tick();
	key_make(&key, member, udp->dest, udp->source, v);
	flow = reply_find(c, &key, v);
	if (unlikely(!flow))
		return id < 0 ? AP_C_MAX : AP_C_out_unknown;
	if (unlikely(flow->door != id))
		return AP_C_out_address;
	if (flow->seen != tick)
		flow->seen = tick;
	edit->l4 = packet->l4;
	edit->source = flow->dialled;
	edit->dest = flow->real;
	if (unlikely(flow_moved(flow, &key, v)))
		return AP_C_out_unknown;
	prefix = v == 4 ? *(const __be32 *)member : load64(member);
	if (likely(flow->state == AP_ESTABLISHED)) {
		flow_note_known(c, flow, prefix, tick);
		flows_settle(c, &key, v);
	} else if ((const void *)(first + 1) <= end) {
		flow_promote(c, &key, flow, ovpn_proves(*first), prefix, v);
	}
	return AP_C_out_restored;
}

/* A half-open flow that an outsider made with the tuple of SEEK must not
 * shadow the host's own traffic. */
static __always_inline void forget_half(struct seek *seek,
					const struct ap_config *c, const int v)
{
	__u32 candidates = 1;
	struct ap_flow *flow;

	if (maybe_aliased(seek, v)) {
		candidates = CANDIDATES;
		seek_hash(seek, v);
	}
	flow = flow_find(0, seek, c, 0, candidates, v);
	if (flow)
		flow_remove(flow);
}

/* Forwarded UDP that leaves from a door address: its replies are not ours. */
static __always_inline int udp_remember(const struct conf *conf,
					const struct packet *packet, void *data,
					void *end, const void *remote,
					const void *door_ip, int id,
					const int v)
{
	struct udphdr *udp = data + packet->l4;
	const struct ap_policy *policy;
	struct ap_nat4 k4 = {};
	struct ap_nat6 k6 = {};
	struct seek s = {};
	__u32 tick, *seen;
	void *key = v == 4 ? (void *)&k4 : (void *)&k6;
	__u16 local;

	if ((void *)(udp + 1) > end)
		return AP_C_MAX;
	local = bpf_ntohs(udp->source);
	if (local < conf->c->nat_first || local > conf->c->nat_last)
		return AP_C_MAX;
	if (v == 4) {
		k4.addr = *(const __be32 *)remote;
		k4.port = udp->dest;
		k4.local = udp->source;
		k4.door = id;
	} else {
		__builtin_memcpy(k6.addr, remote, 16);
		k6.port = udp->dest;
		k6.local = udp->source;
		k6.door = id;
	}
	tick = now_tick();
	seen = bpf_map_lookup_elem(TABLE(nat, v), key);
	if (seen) {
		if (*seen != tick)
			*seen = tick;
		return AP_C_out_remembered;
	}
	bpf_map_update_elem(TABLE(nat, v), key, &tick, BPF_ANY);
	policy = policy_of(conf, AP_UDP, udp->source);
	if (policy) {
		key_make(&s.key, remote, udp->dest, policy->port, v);
		s.real = udp->dest;
		s.dialled = udp->source;
		s.door = id;
		s.tick = tick;
		seek_hashable(&s, door_ip, v);
		forget_half(&s, conf->c, v);
	}
	return AP_C_out_remembered;
}

#endif
