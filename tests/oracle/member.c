/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The members' part: frames of the steps, and a TCP that is as small as it can
 * be. Nothing but what a world has answered makes its frames differ. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "expect.h"
#include "oracle.h"
#include "sum.h"

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

#define WHOLE_MAX 1300 /* bytes that fit a frame behind any headers */

static uint32_t members; /* four addresses each */

void members_new(void)
{
	members = (members + 1) & 0xfffff;
}

static struct end one_of(const char *range, uint16_t port, uint32_t n)
{
	struct end e = end(range, port);

	if (e.family == AF_INET6) {
		e.ip[8] = n >> 24;
		e.ip[9] = n >> 16;
		e.ip[10] = n >> 8;
		e.ip[11] = n;
		e.ip[15] = 9;
	} else {
		e.ip[1] |= n >> 16;
		e.ip[2] = n >> 8;
		e.ip[3] = n;
	}
	return e;
}

struct end member_of(const struct flow *f)
{
	return one_of(f->v6 ? "2001:db8:9::" : "100.64.0.0", f->port,
		      members * 4 + f->member);
}

struct end client_of(const struct flow *f)
{
	return one_of(f->v6 ? "fd09:0:0:1::" : "10.64.0.0", f->dialled,
		      members * 4);
}

struct end dialled_of(const struct world *w, unsigned int flow)
{
	const struct flow *f = &w->now->flow[flow];

	static const char *const address[2][2] = { { DOOR_A4, DOOR_B4 },
						   { DOOR_A6, DOOR_B6 } };

	return end(address[f->v6][f->door],
		   w->state[flow].masked ?: f->dialled);
}

/* How OpenVPN's packets begin, their usual length and the least. */
static const struct {
	uint8_t first;
	uint16_t len, min, max;
} shape[KINDS] = {
	[K_RESET] = { 0x38, 14, 14, 65535 },
	[K_RESET3] = { 0x50, 350, 344, 1279 },
	[K_CONTROL] = { 0x20, 200, 14, 65535 },
	[K_ACK] = { 0x28, 22, 22, 65535 },
	[K_DATA] = { 0x48, 60, 25, 65535 },
	[K_JUNK] = { 0x47, 40, 65535, 0 },
};

bool payload_is_openvpn(enum kind kind, size_t len)
{
	len = len ?: shape[kind].len;
	return len >= shape[kind].min && len <= shape[kind].max;
}

size_t payload_make(uint8_t *out, enum kind kind, size_t len, unsigned int flow,
		    unsigned int step)
{
	size_t i;

	len = MIN(len ?: shape[kind].len, (size_t)PAYLOAD_MAX);
	for (i = 0; i < len; i++)
		out[i] = (step + 3) * 37 + flow * 11 + i * 7;
	if (len > 3) {
		out[0] = shape[kind].first;
		out[1] = 0x5e;
		out[2] = flow;
		out[3] = step;
	}
	if (kind == K_RESET)
		for (i = 9; i < MIN(len, 14); i++)
			out[i] = 0;
	return len;
}

/* The frame's transport checksum anew, after its header was changed. */
static void sum_again(struct frame *f, size_t at)
{
	struct sum_pseudo pseudo;
	struct view v;
	uint16_t sum;

	if (!frame_view(f, &v))
		return;
	f->data[v.l4 + at] = f->data[v.l4 + at + 1] = 0;
	pseudo = (struct sum_pseudo){ v.src.family, v.src.ip, v.dst.ip,
				      v.proto };
	sum = sum_transport(&pseudo, f->data + v.l4, v.end - v.l4);
	f->data[v.l4 + at] = sum >> 8;
	f->data[v.l4 + at + 1] = sum;
}

