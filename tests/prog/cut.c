/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Every truncation and every wrong length: passed, not a byte changed. */
#include <linux/if_ether.h>
#include <string.h>

#include "expect.h"
#include "sum.h"

static const struct golden *const later[] = { &golden_control, &golden_wkc,
					      &golden_ack, &golden_data };
static const char *const member_ip[] = { "192.0.2.9", "2001:db8:9::9" };
static const char *const address[] = { DOOR_A4, DOOR_A6 };

static struct packet golden_packet(int v, size_t i, uint16_t dialled)
{
	const struct golden *g = i < N_GOLDEN_FIRST ? &golden_first[i]
						    : later[i - N_GOLDEN_FIRST];

	return datagram(end(member_ip[v], 5000), end(address[v], dialled), g);
}
#define N_PACKETS (N_GOLDEN_FIRST + sizeof(later) / sizeof(later[0]))

/* Newer kernels refuse a test run of tc with less than an IP header. */
static bool can_run(const struct frame *f)
{
	size_t need = f->data[12] == 0x08 && !f->data[13] ? 34
		      : f->data[12] == 0x86               ? 54
							  : ETH_HLEN + 1;

	return door.mode == DOOR_XDP || f->len >= need;
}

static void unchanged(const struct frame *f)
{
	static struct frame out;

	if (!can_run(f))
		return;
	assert_int_equal(door_in(&door, f, &out), PASSED);
	if (!frame_equal(f, &out))
		frame_diff(&out, f);
	assert_true(frame_equal(f, &out));
}

/* To OpenVPN's own port it may be dropped as well; never let in. */
static void unchanged_or_dropped(const struct frame *f)
{
	static struct frame out;

	if (!can_run(f))
		return;
	if (door_in(&door, f, &out) == PASSED)
		assert_true(frame_equal(f, &out));
}

static void nothing_remembered(void)
{
	assert_int_equal(door_table(&door, "half4", NULL), 0);
	assert_int_equal(door_table(&door, "half6", NULL), 0);
}

static void every_truncation(void **state)
{
	static struct frame f;
	struct packet p;
	size_t i, len, tags;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (i = 0; i < N_PACKETS; i++) {
			for (tags = 0; tags <= 2; tags++) {
				p = golden_packet(v, i, 443);
				p.vlans = tags;
				frame_build(&f, &p);
				for (len = f.len; len-- > ETH_HLEN;) {
					f.len = len;
					unchanged(&f);
				}
			}
		}
	}
	nothing_remembered();
}

static void truncated_at_target(void **state)
{
	static struct frame f;
	struct packet p;
	size_t i, len;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (i = 0; i < N_PACKETS; i++) {
			p = golden_packet(v, i, TARGET);
			frame_build(&f, &p);
			for (len = f.len; len-- > ETH_HLEN;) {
				f.len = len;
				unchanged_or_dropped(&f);
			}
		}
	}
	nothing_remembered();
}

/* With chains and options in the way. */
static void truncated_headers(void **state)
{
	static const uint8_t chain[] = { 0, 60, 43, 44, 60 }, nops[40] = { 1 };
	static struct frame f;
	struct packet p;
	size_t len;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = golden_packet(v, 1, 443);
		p.chain = chain;
		p.n_chain = sizeof(chain);
		p.options = nops;
		p.n_options = sizeof(nops);
		frame_build(&f, &p);
		for (len = f.len; len-- > ETH_HLEN;) {
			f.len = len;
			unchanged(&f);
		}
	}
	nothing_remembered();
}

static void set_length(struct frame *f, size_t at, uint32_t value)
{
	uint16_t sum;

	f->data[at] = value >> 8;
	f->data[at + 1] = value & 0xff;
	if (f->data[14] >> 4 == 4) { /* the header's sum stays right */
		f->data[24] = f->data[25] = 0;
		sum = sum_finish(sum_add(0, f->data + 14, 20));
		f->data[24] = sum >> 8;
		f->data[25] = sum & 0xff;
	}
}

static void every_ip_length(void **state)
{
	static const size_t at[] = { 16, 18 }, header[] = { 0, 40 };
	static struct frame f;
	struct packet p;
	uint32_t length, right;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = golden_packet(v, 1, 443);
		frame_build(&f, &p);
		right = f.len - 14 - header[v];
		for (length = 0; length <= 0xffff; length++) {
			if (length == right)
				continue;
			set_length(&f, at[v], length);
			unchanged(&f);
		}
	}
	nothing_remembered();
}

