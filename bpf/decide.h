/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What to do with a frame: the verdict is the counter that it goes down as,
 * AP_C_MAX for what is none of ours. finish() in xdp.bpf.c and tc.bpf.c counts
 * it and turns it into that hook's action. HOOK is the type of its context.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include "icmp.h"
#include "tcp.h"
#include "udp.h"

/*
 * One frame at one hook: what of it is linear. FRAME_TOTAL(ctx), which a
 * program defines, is the length of all of it.
 */
struct frame {
	void *data, *end;
	__u32 length;
};

enum action { LEAVE, DROP, EDIT_UDP, EDIT_QUOTE };

static __always_inline enum action action_of(int verdict)
{
	switch (verdict) {
	case AP_C_udp_established:
	case AP_C_udp_verified:
	case AP_C_udp_half_open:
	case AP_C_udp_new:
	case AP_C_out_restored: return EDIT_UDP;
	case AP_C_icmp_in:
	case AP_C_icmp_out: return EDIT_QUOTE;
	/*
	 * The few packets that the door takes away. The limiter's: OpenVPN
	 * cannot serve more, and established members share its buffer.
	 */
	case AP_C_drop_reset:
	case AP_C_drop_control:
	case AP_C_drop_data:
	/* Under another member's port OpenVPN would mix the two up. */
	case AP_C_drop_aliases:
	/* To OpenVPN's own port, where it would be dropped all the same. */
	case AP_C_drop_not_openvpn:
	/* Spoofed, to the same port: a way past the limiter. */
	case AP_C_drop_source:
	/* Never seen, and a way past the limiter: see parse_chain() */
	case AP_C_drop_chain: return DROP;
	}
	return LEAVE;
}

/* A parse that ended early, for a packet to a door address. */
static __always_inline int unparsed(enum parse_result result)
{
	switch (result) {
	case PARSE_FRAGMENT: return AP_C_pass_fragment;
	case PARSE_MALFORMED: return AP_C_pass_malformed;
	case PARSE_CHAIN: return AP_C_drop_chain;
	default: return AP_C_MAX;
	}
}

/* Is there less of the frame than its headers say? */
static __always_inline int is_cut(HOOK *ctx, const struct packet *packet,
				  const struct frame *frame)
{
	return unlikely(packet->end > frame->length) &&
	       packet->end > FRAME_TOTAL(ctx);
}

static __always_inline int l4_in(HOOK *ctx, const struct conf *conf,
				 const struct packet *packet,
				 const struct frame *frame, const void *member,
				 const void *door_ip, int id, struct edit *edit,
				 const int v)
{
	/* the stack drops it anyway; a flow must not come of it */
	if (is_cut(ctx, packet, frame))
		return AP_C_pass_malformed;
	switch (packet->proto) {
	case IPPROTO_UDP:
		return udp_in(ctx, conf, packet, frame->data, frame->end,
			      member, door_ip, id, edit, v);
	case IPPROTO_TCP:
		return tcp_in(ctx, conf, packet, frame->data, frame->end,
			      door_ip, id, v);
	case IPPROTO_ICMP:
		return v == 4 ? icmp_in(ctx, conf, packet, frame->data,
					frame->end, edit, 4)
			      : AP_C_MAX;
	case IPPROTO_ICMPV6:
		return v == 6 ? icmp_in(ctx, conf, packet, frame->data,
					frame->end, edit, 6)
			      : AP_C_MAX;
	}
	return AP_C_MAX;
}

static __always_inline int in4(HOOK *ctx, const struct conf *conf,
			       struct packet *packet, const struct frame *frame,
			       struct edit *edit)
{
	const struct iphdr *ip = parse_ip4(frame->data, frame->end, packet);
	enum parse_result result;
	int id;

	if (!ip)
		return AP_C_MAX;
	id = door_id4(conf->c, ip->daddr);
	if (id < 0)
		return AP_C_MAX;
	result = parse_rest4(frame->data, frame->end, ip, packet);
	if (unlikely(result != PARSE_OK))
		return unparsed(result);
	return l4_in(ctx, conf, packet, frame, &ip->saddr, &ip->daddr, id, edit,
		     4);
}

