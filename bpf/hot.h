/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The hot path: a plain frame (untagged, no IPv4 options or IPv6 extensions,
 * UDP, whole) of an established flow that sits in its first bucket, and what is
 * for nobody's door. Straight through and without a call; whatever is out of
 * the ordinary is taken up from the beginning by door_in(), which
 * decides everything that is decided here once more.
 */
#ifndef HOT_H
#define HOT_H

#include "rewrite.h"
#include "table.h"

/*
 * Keeps the compiler from making the pointer anew, of the map's address and the
 * slot, wherever it is used.
 */
#define KEEP(pointer) asm volatile("" : "+r"(pointer))

/* A flow's port for OpenVPN is the member's own here: only the other changes.
 */
static __always_inline void hot_rewrite(struct udphdr *udp, __be16 dest)
{
	__u32 change = sum_replace(0, udp->dest, dest);

	if (udp->check)
		udp->check = check_apply(udp->check, change) ?: 0xffff;
	udp->dest = dest;
}

/* bucket_find(), with a key that is in registers. */
static __always_inline struct ap_flow *
hot_find(void *bucket, const struct place_key *key, const int v)
{
	UNROLL
	for (__u32 i = 0; i < place_ways(v); i++) {
		void *entry = bucket + i * ENTRY_SIZE(v);

		if (v == 4 ? load64(entry) == key->rest
			   : load32(entry + 16) == (__u32)key->rest &&
				     load64(entry + 8) == key->low &&
				     load64(entry) == key->high)
			return entry + KEY_SIZE(v);
	}
	return (void *)0;
}

/* UDP at UDP, of an IP packet with ROOM for it, to the door address with ID. */
static __always_inline int hot_udp(const struct ap_config *c,
				   const struct conf *conf, struct udphdr *udp,
				   __s32 room, const void *member, int id,
				   const int v)
{
	__s32 length = bpf_ntohs(udp->len);
	__u32 tick, at;
	const struct ap_policy *to;
	struct place_key key = {};
	struct ap_flow *flow;
	struct place place;
	__u64 *counter;
	void *segment;

	/* signed: there is less than no room if IP says so */
	if (unlikely(length < (__s32)sizeof(*udp) || length > room))
		return 0;
	if (v == 6 && unlikely(!udp->check))
		return 0;
	at = AP_POLICY_INDEX(conf->generation, AP_UDP, bpf_ntohs(udp->dest));
	to = bpf_map_lookup_elem(&policy, &at);
	if (!to || unlikely(to->flags & AP_PASS) ||
	    unlikely(!tick_is_known(&tick)))
		return 0;
	key.rest = udp->source | (__u32)to->port << 16;
	if (v == 4) {
		key.rest = key.rest << 32 | load32(member);
	} else {
		key.high = load64(member);
		key.low = load64(member + 8);
	}
	place = place_of(place_hash(secret.place, &key, v),
			 flows_segments(c, v));
	at = place.segment;
	segment = bpf_map_lookup_elem(TABLE(flows, v), &at);
	if (!segment)
		return 0;
	flow = hot_find(bucket_at(segment, place.bucket, v), &key, v);
	if (unlikely(!flow || load32(&flow->real) != load32(udp) ||
		     flow->door != id))
		return 0;
	if (unlikely(flow->seen != tick)) {
		if (!flow_alive(flow, tick, c->idle_established))
			return 0;
		flow->seen = tick;
	}
	hot_rewrite(udp, to->port);
	at = AP_C_udp_established;
	counter = bpf_map_lookup_elem(&counters, &at);
	if (counter)
		*counter += 1;
	return 1;
}

/* 6.1 knows no bound of what be16 has made, and adds it to no pointer. */
static __always_inline __u64 sixteen_bits(__u64 value)
{
	OPAQUE(value);
	return value & 0xffff;
}

static __always_inline int hot4(const struct conf *conf, void *data, void *end)
{
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1);
	const struct ap_config *c = conf->c;
	__u32 total;
	int id;

	if ((void *)(udp + 1) > end)
		return 0;
	KEEP(c);
	id = door_id4(c, ip->daddr);
	if (id < 0)
		return 1;
	total = bpf_ntohs(ip->tot_len);
	if (unlikely(*(__u8 *)ip != 0x45 || ip->protocol != IPPROTO_UDP ||
		     ip->frag_off & bpf_htons(IPV4_OFFSET | IPV4_MORE) ||
		     (void *)ip + sixteen_bits(total) > end))
		return 0;
	return hot_udp(c, conf, udp, (__s32)(total - sizeof(*ip)), &ip->saddr,
		       id, 4);
}

static __always_inline int hot6(const struct conf *conf, void *data, void *end)
{
	struct ipv6hdr *ip = data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1);
	const struct ap_config *c = conf->c;
	__u32 room;
	int id;

	if ((void *)(udp + 1) > end)
		return 0;
	KEEP(c);
	id = door_id6(c, &ip->daddr);
	if (id < 0)
		return 1;
	room = bpf_ntohs(ip->payload_len);
	if (unlikely(*(__u8 *)ip >> 4 != 6 || ip->nexthdr != IPPROTO_UDP ||
		     (void *)udp + sixteen_bits(room) > end))
		return 0;
	return hot_udp(c, conf, udp, room, &ip->saddr, id, 6);
}

/* 1: done with it; it passes. 0: for door_in(). */
static __always_inline int hot_in(const struct conf *conf, void *data,
				  void *end)
{
	__be16 type;

	if (data + sizeof(struct ethhdr) > end)
		return 0;
	/* in one piece: the header's struct is packed, and read by bytes */
	type = *(__be16 *)(data + offsetof(struct ethhdr, h_proto));
	if (type == bpf_htons(ETH_P_IP))
		return hot4(conf, data, end);
	if (type == bpf_htons(ETH_P_IPV6))
		return hot6(conf, data, end);
	return 0;
}

#endif
