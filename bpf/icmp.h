/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * ICMP errors about packets that we rewrote quote the ports of the other side
 * of the rewrite. No error changes a flow; what matches none is left alone.
 */
#ifndef ICMP_H
#define ICMP_H

#include "udp.h"

static __always_inline int is_error(const void *icmp, const int v)
{
	const struct icmp_header *h = icmp;

	return v == 4 ? icmp4_is_error(h->type) : icmp6_is_error(h->type);
}

static __always_inline enum parse_result parse_quoted(HOOK *ctx, void *data,
						      void *end, __u32 off,
						      struct packet *quoted,
						      const int v)
{
	return v == 4 ? parse_quoted4(data, end, off, quoted)
		      : parse_quoted6(ctx, data, end, off, quoted);
}

struct quote {
	__be32 source[4], dest[4];
	__be16 sport, dport;
	__u32 l4;
	__u32 generation;
	__be16 new_sport, new_dport; /* what quote_in() puts instead */
};

/*
 * Copies out what the error, which ends at STOP, quotes; 0 when it is UDP with
 * its ports there. Behind STOP is padding, which no checksum covers.
 */
static __always_inline int quote_read(HOOK *ctx, void *data, void *end,
				      __u32 off, __u32 stop, struct quote *q,
				      const int v)
{
	struct packet quoted = {};
	struct udphdr *udp;

	if (parse_quoted(ctx, data, end, off, &quoted, v))
		return -1;
	if (quoted.l4 + sizeof(*udp) > stop)
		return -1;
	udp = data + quoted.l4;
	if ((void *)(udp + 1) > end)
		return -1;
	q->sport = udp->source;
	q->dport = udp->dest;
	q->l4 = quoted.l4;
	if (v == 4) {
		struct iphdr *ip = data + quoted.l3;

		if ((void *)(ip + 1) > end)
			return -1;
		q->source[0] = ip->saddr;
		q->dest[0] = ip->daddr;
	} else {
		struct ipv6hdr *ip = data + quoted.l3;

		if ((void *)(ip + 1) > end)
			return -1;
		__builtin_memcpy(q->source, &ip->saddr, 16);
		__builtin_memcpy(q->dest, &ip->daddr, 16);
	}
	return 0;
}

static __always_inline int door_id(const struct ap_config *c, const void *ip,
				   const int v)
{
	return v == 4 ? door_id4(c, *(const __be32 *)ip) : door_id6(c, ip);
}

/*
 * In: the network saw dialled port -> real port, OpenVPN's socket knows target
 * port -> alias.
 */
static __always_inline int quote_in(struct quote *q, const int v)
{
	const struct ap_policy *policy;
	const struct ap_config *c;
	struct ap_flow *flow;
	struct seek s = {};
	struct conf conf;
	__u32 candidates = 1;
	int id;

	conf_of(&conf, q->generation);
	c = conf.c;
	id = door_id(c, q->source, v);
	if (id < 0)
		return AP_C_icmp_in_unknown;
	policy = policy_of(&conf, AP_UDP, q->sport);
	if (!policy || policy->flags & AP_PASS)
		return AP_C_icmp_in_unknown;
	key_make(&s.key, q->dest, q->dport, policy->port, v);
	s.real = q->dport;
	s.dialled = q->sport;
	s.door = id;
	s.tick = now_tick();
	seek_hashable(&s, q->source, v);
	if (maybe_aliased(&s, v)) {
		candidates = CANDIDATES;
		seek_hash(&s, v);
	}
	flow = flow_find(1, &s, c, 0, candidates, v);
	if (!flow)
		flow = flow_find(0, &s, c, 0, candidates, v);
	if (!flow)
		return AP_C_icmp_in_unknown;
	q->new_sport = policy->port;
	q->new_dport = seek_port(&s, v);
	return AP_C_icmp_in;
}

/* Out: the stack quotes alias -> target port, the member knows its own. */
static __always_inline int quote_out(const struct conf *conf, struct quote *q,
				     struct edit *edit, const int v)
{
	struct ap_flow *flow;
	union flow_key key = {};
	int id;

	if (!is_target(conf->c, AP_UDP, q->dport))
		return AP_C_MAX;
	id = door_id(conf->c, q->dest, v);
	if (id < 0)
		return AP_C_MAX;
	key_make(&key, q->source, q->sport, q->dport, v);
	flow = reply_find(conf->c, &key, v);
	if (!flow || flow->door != id)
		return AP_C_icmp_out_unknown;
	edit->l4 = q->l4;
	edit->source = flow->real;
	edit->dest = flow->dialled;
	return AP_C_icmp_out;
}

__noinline int quote_in4(struct quote *q)
{
	return q ? quote_in(q, 4) : AP_C_icmp_in_unknown;
}

__noinline int quote_in6(struct quote *q)
{
	return q ? quote_in(q, 6) : AP_C_icmp_in_unknown;
}

static __always_inline int icmp_in(HOOK *ctx, const struct conf *conf,
				   const struct packet *packet, void *data,
				   void *end, struct edit *edit, const int v)
{
	struct icmp_header *icmp = data + packet->l4;
	struct quote q = {};
	int verdict;

	if ((void *)(icmp + 1) > end || !is_error(icmp, v))
		return AP_C_MAX;
	if (quote_read(ctx, data, end, packet->l4 + sizeof(*icmp), packet->end,
		       &q, v))
		return AP_C_icmp_in_unknown;
	q.generation = conf->generation;
	verdict = v == 4 ? quote_in4(&q) : quote_in6(&q);
	edit->icmp = packet->l4;
	edit->l4 = q.l4;
	edit->source = q.new_sport;
	edit->dest = q.new_dport;
	return verdict;
}

static __always_inline int icmp_out(HOOK *ctx, const struct conf *conf,
				    const struct packet *packet, void *data,
				    void *end, struct edit *edit, const int v)
{
	struct icmp_header *icmp = data + packet->l4;
	struct quote q = {};

	if ((void *)(icmp + 1) > end || !is_error(icmp, v))
		return AP_C_MAX;
	edit->icmp = packet->l4;
	if (quote_read(ctx, data, end, packet->l4 + sizeof(*icmp), packet->end,
		       &q, v))
		return AP_C_MAX;
	return quote_out(conf, &q, edit, v);
}

#endif
