/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* ICMP errors about rewritten packets, both ways; and what ICMP cannot do. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

#define HOP4 "203.0.113.1"
#define HOP6 "2001:db8:77::1"

static const char *const member_ip[] = { "192.0.2.9", "2001:db8:9::9" };
static const char *const address[] = { DOOR_A4, DOOR_A6 };
static const uint8_t types4[] = { 3, 11, 12 }, types6[] = { 1, 2, 3, 4 };

/* A flow, aliased or not; what the network and what OpenVPN see of it. */
struct flow {
	struct end member, dial, seen, target;
};

static struct flow make_flow(int v, bool aliased)
{
	struct flow f = { .member = end(member_ip[v], 5000),
			  .dial = end(address[v], 443) };

	if (aliased)
		establish(&door, f.member, with_port(f.dial, 53));
	f.seen = establish(&door, f.member, f.dial);
	f.target = with_port(f.dial, TARGET);
	assert_int_equal(aliased, f.seen.port != f.member.port);
	return f;
}

/* An error about QUOTED, of which the first KEEP bytes are quoted. */
static struct packet error(struct end from, struct end to, uint8_t type,
			   const struct frame *quoted, size_t keep)
{
	bool v4 = from.family == AF_INET;

	return (struct packet){ .src = from,
				.dst = to,
				.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
				.type = type,
				.code = type == 3 && v4 ? 4 : 0,
				.extra = 1280,
				.quote = quoted,
				.quote_len = keep };
}

/* From the network, about what the door had sent to the member. */
static void error_in(const struct flow *f, uint8_t type, struct packet quoted,
		     size_t keep)
{
	static struct frame wire, host;
	struct end hop = end(f->dial.family == AF_INET ? HOP4 : HOP6, 0);
	struct packet in, want;

	quoted.src = f->dial;
	quoted.dst = f->member;
	frame_build(&wire, &quoted);
	quoted.src = f->target;
	quoted.dst = f->seen;
	frame_build(&host, &quoted);
	in = error(hop, with_port(f->dial, 0), type, &wire, keep);
	want = error(hop, with_port(f->dial, 0), type, &host, keep);
	expect_in(&door, &in, &want);
}

/* From the host, about what the member had sent. */
static void error_out(const struct flow *f, uint8_t type, struct packet quoted,
		      size_t keep)
{
	static struct frame host, wire;
	struct packet out, want;
	struct end from = with_port(f->dial, 0), to = with_port(f->member, 0);

	quoted.src = f->seen;
	quoted.dst = f->target;
	frame_build(&host, &quoted);
	quoted.src = f->member;
	quoted.dst = f->dial;
	frame_build(&wire, &quoted);
	out = error(from, to, type, &host, keep);
	want = error(from, to, type, &wire, keep);
	expect_out(&door, &out, false, &want);
}

/* Both ways, all types, from 8 bytes of the datagram to all of it. */
static void every_type(const struct flow *f, struct packet quoted)
{
	size_t header = f->dial.family == AF_INET6 ? 40 : 20 + quoted.n_options;
	bool v6 = f->dial.family == AF_INET6;
	const uint8_t *types = v6 ? types6 : types4;
	size_t n = v6 ? sizeof(types6) : sizeof(types4), i, keep;
	uint64_t in = door_count(&door, AP_C_icmp_in), sent = 0;
	uint64_t out = door_count(&door, AP_C_icmp_out);

	for (i = 0; i < n; i++) {
		for (keep = 8; keep <= 8 + quoted.len; keep++, sent++) {
			error_in(f, types[i], quoted, header + keep);
			error_out(f, types[i], quoted, header + keep);
		}
	}
	assert_int_equal(door_count(&door, AP_C_icmp_in), in + sent);
	assert_int_equal(door_count(&door, AP_C_icmp_out), out + sent);
}

static void errors(void **state)
{
	struct packet quoted = { .payload = golden_reply_data.data,
				 .len = golden_reply_data.len };
	struct flow f;
	int v, aliased;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (aliased = 0; aliased < 2; aliased++) {
			door_reset(&door);
			f = make_flow(v, aliased);
			every_type(&f, quoted);
		}
	}
}

static void embedded_options(void **state)
{
	static const uint8_t options[40] = { 7, 39, 4 };
	struct packet quoted = { .payload = golden_reply_data.data,
				 .len = 12,
				 .options = options };
	struct flow f = make_flow(0, true);

	(void)state;
	for (quoted.n_options = 4; quoted.n_options <= 40;
	     quoted.n_options += 4)
		every_type(&f, quoted);
}