static void set32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static void tcp_send(struct world *w, unsigned int flow, uint8_t flags,
		     uint32_t seq, uint32_t ack, const struct packet *more)
{
	static struct frame f;
	struct packet p = *more;
	struct view v;

	p.src = member_of(&w->now->flow[flow]);
	p.dst = dialled_of(w, flow);
	p.proto = IPPROTO_TCP;
	p.flags = flags;
	frame_build(&f, &p);
	frame_view(&f, &v);
	set32(f.data + v.l4 + 4, seq);
	set32(f.data + v.l4 + 8, ack);
	if (p.sum == SUM_GOOD)
		sum_again(&f, 16);
	wire_send(w->out, &f);
}

static void tcp_do(struct world *w, const struct step *st)
{
	static uint8_t data[PAYLOAD_MAX];
	struct state *s = &w->state[st->flow];
	struct packet p = { .sum = st->arg[A_SUM] };

	/* Who wants to send nonsense says "stray". */
	if (st->op != OP_SYN && st->op != OP_STRAY &&
	    (!s->live || (st->op != OP_RST && s->ended & 1)))
		return;
	switch (st->op) {
	case OP_SYN:
		if (s->live && s->ended != 3)
			return; /* the port is in use */
		/* Later numbers than any before: a port may be used again. */
		s->snd = 0x01000000 + (w->step << 20);
		tcp_send(w, st->flow, SYN, s->snd, 0, &p);
		if (p.sum == SUM_GOOD)
			s->snd++;
		break;
	case OP_SAY:
		p.len = MIN(payload_make(data, st->kind, st->arg[A_LEN],
					 st->flow, w->step),
			    (size_t)WHOLE_MAX);
		p.payload = data;
		tcp_send(w, st->flow, ACK, s->snd, s->rcv, &p);
		if (p.sum == SUM_GOOD)
			s->snd += p.len;
		break;
	case OP_FIN:
		tcp_send(w, st->flow, FIN | ACK, s->snd++, s->rcv, &p);
		s->ended |= 1;
		break;
	case OP_RST:
		s->live = false;
		tcp_send(w, st->flow, RST | ACK, s->snd, s->rcv, &p);
		break;
	default:
		tcp_send(w, st->flow, st->arg[A_FLAGS], 0x07000000, 0x01020305,
			 &p);
	}
}

bool member_acks(struct world *w)
{
	static const struct packet bare;
	bool some = false;
	unsigned int i;

	for (i = 0; i < w->now->n_flows; i++) {
		struct state *s = &w->state[i];

		if (!s->owes_ack)
			continue;
		s->owes_ack = false;
		tcp_send(w, i, ACK, s->snd, s->rcv, &bare);
		some = true;
	}
	return some;
}

/* ---- UDP ----------------------------------------------------------------*/

static void send_piece(struct world *w, const struct frame *whole, size_t from,
		       size_t len)
{
	static struct frame f;

	frame_fragment(&f, whole, from, len);
	wire_send(w->out, &f);
}

static size_t place(unsigned int order, size_t i, size_t n)
{
	switch (order) {
	case 1: return n - 1 - i;
	case 2: return i < n / 2 ? 2 * i + 1 : 2 * (i - n / 2);
	default: return i;
	}
}

static void send_pieces(struct world *w, const struct step *st,
			const struct frame *whole, size_t total)
{
	size_t size = MAX(st->arg[A_FRAG] & ~7U, 8U);
	size_t n = (total + size - 1) / size, i, at;

	fragment_id = members * STEPS_MAX + w->step + 1;
	for (i = 0; i < n; i++) {
		at = place(st->arg[A_ORDER], i, n);
		if (st->arg[A_LOST] && at == n - 1)
			continue;
		send_piece(w, whole, at * size,
			   size + (st->arg[A_OVERLAP] ? 8 : 0));
	}
}

/* A header that says another length; the checksum fits it, or is absent. */
static void lie(struct frame *f, const struct step *st)
{
	struct view v;

	frame_view(f, &v);
	f->data[v.l4 + 4] = st->arg[A_UDPLEN] >> 8;
	f->data[v.l4 + 5] = st->arg[A_UDPLEN];
	if (st->arg[A_SUM] == SUM_GOOD)
		sum_again(f, 6);
}

