/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Takes frames apart again for tests, and sums them. */
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "packet.h"
#include "sum.h"

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static bool view_ports(const uint8_t *data, size_t len, struct view *v)
{
	size_t need = v->proto == IPPROTO_TCP ? 20 : 8;

	v->payload = v->l4;
	if (v->fragment)
		return true;
	if (v->proto == IPPROTO_UDP || v->proto == IPPROTO_TCP) {
		if (v->l4 + 4 > len)
			return false;
		v->src.port = get16(data + v->l4);
		v->dst.port = get16(data + v->l4 + 2);
	}
	v->payload = MIN(v->l4 + need, len);
	return true;
}

static bool view_ipv4(const uint8_t *data, size_t len, size_t l3,
		      struct view *v)
{
	size_t header;

	if (l3 + 20 > len)
		return false;
	header = (data[l3] & 15) * 4;
	v->src.family = v->dst.family = AF_INET;
	memcpy(v->src.ip, data + l3 + 12, 4);
	memcpy(v->dst.ip, data + l3 + 16, 4);
	v->proto = data[l3 + 9];
	v->fragment = (get16(data + l3 + 6) & 0x1fff) * 8;
	v->more = get16(data + l3 + 6) & 0x2000;
	v->l4 = l3 + header;
	v->end = MIN(len, l3 + get16(data + l3 + 2));
	return header >= 20 && v->l4 <= v->end;
}

static bool view_extension(const uint8_t *data, size_t len, struct view *v,
			   bool *last)
{
	const uint8_t *at = data + v->l4;
	size_t size = 8;

	*last = false;
	switch (v->proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH: break;
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH: break;
	default: *last = true; return true;
	}
	if (v->l4 + 8 > len)
		return false;
	if (v->proto == IPPROTO_FRAGMENT) {
		v->fragment = get16(at + 2) & 0xfff8;
		v->more = at[3] & 1;
		*last = v->fragment > 0;
	} else if (v->proto == IPPROTO_AH) {
		size = (at[1] + 2) * 4;
	} else {
		size = (at[1] + 1) * 8;
	}
	v->proto = at[0];
	v->l4 += size;
	return v->l4 <= len;
}

static bool view_ipv6(const uint8_t *data, size_t len, size_t l3,
		      struct view *v)
{
	bool last;

	if (l3 + 40 > len)
		return false;
	v->src.family = v->dst.family = AF_INET6;
	memcpy(v->src.ip, data + l3 + 8, 16);
	memcpy(v->dst.ip, data + l3 + 24, 16);
	v->proto = data[l3 + 6];
	v->l4 = l3 + 40;
	v->end = MIN(len, l3 + 40 + get16(data + l3 + 4));
	do {
		if (!view_extension(data, len, v, &last))
			return false;
	} while (!last);
	return true;
}

static bool view_ip(const uint8_t *data, size_t len, size_t l3, struct view *v)
{
	memset(v, 0, sizeof(*v));
	v->l3 = l3;
	if (l3 >= len)
		return false;
	if (data[l3] >> 4 == 4)
		return view_ipv4(data, len, l3, v) && view_ports(data, len, v);
	if (data[l3] >> 4 == 6)
		return view_ipv6(data, len, l3, v) && view_ports(data, len, v);
	return false;
}

bool frame_view(const struct frame *f, struct view *v)
{
	size_t at = 12;
	uint16_t type;

	do {
		if (at + 2 > f->len)
			return false;
		type = get16(f->data + at);
		at += type == ETH_P_8021Q || type == ETH_P_8021AD ? 4 : 2;
	} while (type == ETH_P_8021Q || type == ETH_P_8021AD);
	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return false;
	return view_ip(f->data, f->len, at, v);
}

static bool is_error(const struct view *v, uint8_t type)
{
	if (v->proto == IPPROTO_ICMP)
		return type == ICMP_DEST_UNREACH ||
		       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
	return v->proto == IPPROTO_ICMPV6 && !(type & ICMP6_INFOMSG_MASK);
}

static bool ip_sum_good(const uint8_t *data, const struct view *v)
{
	if (v->src.family == AF_INET6)
		return true;
	return !sum_finish(sum_add(0, data + v->l3, (data[v->l3] & 15) * 4));
}

static bool l4_sum_good(const uint8_t *data, const struct view *v)
{
	struct sum_pseudo pseudo = { v->src.family, v->src.ip, v->dst.ip,
				     v->proto };

	switch (v->proto) {
	case IPPROTO_UDP:
		if (!get16(data + v->l4 + 6))
			return v->src.family == AF_INET;
		break;
	case IPPROTO_TCP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: break;
	default: return true;
	}
	return !sum_transport(&pseudo, data + v->l4, v->end - v->l4);
}

/* An embedded datagram that was cut has no sum to check. */
static bool quote_good(const uint8_t *data, size_t len, size_t l3)
{
	struct view v;

	if (!view_ip(data, len, l3, &v) || !ip_sum_good(data, &v))
		return false;
	if (v.proto != IPPROTO_UDP || v.l4 + 8 > len || v.fragment || v.more ||
	    v.l4 + get16(data + v.l4 + 4) > len)
		return true;
	return l4_sum_good(data, &v);
}

bool frame_sums_good(const struct frame *f)
{
	struct view v;

	if (!frame_view(f, &v) || !ip_sum_good(f->data, &v))
		return false;
	if (v.fragment || v.more)
		return true;
	if (!l4_sum_good(f->data, &v))
		return false;
	if (is_error(&v, f->data[v.l4]))
		return quote_good(f->data, v.end, v.l4 + 8);
	return true;
}

uint16_t frame_udp_sum(const struct frame *f)
{
	struct view v;

	return frame_view(f, &v) ? get16(f->data + v.l4 + 6) : 0;
}

bool frame_equal(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void print_row(const char *who, const struct frame *f, size_t at)
{
	size_t i;

	printf("# %s %4zu:", who, at);
	for (i = at; i < MIN(at + 16, f->len); i++)
		printf(" %02x", f->data[i]);
	printf("\n");
}

void frame_diff(const struct frame *got, const struct frame *want)
{
	size_t at;

	printf("# got %zu bytes, want %zu\n", got->len, want->len);
	for (at = 0; at < MAX(got->len, want->len); at += 16) {
		if (at + 16 <= MIN(got->len, want->len) &&
		    !memcmp(got->data + at, want->data + at, 16))
			continue;
		print_row("got ", got, at);
		print_row("want", want, at);
	}
}