static void embedded_extensions(void **state)
{
	static const uint8_t chain[] = { 60, 43, 60 };
	struct packet quoted = { .payload = golden_reply_data.data,
				 .len = 12,
				 .chain = chain };
	struct flow f = make_flow(1, true);
	int i;

	(void)state;
	for (quoted.n_chain = 1; quoted.n_chain <= 3; quoted.n_chain++) {
		for (i = 0; i < 4; i++) {
			error_in(&f, types6[i], quoted, 0);
			error_out(&f, types6[i], quoted, 0);
		}
	}
}

static void embedded_without_sum(void **state)
{
	struct packet quoted = { .payload = golden_reply_data.data,
				 .len = 12,
				 .sum = SUM_ZERO };
	struct flow f = make_flow(0, true);

	(void)state;
	every_type(&f, quoted);
	quoted.sum = SUM_GOOD;
	quoted.len = golden_reply_control.len; /* odd, and longer */
	error_in(&f, 3, quoted, 0);
	error_out(&f, 3, quoted, 0);
}

static void every_code(void **state)
{
	static struct frame wire, host;
	struct flow f = make_flow(0, false);
	struct packet q = datagram(f.dial, f.member, &golden_reply_data);
	struct packet in, want;
	int code;

	(void)state;
	frame_build(&wire, &q);
	q.src = f.target;
	frame_build(&host, &q);
	for (code = 0; code < 256; code++) {
		in = error(end(HOP4, 0), with_port(f.dial, 0), 3, &wire, 28);
		want = error(end(HOP4, 0), with_port(f.dial, 0), 3, &host, 28);
		in.code = want.code = code;
		in.extra = want.extra = code * 5;
		in.vlans = want.vlans = code % 3;
		expect_in(&door, &in, &want);
	}
}

/* A sum that was wrong stays wrong: the stack drops the error, as it should. */
static void bad_stays_bad(void **state)
{
	static struct frame wire, host;
	struct flow f = make_flow(0, true);
	struct packet q = datagram(f.dial, f.member, &golden_reply_data);
	struct packet in, want;

	(void)state;
	frame_build(&wire, &q);
	q.src = f.target;
	q.dst = f.seen;
	frame_build(&host, &q);
	in = error(end(HOP4, 0), with_port(f.dial, 0), 3, &wire, 28);
	want = error(end(HOP4, 0), with_port(f.dial, 0), 3, &host, 28);
	in.sum = want.sum = SUM_BAD;
	expect_in(&door, &in, &want);
}

/* Half-open flows have errors as well: the server's first reply. */
static void half_open(void **state)
{
	struct flow f = { .member = end(member_ip[0], 5000),
			  .dial = end(DOOR_A4, 443) };
	struct packet quoted = { .payload = golden_reply_reset.data,
				 .len = golden_reply_reset.len };

	(void)state;
	f.target = with_port(f.dial, TARGET);
	f.seen = say(&door, f.member, f.dial, &golden_first[0]);
	every_type(&f, quoted);
}

/* Requirement 12. */
static void not_about_us(void **state)
{
	static struct frame wire;
	struct flow f = make_flow(0, false);
	struct packet q, p;

	(void)state;
	q = datagram(f.dial, with_port(f.member, 5001), &golden_reply_data);
	frame_build(&wire, &q); /* no such flow */
	p = error(end(HOP4, 0), with_port(f.dial, 0), 3, &wire, 28);
	expect_in(&door, &p, &p);
	assert_int_equal(door_count(&door, AP_C_icmp_in_unknown), 1);
	p.src = with_port(f.dial, 0);
	p.dst = with_port(f.member, 0);
	q = datagram(with_port(f.member, 5001), f.target, &golden_data);
	frame_build(&wire, &q);
	expect_out(&door, &p, false, &p);
	assert_int_equal(door_count(&door, AP_C_icmp_out_unknown), 1);
	/* A forwarded one, about someone's datagram that is not the door's. */
	q = datagram(end("192.0.2.77", 443), f.member, &golden_reply_data);
	frame_build(&wire, &q);
	p = error(end(HOP4, 0), with_port(f.dial, 0), 3, &wire, 28);
	expect_in(&door, &p, &p);
	p.dst = end("192.0.2.77", 0);
	expect_left(&door, &p, NO_COUNTER);
	assert_int_equal(door_count(&door, AP_C_icmp_in), 0);
	assert_int_equal(door_count(&door, AP_C_icmp_out), 0);
}

static void tcp_and_echo(void **state)
{
	static const uint8_t echo4[] = { 0, 8, 13, 14 };
	static const uint8_t echo6[] = { 128, 129, 133, 134, 135, 136 };
	static struct frame wire;
	struct flow f = make_flow(0, false), f6 = make_flow(1, false);
	struct packet q = datagram(f.dial, f.member, &golden_data), p;
	size_t i;

	(void)state;
	q.proto = IPPROTO_TCP;
	frame_build(&wire, &q);
	p = error(end(HOP4, 0), with_port(f.dial, 0), 3, &wire, 28);
	expect_in(&door, &p, &p);
	for (i = 0; i < sizeof(echo4); i++) {
		p = error(f.member, f.dial, echo4[i], &wire, 28);
		expect_left(&door, &p, NO_COUNTER);
		p = error(f.dial, f.member, echo4[i], &wire, 28);
		expect_out(&door, &p, false, &p);
	}
	for (i = 0; i < sizeof(echo6); i++) {
		p = error(f6.member, f6.dial, echo6[i], NULL, 0);
		expect_left(&door, &p, NO_COUNTER);
		p = error(f6.dial, f6.member, echo6[i], NULL, 0);
		expect_out(&door, &p, false, &p);
	}
}