static struct packet packet_of(const struct world *w, const struct step *st)
{
	static const uint8_t nops[40] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const uint8_t kinds[10] = { 60, 60, 60, 60, 60,
					   60, 60, 60, 60, 60 };
	const struct flow *fl = &w->now->flow[st->flow];
	struct packet p = {
		.src = member_of(fl),
		.dst = dialled_of(w, st->flow),
		.proto = fl->proto,
		.sum = st->arg[A_SUM],
		.options = nops,
		.chain = kinds,
		.id = w->step + 1,
	};

	if (fl->v6)
		p.n_chain = MIN(st->arg[A_CHAIN], sizeof(kinds));
	else
		p.n_options = MIN(st->arg[A_CHAIN] * 4U, sizeof(nops));
	return p;
}

static void udp_say(struct world *w, const struct step *st)
{
	static uint8_t data[PAYLOAD_MAX];
	static struct frame f;
	struct packet p = packet_of(w, st);

	p.payload = data;
	p.len = payload_make(data, st->kind, st->arg[A_LEN], st->flow, w->step);
	if (p.len > WHOLE_MAX && !st->arg[A_FRAG])
		p.len = WHOLE_MAX;
	frame_build(&f, &p);
	if (st->arg[A_UDPLEN])
		lie(&f, st);
	if (st->arg[A_CUT])
		f.len = MIN(f.len, 14U + st->arg[A_CUT]);
	if (st->arg[A_FRAG])
		send_pieces(w, st, &f, 8 + p.len);
	else
		wire_send(w->out, &f);
}

static void client_send(struct world *w, const struct step *st)
{
	const struct flow *fl = &w->now->flow[st->flow];
	static uint8_t data[PAYLOAD_MAX];
	static struct frame f;
	struct packet p = packet_of(w, st);

	p.src = client_of(fl);
	p.dst = member_of(fl);
	p.flags = SYN;
	if (fl->proto == IPPROTO_UDP) {
		p.len = payload_make(data, K_JUNK, st->arg[A_LEN], st->flow,
				     w->step);
		p.payload = data;
	}
	frame_build(&f, &p);
	wire_send(w->in, &f);
}

/* What the member would quote that got nothing yet. */
static void imagined(struct frame *f, const struct world *w, unsigned int flow)
{
	const struct flow *fl = &w->now->flow[flow];
	static const uint8_t data[60] = { 0x48 };
	struct packet p = {
		.src = dialled_of(w, flow),
		.dst = member_of(fl),
		.proto = fl->proto,
		.payload = data,
		.len = sizeof(data),
	};

	frame_build(f, &p);
}

static void icmp_send(struct world *w, const struct step *st)
{
	const struct flow *fl = &w->now->flow[st->flow];
	static struct frame f, quote;
	struct packet p = packet_of(w, st);

	p.proto = fl->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	if (st->op == OP_PING) {
		p.type = fl->v6 ? 128 : 8;
		p.extra = 0x77000000 | w->step;
	} else {
		quote = w->state[st->flow].last;
		if (!quote.len && st->arg[A_INFO])
			return;
		if (!quote.len)
			imagined(&quote, w, st->flow);
		p.src = end(fl->v6 ? ROUTER6 : ROUTER4, 0);
		p.type = st->arg[A_TYPE] ?: fl->v6 ? 1 : 3;
		p.code = st->arg[A_CODE];
		p.extra = st->arg[A_INFO];
		p.quote = &quote;
		p.quote_len = st->arg[A_QUOTE] ?: fl->v6 ? 1232 : 548;
	}
	frame_build(&f, &p);
	wire_send(w->out, &f);
}

void member_do(struct world *w, const struct step *st)
{
	switch (st->op) {
	case OP_ERROR:
	case OP_PING: icmp_send(w, st); break;
	case OP_CLIENT: client_send(w, st); break;
	default:
		if (w->now->flow[st->flow].proto == IPPROTO_TCP)
			tcp_do(w, st);
		else if (st->op == OP_SAY)
			udp_say(w, st);
	}
}
