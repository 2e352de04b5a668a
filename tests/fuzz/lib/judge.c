/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Judges what the door did to a frame. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "setup.h"
#include "sum.h"

#define SHOWN 512 /* bytes of a frame; no headers are longer */

void judge_fail(const char *what, const struct frame *in,
		const struct frame *out)
{
	printf("# %s\n", what);
	for (size_t i = 0; i < in->len && i < SHOWN; i++)
		printf("%s%02x", i % 32 ? " " : "\n#   ", in->data[i]);
	printf("\n# in all %zu bytes; what has become of them:\n", in->len);
	frame_diff(out, in);
	fflush(stdout);
	abort();
}

static uint16_t get16(const struct frame *f, size_t at)
{
	return f->data[at] << 8 | f->data[at + 1];
}

/* Where the IP header starts, whatever it is; 0: no IP, or not all of it. */
static size_t l3_of(const struct frame *f, int *family)
{
	size_t at = 12;
	uint16_t type;

	do {
		if (at + 2 > f->len)
			return 0;
		type = get16(f, at);
		at += type == ETH_P_8021Q || type == ETH_P_8021AD ? 4 : 2;
	} while (type == ETH_P_8021Q || type == ETH_P_8021AD);
	*family = type == ETH_P_IP ? AF_INET : AF_INET6;
	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return 0;
	return at + (type == ETH_P_IP ? 20 : 40) <= f->len ? at : 0;
}

/* frame_view(), with the end where Linux takes it to be. */
static bool look(const struct frame *f, struct view *v)
{
	if (!frame_view(f, v))
		return false;
	/* 0 before hop-by-hop options: as much as there is */
	if (v->src.family == AF_INET6 && !get16(f, v->l3 + 4) &&
	    f->data[v->l3 + 6] == IPPROTO_HOPOPTS)
		v->end = f->len;
	return true;
}

static bool to_door(const struct frame *f)
{
	int family;
	size_t l3 = l3_of(f, &family);

	return l3 && setup_is_door(f->data + l3 + (family == AF_INET ? 16 : 24),
				   family);
}

static bool broken_ip(const struct frame *f, size_t l3, int family)
{
	if (family == AF_INET)
		return f->data[l3] >> 4 != 4 || (f->data[l3] & 15) < 5 ||
		       get16(f, l3 + 2) < (f->data[l3] & 15) * 4 ||
		       l3 + get16(f, l3 + 2) > f->len;
	if (f->data[l3] >> 4 != 6)
		return true;
	if (!get16(f, l3 + 4) && f->data[l3 + 6] == IPPROTO_HOPOPTS)
		return false;
	return l3 + 40 + get16(f, l3 + 4) > f->len;
}

static bool broken_udp(const struct frame *f, const struct view *v)
{
	uint16_t length;

	if (v->l4 + 8 > v->end)
		return true;
	length = get16(f, v->l4 + 4);
	if (!length && v->src.family == AF_INET6)
		return false;
	return length < 8 || (v->l4 + length > v->end && !v->more);
}

bool judge_broken(const struct frame *f)
{
	struct view v;
	int family;
	size_t l3 = l3_of(f, &family);

	if (!l3 || broken_ip(f, l3, family))
		return true;
	if (!look(f, &v))
		return true;
	if (v.fragment)
		return false;
	return v.proto == IPPROTO_UDP ? broken_udp(f, &v) : v.l4 > v.end;
}

bool judge_is_icmp(const struct frame *f)
{
	struct view v;

	return look(f, &v) &&
	       (v.proto == IPPROTO_ICMP || v.proto == IPPROTO_ICMPV6);
}

/* Of an ICMP error: the UDP header that it quotes; 0: none that is whole. */
static size_t quoted_udp(const struct frame *f, const struct view *v)
{
	static struct frame quote;
	struct view q;
	size_t from = v->l4 + 8;

	if (from >= v->end)
		return 0;
	memset(quote.data, 0, ETH_HLEN);
	quote.data[12] = v->src.family == AF_INET ? 0x08 : 0x86;
	quote.data[13] = v->src.family == AF_INET ? 0x00 : 0xdd;
	quote.len = ETH_HLEN + v->end - from;
	memcpy(quote.data + ETH_HLEN, f->data + from, v->end - from);
	/* the length is that of a packet that is cut here, if it is right */
	if (v->src.family == AF_INET)
		memset(quote.data + ETH_HLEN + 2, 0xff, 2);
	if (!frame_view(&quote, &q) || q.proto != IPPROTO_UDP || q.fragment ||
	    q.l4 + 8 > quote.len)
		return 0;
	return from + q.l4 - ETH_HLEN;
}

/* Nothing but what ALLOWED marks is another. */
static bool same_but(const struct frame *a, const struct frame *b,
		     const bool *allowed)
{
	for (size_t i = 0; i < a->len; i++)
		if (a->data[i] != b->data[i] && !allowed[i])
			return false;
	return true;
}

static void allow(bool *allowed, size_t at, size_t len)
{
	memset(allowed + at, 1, len * sizeof(*allowed));
}

/* The checksum's field counts: a right one makes it all ones or 0. */
static uint16_t residue(const struct frame *f, size_t from, size_t to)
{
	uint16_t sum = sum_finish(sum_add(0, f->data + from, to - from));

	return sum == 0xffff ? 0 : sum;
}