/* Less than 8 bytes of the datagram: not even its ports can be trusted. */
static void too_short(void **state)
{
	static struct frame wire;
	struct flow f;
	struct packet q, p;
	size_t keep;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		f = make_flow(v, false);
		q = datagram(f.dial, f.member, &golden_reply_data);
		frame_build(&wire, &q);
		for (keep = 1; keep < (v ? 48 : 28); keep++) {
			p = error(end(v ? HOP6 : HOP4, 0), with_port(f.dial, 0),
				  v ? 1 : 3, &wire, keep);
			expect_in(&door, &p, &p);
		}
	}
	assert_int_equal(door_count(&door, AP_C_icmp_in), 0);
}

/* The ports lie behind the end of the IP packet, in what Ethernet pads. */
static void quoted_in_padding(void **state)
{
	static struct frame wire, f;
	struct packet q, p;
	struct flow flow;
	size_t keep;
	int v, in;

	(void)state;
	for (v = 0; v < 2; v++) {
		flow = make_flow(v, false);
		for (in = 0; in < 2; in++) {
			q = in ? datagram(flow.dial, flow.member, &golden_data)
			       : datagram(flow.seen, flow.target, &golden_data);
			frame_build(&wire, &q);
			keep = v ? 44 : 24;
			p = error(with_port(in ? flow.member : flow.dial, 0),
				  with_port(in ? flow.dial : flow.member, 0),
				  v ? 1 : 3, &wire, keep);
			frame_build(&f, &p);
			memcpy(f.data + f.len, wire.data + 14 + keep,
			       wire.len - 14 - keep);
			f.len += wire.len - 14 - keep;
			if (in)
				expect_frame_in(&door, &f, &f);
			else
				expect_frame_out(&door, &f, false, &f);
		}
	}
	assert_int_equal(door_count(&door, AP_C_icmp_in), 0);
	assert_int_equal(door_count(&door, AP_C_icmp_out), 0);
}

static uint64_t all_tables(void)
{
	static const char *const name[] = { "flows4", "flows6", "half4",
					    "half6",  "nat4",   "nat6" };
	uint64_t all = 0, hash;
	size_t i;

	for (i = 0; i < 6; i++) {
		door_table(&door, name[i], &hash);
		all = all * 31 + hash;
	}
	return all;
}

/* Requirement 9: from valid errors to noise, both ways. */
static void fuzzed(void **state)
{
	static struct frame wire, f, out;
	struct flow flow[2] = { make_flow(0, true), make_flow(1, true) };
	struct packet q, p;
	uint64_t before = all_tables();
	unsigned int i, j, flips;

	(void)state;
	assert_int_equal(door_table(&door, "flows4", NULL), 2);
	srandom(9);
	for (i = 0; i < 100000; i++) {
		const struct flow *w = &flow[i & 1];
		bool v6 = i & 1;
		size_t l4 = v6 ? 54 : 34;

		q = datagram(i & 4 ? w->target : w->dial, w->member,
			     &golden_reply_data);
		frame_build(&wire, &q);
		p = error(end(v6 ? HOP6 : HOP4, 0), with_port(w->dial, 0),
			  random() % 16, &wire, random() % 120);
		frame_build(&f, &p);
		flips = random() % 8;
		for (j = 0; j < flips; j++) /* past both addresses and next */
			f.data[l4 + random() % (f.len - l4)] ^= random();
		if (i & 8)
			door_out(&door, &f, false, &out);
		else
			door_in(&door, &f, &out);
		if (i % 10000 == 0)
			assert_true(before == all_tables());
	}
	assert_true(before == all_tables());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),
		cmocka_unit_test(embedded_options),
		cmocka_unit_test(embedded_extensions),
		cmocka_unit_test(embedded_without_sum),
		cmocka_unit_test(every_code),
		cmocka_unit_test(bad_stays_bad),
		cmocka_unit_test(half_open),
		cmocka_unit_test(not_about_us),
		cmocka_unit_test(tcp_and_echo),
		cmocka_unit_test(too_short),
		cmocka_unit_test(quoted_in_padding),
		cmocka_unit_test(fuzzed),
	};

	return RUN_BOTH(tests, "9 10 11 12");
}
