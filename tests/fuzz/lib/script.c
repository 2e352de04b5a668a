/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Plays a story to the twin, and judges every step. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "ns.h"
#include "peername.h"
#include "pick.h"
#include "script.h"
#include "setup.h"
#include "twin.h"
#include "twin_map.h"

#define STEPS 200 /* of one input */

/* A member as OpenVPN knows it, and what it is on the wire. */
struct peer {
	struct end member, seen, dialled;
	uint16_t target;
	bool on;        /* since OpenVPN has sent it data ... */
	uint32_t quiet; /* ... and for so many ticks it has said nothing */
};
#define N_PEERS 256
static struct peer peers[N_PEERS];
static unsigned int n_peers;
static unsigned int n_on, number; /* number: of the configuration */
static size_t linear;             /* of the frames that follow; 0: all */
static enum door_mode mode;
static const struct mirror *mirror;

static void same_on_both(enum way way, const struct frame *in, size_t piece,
			 enum verdict verdict, const struct frame *out)
{
	static struct frame other;
	enum verdict v;

	if (!mirror)
		return;
	v = mirror->run(way, in, piece, &other);
	judge(way, in, piece, v, &other);
	if (v != verdict) {
		printf("# verdict %d, of the twin %d\n", v, verdict);
		judge_fail("another verdict than the twin's", in, &other);
	}
	if (v == PASSED && !frame_equal(&other, out))
		judge_fail("not the bytes that the twin makes", out, &other);
}

/* One frame through the door. */
static enum verdict pass(enum way way, const struct frame *in,
			 struct frame *out)
{
	bool still = judge_is_icmp(in) || judge_broken(in);
	uint64_t before = still ? twin_flows() : 0;
	size_t piece = linear && linear < in->len ? linear : in->len;
	enum verdict verdict;

	if (mirror)
		piece = mirror->split(way, in, piece);
	verdict = way == WAY_IN
			  ? twin_in(in, piece, out)
			  : twin_out(in, piece, way == WAY_FORWARDED, out);
	judge(way, in, piece, verdict, out);
	/* requirement 9, and the same for what is no packet at all */
	if (still && twin_flows() != before)
		judge_fail("a flow is made or altered", in, out);
	same_on_both(way, in, piece, verdict, out);
	return verdict;
}

/* OpenVPN answers P at once: it arrives where P's packet came from. */
static void answer(struct peer *p, struct pick *pick)
{
	static struct frame in, out, want;
	struct packet reply = { .src = with_port(p->dialled, p->target),
				.dst = p->seen };

	pick_reply(pick, &reply);
	frame_build(&in, &reply);
	reply.src = p->dialled;
	reply.dst = p->member;
	frame_build(&want, &reply);
	if (pass(WAY_OUT, &in, &out) != PASSED || !frame_equal(&out, &want))
		judge_fail("an answer does not go back the way", &want, &out);
	if (reply.payload != golden_reply_data.data)
		return;
	n_on += !p->on;
	p->on = true;
}

static struct peer *find(const struct view *was)
{
	for (unsigned int i = 0; i < n_peers && i < N_PEERS; i++)
		if (end_equal(peers[i].member, was->src) &&
		    end_equal(peers[i].dialled, was->dst))
			return &peers[i];
	return NULL;
}

/* While there is room in the table. */
static bool must_stay(const struct peer *p)
{
	return p->on && n_on < TWIN_ENTRIES * 3 / 4;
}

/* Notes who it was if OUT is the datagram IN on its way to OpenVPN. */
static struct peer *note(const struct frame *in, const struct frame *out)
{
	struct view was, is;
	struct peer now, *p;

	if (judge_broken(in) || !frame_view(in, &was) ||
	    !frame_view(out, &is) || was.proto != IPPROTO_UDP || was.fragment ||
	    was.dst.port == is.dst.port)
		return NULL;
	now = (struct peer){ .member = was.src,
			     .seen = is.src,
			     .dialled = was.dst,
			     .target = is.dst.port };
	p = find(&was);
	if (!p)
		p = &peers[n_peers++ % N_PEERS];
	else if (end_equal(p->seen, now.seen) && p->target == now.target)
		now.on = p->on;
	else if (must_stay(p)) /* requirement 28 */
		judge_fail("a member who is on becomes another peer", in, out);
	*p = now;
	return p;
}

