/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * From bytes to addresses, ports and header offsets. Pure: data and end in, a
 * struct out, no maps, no helpers, so that the tests and fuzzers run the same
 * source as the kernel. Nothing is read that was not proven to be there.
 */
#ifndef PARSE_H
#define PARSE_H

#include <linux/types.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifdef __clang__
#define UNROLL    _Pragma("unroll")
#define NO_UNROLL _Pragma("nounroll")
#else
#define UNROLL
#define NO_UNROLL
#endif

/*
 * Where the chain is walked. The programs put it into a subprogram that the
 * verifier checks on its own: inlined, every way through the chain would be
 * multiplied by all that follows.
 */
#ifndef WALK_CHAIN
#define WALK_CHAIN(hook, data, end, packet) \
	parse_chain(hook, data, end, packet)
#define HOOK void
#endif
/* How long the frame is, of which a program may see but the linear part. */
#ifndef WHOLE_FRAME
#define WHOLE_FRAME(hook, data, end) ((void)(hook), (end) - (data))
#endif

#define VLAN_DEPTH 2
/*
 * RFC 8200 names 7 extension headers, each once but destination options; RFC
 * 8504 lets a host limit a chain to 8.
 */
#define CHAIN_DEPTH 8

#define IPV4_OFFSET 0x1fff
#define IPV4_MORE   0x2000
#define IPV6_OFFSET 0xfff8
#define IPV6_MORE   0x0001

enum parse_result {
	PARSE_OK,        /* `l4` points at a whole UDP, TCP or ICMP header */
	PARSE_OTHER,     /* not IP, or a protocol that is none of these */
	PARSE_FRAGMENT,  /* a later fragment: no ports in it */
	PARSE_MALFORMED, /* cut short, or lengths that contradict */
	PARSE_VLAN,      /* more tags than VLAN_DEPTH */
	PARSE_CHAIN,     /* more extensions than CHAIN_DEPTH, or not all here */
};

/*
 * A first fragment with less than this has nothing to judge: UDP's header, then
 * OpenVPN's opcode and session id. What follows in the frame is padding.
 */
#define FRAGMENT_SAYS 17

struct packet {
	__u32 l3; /* offsets from the start of the frame */
	__u32 l4;
	__u32 end;     /* of the IP packet, as its header says */
	__u16 length;  /* of UDP with its header, as the stack takes it; 0: see
			  FRAGMENT_SAYS */
	__u8 version;  /* 4 or 6; 0: not IP */
	__u8 proto;    /* of l4 */
	__u8 fragment; /* first fragment of several */
	__u8 pad[3];
};

/* linux/icmp.h drags in the C library's headers, which are not for BPF. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 check;
	__u32 rest; /* of an error: unused, pointer or MTU; then the quote */
};

struct vlan_header {
	__be16 tci;
	__be16 type;
};

struct extension {
	__u8 next;
	__u8 length; /* in 8 bytes, without the first 8 */
};

struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

static __always_inline int ether_is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) ||
	       type == bpf_htons(ETH_P_8021AD);
}

/* Ethernet and up to VLAN_DEPTH tags; PACKET's l3 and version. */
static __always_inline enum parse_result
parse_ether(const void *data, const void *end, struct packet *packet)
{
	const struct ethhdr *eth = data;
	__u32 off = sizeof(*eth);
	__be16 type;

	packet->version = 0;
	if ((const void *)(eth + 1) > end)
		return PARSE_OTHER;
	type = eth->h_proto;
	UNROLL
	for (int i = 0; i < VLAN_DEPTH; i++) {
		const struct vlan_header *tag = data + off;

		if (likely(!ether_is_vlan(type)))
			break;
		if ((const void *)(tag + 1) > end)
			return PARSE_OTHER;
		type = tag->type;
		off += sizeof(*tag);
	}
	packet->l3 = off;
	if (type == bpf_htons(ETH_P_IP))
		packet->version = 4;
	else if (type == bpf_htons(ETH_P_IPV6))
		packet->version = 6;
	else
		return ether_is_vlan(type) ? PARSE_VLAN : PARSE_OTHER;
	return PARSE_OK;
}

/*
 * The fixed IPv4 header at PACKET's l3, or NULL: enough to compare the
 * addresses, which is all that most packets need.
 */
static __always_inline const struct iphdr *
parse_ip4(const void *data, const void *end, const struct packet *packet)
{
	const struct iphdr *ip = data + packet->l3;

	return (const void *)(ip + 1) <= end ? ip : (void *)0;
}

