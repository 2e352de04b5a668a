/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * A frame in one line: what a member can tell from it. Checksums are verified
 * and not shown; the identification, flow label and acknowledgement are the
 * kernel's to choose.
 */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

struct text {
	char s[128];
};

uint32_t hash_of(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 0x811c9dc5;

	while (len--)
		h = (h ^ *p++) * 0x01000193;
	return h;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The port that masquerading chose stands for the client's own. */
static unsigned int port_of(const struct world *w, uint16_t port)
{
	unsigned int i;

	for (i = 0; port && w->now && i < w->now->n_flows; i++)
		if (w->state[i].masked == port)
			return w->now->flow[i].dialled;
	return port;
}

static struct text ends(const struct world *w, const struct view *v)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	struct text t;

	inet_ntop(v->src.family, v->src.ip, a, sizeof(a));
	inet_ntop(v->dst.family, v->dst.ip, b, sizeof(b));
	snprintf(t.s, sizeof(t.s), "%s,%u > %s,%u", a, port_of(w, v->src.port),
		 b, port_of(w, v->dst.port));
	return t;
}

int flow_of(const struct world *w, uint8_t proto, struct end member,
	    struct end dialled)
{
	const struct sequence *s = w->now;
	unsigned int i;

	for (i = 0; s && i < s->n_flows; i++)
		if (s->flow[i].proto == proto &&
		    end_equal(member_of(&s->flow[i]), member) &&
		    end_equal(dialled_of(w, i), dialled))
			return i;
	return -1;
}

/* What the client sends is translated: to what, is learnt here. */
static void learn_mask(struct world *w, const struct view *v)
{
	const struct step *st = &w->now->step[w->step];

	if (st->op != OP_CLIENT || v->src.port < 32768 ||
	    w->state[st->flow].masked == v->src.port)
		return;
	w->state[st->flow].masked = v->src.port;
	if (v->src.port != w->now->flow[st->flow].dialled)
		event(w, "client has another port");
}

/* What the header says beside addresses and ports. */
static struct text header(const struct frame *f, const struct view *v)
{
	const uint8_t *ip = f->data + v->l3;
	struct text t;
	int n;

	if (v->src.family == AF_INET)
		n = snprintf(t.s, sizeof(t.s), " ttl %u%s", ip[8],
			     ip[6] & 0x40 ? " df" : "");
	else
		n = snprintf(t.s, sizeof(t.s), " ttl %u", ip[7]);
	snprintf(t.s + n, sizeof(t.s) - n, "%s",
		 frame_sums_good(f) ? "" : " BAD-SUM");
	return t;
}

/* In a quote the checksum is the member's own, if all was put back. */
static void quote_event(struct world *w, const struct frame *f,
			const struct view *v, const char *who)
{
	static struct frame inner;
	const uint8_t *icmp = f->data + v->l4;
	struct view q;
	size_t room;

	memset(inner.data, 0, 14);
	inner.data[12] = v->src.family == AF_INET ? 0x08 : 0x86;
	inner.data[13] = v->src.family == AF_INET ? 0x00 : 0xdd;
	inner.len = 14 + v->end - v->l4 - 8;
	memcpy(inner.data + 14, icmp + 8, inner.len - 14);
	if (!frame_view(&inner, &q)) {
		event(w, "%sicmp %s type %u/%u, odd quote", who, ends(w, v).s,
		      icmp[0], icmp[1]);
		return;
	}
	room = inner.len - q.l4;
	event(w, "%sicmp %s type %u/%u info %u about %u %s sum %04x #%08x%s",
	      who, ends(w, v).s, icmp[0], icmp[1], get32(icmp + 4), q.proto,
	      ends(w, &q).s,
	      q.proto == IPPROTO_UDP && room >= 8 && !q.fragment
		      ? get16(inner.data + q.l4 + 6)
		      : 0,
	      room > 8 ? hash_of(inner.data + q.l4 + 8, room - 8) : 0,
	      header(f, v).s);
}

static bool is_noise6(uint8_t type)
{
	return type >= 130 && type <= 143; /* groups and neighbours */
}

static void icmp_event(struct world *w, const struct frame *f,
		       const struct view *v, const char *who)
{
	uint8_t type = f->data[v->l4];
	bool v4 = v->src.family == AF_INET;

	if (!v4 && is_noise6(type))
		return;
	if (v4 ? type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
			    type == ICMP_PARAMETERPROB
	       : !(type & ICMP6_INFOMSG_MASK))
		quote_event(w, f, v, who);
	else
		event(w, "%secho %s type %u #%08x%s", who, ends(w, v).s, type,
		      hash_of(f->data + v->l4 + 4, v->end - v->l4 - 4),
		      header(f, v).s);
}