static void arrives(struct pick *pick, const struct frame *in)
{
	static struct frame out;
	struct peer *p;

	if (pass(WAY_IN, in, &out) != PASSED)
		return;
	p = note(in, &out);
	if (p && pick_byte(pick) & 1)
		answer(p, pick);
}

static struct peer *some_peer(struct pick *pick)
{
	unsigned int n = n_peers < N_PEERS ? n_peers : N_PEERS;

	return n ? &peers[pick_byte(pick) % n] : NULL;
}

/* OpenVPN answers later, and perhaps in pieces. */
static void answer_later(struct pick *pick)
{
	struct peer *peer = some_peer(pick);

	if (peer && must_stay(peer))
		answer(peer, pick);
}

/* From OpenVPN or from anything else on this host, or forwarded. */
static void leaves(struct pick *pick, bool forwarded)
{
	struct packet p = { .proto = 0 };
	struct peer *peer = some_peer(pick);
	static struct frame in, out;

	pick_packet(pick, &p);
	if (peer && !forwarded) {
		p.src = with_port(peer->dialled, peer->target);
		p.dst = peer->seen;
		if (p.proto)
			p.proto = 0;
		pick_reply(pick, &p);
	} else {
		struct end from = p.dst;

		p.dst = p.src;
		p.src = from;
	}
	pick_frame(pick, &p, &in);
	pass(forwarded ? WAY_FORWARDED : WAY_OUT, &in, &out);
}

/* An error about what PEER and OpenVPN have said to each other. */
static void error(struct pick *pick, bool in)
{
	static struct frame about, f, out;
	struct peer *peer = some_peer(pick);
	struct packet quote = { .proto = 0 }, p;

	pick_packet(pick, &quote);
	if (peer && in) {
		quote.src = peer->dialled;
		quote.dst = peer->member;
	} else if (peer) {
		quote.src = peer->seen;
		quote.dst = with_port(peer->dialled, peer->target);
	} else if (in) {
		struct end from = quote.dst;

		quote.dst = quote.src;
		quote.src = from;
	}
	frame_build(&about, &quote);
	p = (struct packet){ .src = with_port(quote.dst, 0),
			     .dst = with_port(quote.src, 0) };
	pick_error(pick, &p, &about);
	pick_frame(pick, &p, &f);
	pass(in ? WAY_IN : WAY_OUT, &f, &out);
}

/* So many members that their flows get into each other's way. */
static void crowd(struct pick *pick)
{
	unsigned int n = pick_byte(pick) & 63, what = pick_byte(pick);
	unsigned int first = (what >> 1) % 3 * 64;
	static struct frame in, out;
	struct packet p;
	struct peer *peer;

	for (unsigned int i = 0; i < n; i++) {
		struct pick data = pick_constant(PICK_DATA);

		p = (struct packet){ .proto = 0 };
		pick_member(&p, what & 1, first + i);
		frame_build(&in, &p);
		if (pass(WAY_IN, &in, &out) != PASSED)
			continue;
		peer = note(&in, &out);
		if (peer)
			answer(peer, &data);
	}
}

static void change(unsigned int n)
{
	setup_apply(n);
	if (n != number) { /* others may be targets */
		for (unsigned int i = 0; i < N_PEERS; i++)
			peers[i].on = false;
		peername_forget();
	}
	number = n;
	if (mirror)
		mirror->configure();
}

/*
 * The segments in use as after much coming and going: the next flow that finds
 * no room in its bucket is one too many. Only the programs spread flows; no
 * command does.
 */
static void nearly_crowded(void)
{
	struct ap_spread *spread = twin_at("spread", 0);

	for (int v6 = 0; v6 < 2; v6++)
		if (spread[v6].shift)
			spread[v6].crowded = 255;
	if (mirror)
		mirror->crowd();
}

static struct bpf_sk_lookup lookup_of(const struct packet *p)
{
	bool v4 = p->src.family == AF_INET;
	struct bpf_sk_lookup l = { .family = p->src.family,
				   .protocol = p->proto,
				   .remote_port = htons(p->src.port),
				   .local_port = p->dst.port };