static __always_inline int in6(HOOK *ctx, const struct conf *conf,
			       struct packet *packet, const struct frame *frame,
			       struct edit *edit)
{
	const struct ipv6hdr *ip = parse_ip6(frame->data, frame->end, packet);
	enum parse_result result;
	int id;

	if (!ip)
		return AP_C_MAX;
	id = door_id6(conf->c, &ip->daddr);
	if (id < 0)
		return AP_C_MAX;
	result = parse_rest6(ctx, frame->data, frame->end, ip, packet);
	/*
	 * A chain that leaves the linear part: too long in another way. TCP has
	 * no limiter to get past.
	 */
	if (unlikely(result == PARSE_MALFORMED) &&
	    packet->proto != IPPROTO_TCP &&
	    packet->l4 + sizeof(struct udphdr) > frame->length &&
	    FRAME_TOTAL(ctx) > frame->length)
		return AP_C_drop_chain;
	if (unlikely(result != PARSE_OK))
		return unparsed(result);
	return l4_in(ctx, conf, packet, frame, &ip->saddr, &ip->daddr, id, edit,
		     6);
}

/* A frame that arrives at an uplink. */
static __always_inline int door_in(HOOK *ctx, const struct conf *conf,
				   const struct frame *frame, struct edit *edit)
{
	struct packet packet = {};
	enum parse_result result;

	result = parse_ether(frame->data, frame->end, &packet);
	if (packet.version == 4)
		return in4(ctx, conf, &packet, frame, edit);
	if (packet.version == 6)
		return in6(ctx, conf, &packet, frame, edit);
	return result == PARSE_VLAN ? AP_C_pass_vlan : AP_C_MAX;
}

/* LOCAL: this host made the packet; otherwise it forwards it. */
static __always_inline int l4_out(HOOK *ctx, const struct conf *conf,
				  const struct packet *packet,
				  const struct frame *frame,
				  const void *door_ip, const void *remote,
				  int local, struct edit *edit, const int v)
{
	struct udphdr *udp = frame->data + packet->l4;
	int id;

	if (is_cut(ctx, packet, frame))
		return AP_C_MAX;
	if (packet->proto != IPPROTO_UDP)
		return local && packet->proto == (v == 4 ? IPPROTO_ICMP
							 : IPPROTO_ICMPV6)
			       ? icmp_out(ctx, conf, packet, frame->data,
					  frame->end, edit, v)
			       : AP_C_MAX;
	id = door_id(conf->c, door_ip, v);
	if ((void *)(udp + 1) > frame->end)
		return AP_C_MAX;
	if (!local)
		return id < 0 ? AP_C_MAX
			      : udp_remember(conf, packet, frame->data,
					     frame->end, remote, door_ip, id,
					     v);
	if (!is_target(conf->c, AP_UDP, udp->source))
		return AP_C_MAX;
	return udp_out(conf->c, packet, frame->data, frame->end, remote, id,
		       edit, v);
}

/* A frame that leaves by an uplink. */
static __always_inline int door_out(HOOK *ctx, const struct conf *conf,
				    const struct frame *frame, int local,
				    struct edit *edit)
{
	struct packet packet = {};

	parse_ether(frame->data, frame->end, &packet);
	if (packet.version == 4) {
		const struct iphdr *ip =
			parse_ip4(frame->data, frame->end, &packet);

		if (!ip || parse_rest4(frame->data, frame->end, ip, &packet))
			return AP_C_MAX;
		return l4_out(ctx, conf, &packet, frame, &ip->saddr, &ip->daddr,
			      local, edit, 4);
	}
	if (packet.version == 6) {
		const struct ipv6hdr *ip =
			parse_ip6(frame->data, frame->end, &packet);

		if (!ip ||
		    parse_rest6(ctx, frame->data, frame->end, ip, &packet))
			return AP_C_MAX;
		return l4_out(ctx, conf, &packet, frame, &ip->saddr, &ip->daddr,
			      local, edit, 6);
	}
	return AP_C_MAX;
}

#endif
