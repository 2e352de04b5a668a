/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The tests' own builder and sums, against a frame that a kernel made. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "golden.h"
#include "packet.h"

/* Linux 6.18, veth with tx off: OpenVPN's first packet, tcpdump -xx. */
static const struct frame real = {
	.len = 56,
	.data = { 0x02, 0xb6, 0x2f, 0x50, 0x8e, 0x4c, 0xde, 0xd6, 0x20, 0x16,
		  0x90, 0xa6, 0x08, 0x00, 0x45, 0x00, 0x00, 0x2a, 0x9c, 0x15,
		  0x40, 0x00, 0x40, 0x11, 0x4a, 0x3c, 0xc6, 0x33, 0x64, 0x09,
		  0xc6, 0x33, 0x64, 0x01, 0xd7, 0x68, 0x04, 0xaa, 0x00, 0x16,
		  0xc0, 0xab, 0x38, 0x3d, 0x1a, 0x15, 0x74, 0xb3, 0x36, 0x8c,
		  0x11, 0x00, 0x00, 0x00, 0x00, 0x00 },
};

static void real_frame(void **state)
{
	static struct frame bad;
	struct view v;
	size_t i;

	(void)state;
	assert_true(frame_view(&real, &v));
	assert_int_equal(v.src.port, 55144);
	assert_int_equal(v.dst.port, 1194);
	assert_int_equal(v.payload, 42);
	assert_int_equal(v.end, 56);
	assert_true(frame_sums_good(&real));
	for (i = 14; i < real.len; i++) {
		bad = real;
		bad.data[i] ^= 0x10;
		assert_false(frame_sums_good(&bad));
	}
}

static void built_like_the_kernel(void **state)
{
	struct packet p = { .src = end("198.51.100.9", 55144),
			    .dst = end("198.51.100.1", 1194),
			    .payload = golden_first[0].data,
			    .len = golden_first[0].len,
			    .id = 39957 };
	static struct frame f, want;

	(void)state;
	want = real;
	want.data[20] = 0; /* the kernel sets DF, the builder does not */
	want.data[24] = 0x8a;
	frame_build(&f, &p);
	memcpy(want.data, f.data, 12); /* Ethernet addresses */
	if (!frame_equal(&f, &want))
		frame_diff(&f, &want);
	assert_true(frame_equal(&f, &want));
}

static void every_shape_sums(void **state)
{
	static const uint8_t chain[] = { 0, 60, 43, 44, 60 }, nop[40] = { 1 };
	static struct frame f, whole, error;
	struct packet p = { .src = end("2001:db8::9", 5),
			    .dst = end("2001:db8::1", 443),
			    .payload = golden_data.data,
			    .vlans = 2,
			    .chain = chain };
	struct packet e = { .src = end("192.0.2.1", 0),
			    .dst = end("192.0.2.9", 0),
			    .proto = IPPROTO_ICMP,
			    .type = 3,
			    .quote = &whole };
	struct view v;

	(void)state;
	for (p.len = 0; p.len <= golden_data.len; p.len++) {
		for (p.n_chain = 0; p.n_chain <= sizeof(chain); p.n_chain++) {
			frame_build(&f, &p);
			assert_true(frame_view(&f, &v));
			assert_int_equal(v.dst.port, 443);
			assert_true(frame_sums_good(&f));
		}
	}
	p.src = end("192.0.2.9", 5);
	p.dst = end("192.0.2.1", 443);
	p.len = 33;
	p.options = nop;
	p.n_options = 40;
	frame_build(&whole, &p);
	frame_build(&error, &e);
	assert_true(frame_sums_good(&error));
	error.data[error.len - 1] ^= 1; /* the embedded sum ... */
	assert_false(frame_sums_good(&error));
}

static void fragments(void **state)
{
	static struct frame whole, f;
	struct packet p = { .src = end("2001:db8::9", 5),
			    .dst = end("2001:db8::1", 443),
			    .payload = golden_wkc.data,
			    .len = golden_wkc.len };
	size_t from, got = 0;
	struct view v;

	(void)state;
	frame_build(&whole, &p);
	for (from = 0; from < 8 + p.len; from += 64) {
		frame_fragment(&f, &whole, from, 64);
		assert_true(frame_view(&f, &v));
		assert_int_equal(v.fragment, from);
		assert_int_equal(v.more, from + 64 < 8 + p.len);
		got += v.end - v.l4;
	}
	assert_int_equal(got, 8 + p.len);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_frame),
		cmocka_unit_test(built_like_the_kernel),
		cmocka_unit_test(every_shape_sums),
		cmocka_unit_test(fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