	memcpy(v4 ? &l.remote_ip4 : l.remote_ip6, p->src.ip, v4 ? 4 : 16);
	memcpy(v4 ? &l.local_ip4 : l.local_ip6, p->dst.ip, v4 ? 4 : 16);
	return l;
}

/* A connection, after its SYN unless that came by when no door was there. */
static void connection(struct pick *pick)
{
	struct packet p = { .proto = IPPROTO_TCP, .flags = 2 };
	struct bpf_sk_lookup lookup;
	static struct frame f, out;
	uint8_t what;
	uint16_t port;

	pick_ends(pick, &p);
	what = pick_byte(pick);
	frame_build(&f, &p);
	linear = 0;
	if (what & 1)
		pass(WAY_IN, &f, &out);
	if (what & 2)
		p.proto = what;
	lookup = lookup_of(&p);
	port = twin_connect(&lookup);
	judge_connect(&lookup, what & 1, port);
	if (mirror && mirror->connect(&lookup) != port) {
		judge_connect(&lookup, what & 1, mirror->connect(&lookup));
		judge_fail("another listener than the twin's", &f, &f);
	}
}

/* See SETUP_TICKS for why these. */
static void some_time(struct pick *pick)
{
	static const uint32_t some[] = { 64, 128, 192, 320 };
	uint32_t ticks = some[pick_byte(pick) & 3];

	twin_wait(ticks);
	for (unsigned int i = 0; i < N_PEERS; i++) {
		peers[i].quiet += ticks;
		if (peers[i].quiet > setup.config.idle_established)
			peers[i].on = false;
	}
	if (mirror)
		mirror->wait(ticks);
}

/* A member whose own port is the one that the door gave another flow. */
static void squat(struct pick *pick)
{
	struct peer *peer = some_peer(pick);
	struct packet p = { .proto = 0 };
	static struct frame f;

	pick_packet(pick, &p);
	if (peer) {
		p.src = peer->seen;
		p.dst = with_port(peer->dialled, p.dst.port);
	}
	pick_frame(pick, &p, &f);
	arrives(pick, &f);
}

/* A datagram so long that XDP sees only its beginning. */
static void jumbo(struct pick *pick)
{
	static uint8_t data[6000];
	struct packet p = { .proto = 0 };
	static struct frame f;

	pick_packet(pick, &p);
	memcpy(data, p.payload, p.len);
	p.payload = data;
	p.len = mode == DOOR_XDP ? sizeof(data) : 1400; /* fits on a page */
	pick_frame(pick, &p, &f);
	arrives(pick, &f);
}

static void step(struct pick *pick)
{
	static struct frame f;
	struct packet p = { .proto = 0 };
	uint8_t what = pick_byte(pick) & 31;

	switch (what) {
	case 5: squat(pick); return;
	case 6:
	case 7: leaves(pick, false); return;
	case 8: leaves(pick, true); return;
	case 9: error(pick, true); return;
	case 10: error(pick, false); return;
	case 11:
		pick_raw(pick, &f);
		arrives(pick, &f);
		return;
	case 12: crowd(pick); return;
	case 13: change(pick_byte(pick)); return;
	case 14: some_time(pick); return;
	case 16: linear = ETH_HLEN + pick_byte(pick); return;
	case 17: linear = 0; return;
	case 18: nearly_crowded(); return;
	case 19: connection(pick); return;
	case 20:
		if (!mirror) /* the kernel's is not asked */
			peername_step(pick);
		return;
	case 21: jumbo(pick); return;
	case 22: answer_later(pick); return;
	}
	pick_packet(pick, &p);
	if (what == 15)
		pick_tcp(pick, &p);
	pick_frame(pick, &p, &f);
	arrives(pick, &f);
}

void script_run(const uint8_t *data, size_t size, const struct mirror *with)
{
	static bool begun;
	struct pick pick = { data, data + size };
	uint8_t how = pick_byte(&pick);

	mode = how & 1 ? DOOR_TC : DOOR_XDP;
	mirror = with;
	n_peers = n_on = 0;
	linear = 0;
	twin_reset(mode, how & 2 ? 1 : 0);
	if (!begun)
		setup_begin();
	begun = true;
	if (mirror)
		mirror->reset(mode);
	change(pick_byte(&pick));
	for (int i = 0; i < STEPS && pick.at < pick.end; i++)
		step(&pick);
	if (mirror)
		mirror->end();
}