/* False: a segment that came before, or a bare acknowledgement. */
static bool tcp_learn(struct state *st, const struct frame *f,
		      const struct view *v, size_t len)
{
	const uint8_t *tcp = f->data + v->l4;
	uint32_t seq = get32(tcp + 4), next;

	next = seq + len + !!(tcp[13] & SYN) + !!(tcp[13] & FIN);
	if (tcp[13] & RST) {
		st->live = false;
		return true;
	}
	if (tcp[13] & SYN) {
		if (st->synced && st->isn == seq)
			return false;
		st->synced = st->live = true;
		st->ended = 0;
		st->isn = seq;
		st->rcv = next;
		st->owes_ack = true;
		return true;
	}
	if (next == seq)
		return false;
	st->owes_ack = true;
	if (st->synced && (int32_t)(next - st->rcv) <= 0)
		return false;
	st->rcv = next;
	st->ended |= tcp[13] & FIN ? 2 : 0;
	return true;
}

static void tcp_event(struct world *w, const struct frame *f,
		      const struct view *v, const char *who, bool to_client)
{
	const uint8_t *tcp = f->data + v->l4, *data = tcp + (tcp[12] >> 4) * 4;
	int flow = to_client ? -1 : flow_of(w, IPPROTO_TCP, v->dst, v->src);
	struct state *st = flow < 0 ? NULL : &w->state[flow];
	size_t len = f->data + v->end - data;
	uint32_t seq = get32(tcp + 4);

	if (st && !tcp_learn(st, f, v, len))
		return;
	if (!st && !to_client && !len && tcp[13] == ACK)
		return;
	if (st && st->synced && seq && seq - st->isn < 1 << 20)
		seq -= st->isn;
	event(w, "%stcp %s%s%s%s%s seq %u len %zu #%08x%s", who, ends(w, v).s,
	      tcp[13] & SYN ? " syn" : "", tcp[13] & ACK ? " ack" : "",
	      tcp[13] & FIN ? " fin" : "", tcp[13] & RST ? " rst" : "",
	      tcp[13] & SYN ? 0 : seq, len, hash_of(data, len), header(f, v).s);
}

static void udp_event(struct world *w, const struct frame *f,
		      const struct view *v, const char *who)
{
	size_t len = v->end > v->payload ? v->end - v->payload : 0;

	event(w, "%sudp %s len %zu%s #%08x%s", who, ends(w, v).s, len,
	      v->more ? " first piece" : "", hash_of(f->data + v->payload, len),
	      header(f, v).s);
}

/* Members and ports are new in every sequence: a late packet to an earlier one
 * is a retransmission or a reassembly that timed out. */
static bool is_stale(const struct world *w, const struct view *v)
{
	unsigned int i;

	for (i = 0; w->now && i < w->now->n_flows; i++)
		if (end_equal(with_port(member_of(&w->now->flow[i]), 0),
			      with_port(v->dst, 0)))
			return false;
	return v->proto != IPPROTO_UDP;
}

void event_frame(struct world *w, const struct frame *f, bool to_client)
{
	const char *who = to_client ? "client-" : "";
	struct view v;
	int flow;

	if (!frame_view(f, &v))
		return;
	if (!to_client && is_stale(w, &v))
		return;
	if (w->now && !to_client)
		learn_mask(w, &v);
	if (v.fragment) {
		event(w, "%spiece %s at %zu len %zu%s #%08x%s", who,
		      ends(w, &v).s, v.fragment, v.end - v.l4,
		      v.more ? " more" : "",
		      hash_of(f->data + v.l4, v.end - v.l4), header(f, &v).s);
		return;
	}
	flow = flow_of(w, v.proto, v.dst, v.src);
	if (flow >= 0 && !to_client) {
		w->state[flow].last.len = f->len;
		memcpy(w->state[flow].last.data, f->data, f->len);
	}
	switch (v.proto) {
	case IPPROTO_UDP: udp_event(w, f, &v, who); break;
	case IPPROTO_TCP: tcp_event(w, f, &v, who, to_client); break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: icmp_event(w, f, &v, who); break;
	default: break;
	}
}