static __always_inline const struct ipv6hdr *
parse_ip6(const void *data, const void *end, const struct packet *packet)
{
	const struct ipv6hdr *ip = data + packet->l3;

	return (const void *)(ip + 1) <= end ? ip : (void *)0;
}

/* Is the header of PROTO whole, and do its lengths fit the IP packet? */
static __always_inline enum parse_result
parse_l4(const void *data, const void *end, struct packet *packet)
{
	const void *at = data + packet->l4;
	__u32 length = packet->end - packet->l4; /* what IP says there is */

	switch (packet->proto) {
	case IPPROTO_UDP: {
		const struct udphdr *udp = at;
		__u32 said;

		/* RFC 8200, as in parse_chain(): Linux has not always looked */
		if ((const void *)(udp + 1) > end || length < sizeof(*udp))
			return packet->fragment && packet->version == 6
				       ? PARSE_CHAIN
				       : PARSE_MALFORMED;
		said = bpf_ntohs(udp->len);
		/* Linux takes 0 for a jumbogram's: all that IPv6 says */
		if (!said && packet->version == 6)
			said = length;
		packet->length = said;
		if (unlikely(packet->fragment) && length < FRAGMENT_SAYS)
			packet->length = 0;
		if (said < sizeof(*udp) || (said > length && !packet->fragment))
			return PARSE_MALFORMED;
		return PARSE_OK;
	}
	case IPPROTO_TCP: {
		const struct tcphdr *tcp = at;

		if ((const void *)(tcp + 1) > end || length < sizeof(*tcp))
			return PARSE_MALFORMED;
		if (tcp->doff < 5 ||
		    (tcp->doff * 4U > length && !packet->fragment))
			return PARSE_MALFORMED;
		return PARSE_OK;
	}
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (at + sizeof(struct icmp_header) > end ||
		    length < sizeof(struct icmp_header))
			return PARSE_MALFORMED;
		return PARSE_OK;
	}
	return PARSE_OTHER;
}

/* The rest of the IPv4 header, and the L4 header behind it. */
static __always_inline enum parse_result parse_rest4(const void *data,
						     const void *end,
						     const struct iphdr *ip,
						     struct packet *packet)
{
	__u32 header = ip->ihl * 4U, total = bpf_ntohs(ip->tot_len);
	__u16 frag = bpf_ntohs(ip->frag_off);

	if (unlikely(ip->version != 4 || header < sizeof(*ip) ||
		     total < header))
		return PARSE_MALFORMED;
	packet->l4 = packet->l3 + header;
	packet->end = packet->l3 + total;
	packet->proto = ip->protocol;
	packet->fragment = 0;
	if (unlikely(frag & (IPV4_OFFSET | IPV4_MORE))) {
		if (frag & IPV4_OFFSET)
			return PARSE_FRAGMENT;
		packet->fragment = 1;
	}
	return parse_l4(data, end, packet);
}

/* The kinds that the stack walks over too; AH and ESP are not for us. */
static __always_inline int is_extension(__u8 proto)
{
	const __u64 kinds = 1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING |
			    1ULL << IPPROTO_FRAGMENT | 1ULL << IPPROTO_DSTOPTS;

	return proto < 64 && kinds >> proto & 1;
}

/*
 * One extension header at OFF of kind *PROTO: size first, advance second. The
 * bytes it takes, or 0 when it is cut short; *PROTO becomes the next kind.
 */
static __always_inline __u32 parse_extension(const void *data, const void *end,
					     __u32 off, __u8 *proto,
					     __u16 *fragment)
{
	const struct fragment_header *frag = data + off;
	const struct extension *ext = data + off;
	__u8 kind = *proto;

	if ((const void *)(frag + 1) > end) /* 8 bytes, as all have at least */
		return 0;
	*proto = ext->next;
	if (kind != IPPROTO_FRAGMENT)
		return (ext->length + 1U) * 8;
	*fragment |= bpf_ntohs(frag->offset);
	return sizeof(*frag);
}

/*
 * Walks the extension chain that starts at PACKET's l4 with a header of kind
 * PACKET's proto; both then name what is behind it. On an error l4 is where it
 * is. Before hop-by-hop options Linux takes a payload length of 0 for all there
 * is, whether or not a jumbo option follows.
 */