/* Ports and checksum at L4 are the only ones that count for the sum. */
static const char *wrong_udp_sum(const struct frame *in,
				 const struct frame *out, size_t l4)
{
	uint16_t before = get16(in, l4 + 6), after = get16(out, l4 + 6);

	if (!before != !after)
		return "a UDP checksum appears or disappears";
	if (before && residue(in, l4, l4 + 8) != residue(out, l4, l4 + 8))
		return "the UDP checksum does not follow the ports";
	return NULL;
}

static const char *wrong_ports_in(const struct frame *in,
				  const struct frame *out, size_t l4)
{
	uint16_t source = get16(out, l4);

	if (setup_passes(get16(in, l4 + 2)))
		return "a port with policy pass is rewritten";
	if (!setup_is_target(get16(out, l4 + 2)))
		return "a packet goes to a port that is no target's";
	if (source != get16(in, l4) && source < 1024)
		return "an alias is a privileged port";
	return NULL;
}

static const char *wrong_udp(enum way way, const struct frame *in,
			     const struct frame *out, size_t l4, bool *allowed)
{
	const char *wrong = NULL;

	allow(allowed, l4, 4);
	allow(allowed, l4 + 6, 2);
	if (way == WAY_IN)
		wrong = wrong_ports_in(in, out, l4);
	else if (way == WAY_FORWARDED)
		wrong = "a forwarded packet is rewritten";
	else if (!setup_is_target(get16(in, l4)))
		wrong = "a packet that is not OpenVPN's is rewritten";
	return wrong ?: wrong_udp_sum(in, out, l4);
}

static const char *wrong_icmp(const struct frame *in, const struct frame *out,
			      const struct view *v, bool *allowed)
{
	size_t udp = quoted_udp(in, v);

	if (!udp)
		return "an ICMP message that quotes no UDP is changed";
	allow(allowed, v->l4 + 2, 2);
	allow(allowed, udp, 4);
	allow(allowed, udp + 6, 2);
	/* both are at even offsets, and so are in step */
	if (residue(in, v->l4, v->end) != residue(out, v->l4, v->end))
		return "the ICMP checksum does not follow the quote";
	return wrong_udp_sum(in, out, udp);
}

static const char *wrong_change(enum way way, const struct frame *in,
				const struct frame *out)
{
	static bool allowed[FRAME_MAX];
	const char *wrong;
	struct view v;

	if (judge_broken(in))
		return "a broken packet is changed";
	if (!look(in, &v) || v.fragment)
		return "a packet without ports is changed";
	if (way == WAY_IN && !to_door(in))
		return "a packet for somebody else is changed";
	memset(allowed, 0, in->len * sizeof(*allowed));
	if (v.proto == IPPROTO_UDP)
		wrong = wrong_udp(way, in, out, v.l4, allowed);
	else if (v.proto == IPPROTO_ICMP || v.proto == IPPROTO_ICMPV6)
		wrong = wrong_icmp(in, out, &v, allowed);
	else
		return "a packet of another protocol is changed";
	if (!wrong && !same_but(in, out, allowed))
		wrong = "more than ports and checksums is changed";
	return wrong;
}

/* Only what is for the door, and then only what may be OpenVPN's. */
static const char *wrong_drop(enum way way, const struct frame *in,
			      size_t linear)
{
	struct view v;
	int family;

	if (way != WAY_IN)
		return "a packet that leaves is dropped";
	if (!to_door(in))
		return "a packet for somebody else is dropped";
	if (!look(in, &v)) /* cut within its chain: drop_chain */
		return l3_of(in, &family) && family == AF_INET
			       ? "a packet without headers is dropped"
			       : NULL;
	if (v.src.family == AF_INET6 && v.l4 > v.l3 + 40)
		return NULL; /* its chain may be too long */
	if (v.src.family == AF_INET6 && v.l4 + 8 > linear)
		return NULL; /* the same, for the programs */
	if (v.fragment || v.proto != IPPROTO_UDP)
		return "a packet without UDP ports is dropped";
	if (judge_broken(in))
		return "a broken packet is dropped";
	if (setup_passes(v.dst.port))
		return "a packet to a port with policy pass is dropped";
	return NULL;
}

void judge(enum way way, const struct frame *in, size_t linear,
	   enum verdict verdict, const struct frame *out)
{
	const char *wrong = NULL;

	if (verdict == STRANGE)
		wrong = "a verdict that no program has";
	else if (verdict == DROPPED)
		wrong = wrong_drop(way, in, linear);
	else if (in->len != out->len)
		wrong = "the length is changed";
	else if (!frame_equal(in, out))
		wrong = wrong_change(way, in, out);
	if (wrong)
		judge_fail(wrong, in, out);
}

void judge_connect(const struct bpf_sk_lookup *lookup, bool known,
		   uint16_t port)
{
	bool v4 = lookup->family == AF_INET;
	const void *remote = v4 ? &lookup->remote_ip4 : lookup->remote_ip6;
	const void *local = v4 ? &lookup->local_ip4 : lookup->local_ip6;
	uint16_t want = setup_steers(lookup->family, remote, local,
				     lookup->local_port, known);
	char text[INET6_ADDRSTRLEN] = "";

	if (lookup->protocol != IPPROTO_TCP)
		want = 0;
	/* before the first SYN nobody has looked for the target's listener */
	if (port == want || (!known && !port))
		return;
	(void)inet_ntop(lookup->family, local, text, sizeof(text));
	printf("# a connection to %s, %u is handed to %u and not to %u\n", text,
	       lookup->local_port, port, want);
	(void)inet_ntop(lookup->family, remote, text, sizeof(text));
	printf("# it came from %s, protocol %u\n", text, lookup->protocol);
	fflush(stdout);
	abort();
}