/* The same for members who are on: their packets take a shorter way. */
static void every_ip_length_established(void **state)
{
	static const size_t at[] = { 16, 18 }, header[] = { 0, 40 };
	static struct frame f;
	struct end dialled, member;
	uint32_t length, right;
	struct packet p;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		dialled = end(address[v], 443);
		member = end(member_ip[v], 5000);
		establish(&door, member, dialled);
		p = datagram(member, dialled, &golden_data);
		frame_build(&f, &p);
		right = f.len - 14 - header[v];
		for (length = 0; length <= 0xffff; length++) {
			if (length == right)
				continue;
			set_length(&f, at[v], length);
			unchanged(&f);
		}
	}
}

/* One that is shorter than the packet is not wrong: the stack cuts. */
static void every_udp_length(void **state)
{
	static struct frame f;
	struct packet p;
	uint32_t length, right;
	size_t l4;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = golden_packet(v, 1, 443);
		frame_build(&f, &p);
		l4 = v ? 54 : 34;
		right = f.len - l4;
		for (length = v; length <= 0xffff; length++) {
			if (length >= 8 && length <= right)
				continue;
			set_length(&f, l4 + 4, length);
			unchanged(&f);
		}
	}
	nothing_remembered();
}

static void version_and_header_length(void **state)
{
	static struct frame f;
	struct packet p;
	int v, i;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = golden_packet(v, 1, 443);
		frame_build(&f, &p);
		for (i = 0; i < 256; i++) {
			/* IPv6 has traffic class where IPv4 has its length */
			if (i >> 4 == (v ? 6 : 4) && (v || (i & 15) == 5))
				continue;
			if (!v && i >> 4 == 4 && (i & 15) > 5)
				continue; /* options: something else follows */
			f.data[14] = i;
			unchanged(&f);
		}
	}
	nothing_remembered();
}

/* Ethernet pads short frames; what is behind the packet is not ours. */
static void padding(void **state)
{
	static struct frame f, want;
	struct packet p;
	size_t pad;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = golden_packet(v, 0, 443);
		frame_build(&f, &p);
		p.dst.port = TARGET;
		frame_build(&want, &p);
		for (pad = 1; pad < 100; pad++) {
			f.data[f.len++] = want.data[want.len++] = pad;
			expect_frame_in(&door, &f, &want);
		}
	}
}

/* Every prefix of a payload, in packets whose lengths are right. */
static void every_payload_length(void **state)
{
	static struct frame f, want, out;
	struct packet p;
	size_t i, len, full;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (i = 0; i < N_PACKETS; i++) {
			p = golden_packet(v, i, 443);
			full = p.len;
			for (len = 0; len <= full; len++) {
				p.len = len;
				p.dst.port = 443;
				frame_build(&f, &p);
				p.dst.port = TARGET;
				frame_build(&want, &p);
				assert_int_equal(door_in(&door, &f, &out),
						 PASSED);
				assert_true(frame_equal(&out, &f) ||
					    frame_equal(&out, &want));
			}
			assert_true(frame_equal(&out, &want));
		}
	}
}

/* Nor what answers are cut to on their way out; only the whole is restored. */
static void every_cut_answer(void **state)
{
	static struct frame f, out;
	struct end dialled, member, seen;
	struct packet p;
	size_t len;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		dialled = end(address[v], 443);
		member = end(member_ip[v], 5000);
		seen = establish(&door, member, dialled);
		p = datagram(with_port(dialled, TARGET), seen,
			     &golden_reply_data);
		frame_build(&f, &p);
		for (len = f.len; len-- > (v ? 54 : 34);) {
			f.len = len;
			assert_int_equal(door_out(&door, &f, false, &out),
					 PASSED);
			assert_true(frame_equal(&f, &out));
		}
		answer(&door, seen, dialled, &golden_reply_data, member);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(truncated_at_target),
		cmocka_unit_test(truncated_headers),
		cmocka_unit_test(every_ip_length),
		cmocka_unit_test(every_ip_length_established),
		cmocka_unit_test(every_udp_length),
		cmocka_unit_test(version_and_header_length),
		cmocka_unit_test(padding),
		cmocka_unit_test(every_payload_length),
		cmocka_unit_test(every_cut_answer),
	};

	return RUN_BOTH(tests, "20");
}