static __always_inline enum parse_result parse_chain(HOOK *hook,
						     const void *data,
						     const void *end,
						     struct packet *packet)
{
	__u32 off = packet->l4, stop = packet->end;
	__u8 proto = packet->proto;
	__u16 fragment = 0;

	if (proto == IPPROTO_HOPOPTS && stop == off)
		packet->end = stop = WHOLE_FRAME(hook, data, end);
	NO_UNROLL
	for (int i = 0; i < CHAIN_DEPTH; i++) {
		__u32 size;

		if (!is_extension(proto))
			break;
		packet->l4 = off;
		size = parse_extension(data, end, off, &proto, &fragment);
		if (!size || off + size > stop)
			/*
			 * RFC 8200: a first fragment has all headers. Linux
			 * delivers one whose next header is in the second.
			 */
			return fragment & IPV6_MORE ? PARSE_CHAIN
						    : PARSE_MALFORMED;
		off += size;
		if (fragment & IPV6_OFFSET)
			return PARSE_FRAGMENT;
	}
	packet->fragment = fragment & IPV6_MORE;
	packet->l4 = off;
	packet->proto = proto;
	return is_extension(proto) ? PARSE_CHAIN : PARSE_OK;
}

/* What the fixed IPv6 header says; an extension chain may start at l4. */
static __always_inline enum parse_result
parse_head6(const struct ipv6hdr *ip, struct packet *packet)
{
	packet->l4 = packet->l3 + sizeof(*ip);
	packet->end = packet->l4 + bpf_ntohs(ip->payload_len);
	packet->proto = ip->nexthdr;
	packet->fragment = 0;
	return ip->version == 6 ? PARSE_OK : PARSE_MALFORMED;
}

/* The extension chain, and the L4 header behind it. HOOK: for the macros. */
static __always_inline enum parse_result
parse_rest6(HOOK *hook, const void *data, const void *end,
	    const struct ipv6hdr *ip, struct packet *packet)
{
	enum parse_result result = parse_head6(ip, packet);

	if (!result && unlikely(is_extension(packet->proto)))
		result = WALK_CHAIN(hook, data, end, packet);
	return result ? result : parse_l4(data, end, packet);
}

/*
 * What an ICMP error quotes: the IP header at OFF and at least 8 bytes of UDP
 * behind it. PACKET's l3, l4, version; `end` is not meaningful, quotes are cut.
 */
static __always_inline enum parse_result parse_quoted4(const void *data,
						       const void *end,
						       __u32 off,
						       struct packet *packet)
{
	const struct iphdr *ip = data + off;

	if ((const void *)(ip + 1) > end)
		return PARSE_MALFORMED;
	if (ip->version != 4 || ip->ihl < 5)
		return PARSE_MALFORMED;
	if (ip->frag_off & bpf_htons(IPV4_OFFSET))
		return PARSE_FRAGMENT;
	if (ip->protocol != IPPROTO_UDP)
		return PARSE_OTHER;
	packet->version = 4;
	packet->proto = IPPROTO_UDP;
	packet->l3 = off;
	packet->l4 = off + ip->ihl * 4U;
	if (data + packet->l4 + sizeof(struct udphdr) > end)
		return PARSE_MALFORMED;
	return PARSE_OK;
}

static __always_inline enum parse_result
parse_quoted6(HOOK *hook, const void *data, const void *end, __u32 off,
	      struct packet *packet)
{
	const struct ipv6hdr *ip = data + off;
	enum parse_result result;

	if ((const void *)(ip + 1) > end)
		return PARSE_MALFORMED;
	packet->l3 = off;
	result = parse_head6(ip, packet);
	packet->end = ~0U; /* the quote is cut anywhere */
	packet->version = 6;
	if (!result && is_extension(packet->proto))
		result = WALK_CHAIN(hook, data, end, packet);
	if (result)
		return result;
	if (packet->proto != IPPROTO_UDP)
		return PARSE_OTHER;
	if (data + packet->l4 + sizeof(struct udphdr) > end)
		return PARSE_MALFORMED;
	return PARSE_OK;
}

/* Does this ICMP type announce an error, and so quote a packet? */
static __always_inline int icmp4_is_error(__u8 type)
{
	return type == 3 /* unreachable */ || type == 4 /* quench */ ||
	       type == 11 /* time exceeded */ || type == 12 /* parameter */;
}

static __always_inline int icmp6_is_error(__u8 type)
{
	/* unreachable, too big, time exceeded, parameter problem */
	return type >= 1 && type <= 4;
}

#endif
