/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * bpf/parse.h on the host: against the tests' own idea of a frame, and with
 * every byte behind the frame out of bounds.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "golden.h"
/* Both call what they are about a packet. */
#define packet described
#include "packet.h"
#undef packet
#include "pure.h"

/* On a copy that ends where the frame ends, so that reading on is noticed. */
static enum parse_result parse(const struct frame *f, struct packet *p)
{
	uint8_t *copy = malloc(f->len + 2), *data = copy + 2; /* aligned */
	const uint8_t *end = data + f->len;
	const void *ip;
	enum parse_result result;

	assert_non_null(copy);
	memcpy(data, f->data, f->len);
	memset(p, 0, sizeof(*p));
	result = parse_ether(data, end, p);
	if (!result && p->version == 4) {
		ip = parse_ip4(data, end, p);
		result = ip ? parse_rest4(data, end, ip, p) : PARSE_MALFORMED;
	} else if (!result) {
		ip = parse_ip6(data, end, p);
		result = ip ? parse_rest6(NULL, data, end, ip, p)
			    : PARSE_MALFORMED;
	}
	free(copy);
	return result;
}

static struct described shape(int v, uint8_t proto)
{
	return (struct described){
		.src = v ? end("2001:db8::9", 5) : end("192.0.2.9", 5),
		.dst = v ? end("2001:db8::1", 6) : end("192.0.2.1", 6),
		.proto = proto,
		.payload = golden_data.data,
		.len = golden_data.len,
		.type = v ? 1 : 3,
	};
}

static void same_as_view(const struct described *d)
{
	static struct frame f;
	struct packet p;
	struct view v;

	frame_build(&f, d);
	assert_true(frame_view(&f, &v));
	assert_int_equal(parse(&f, &p), PARSE_OK);
	assert_int_equal(p.l3, v.l3);
	assert_int_equal(p.l4, v.l4);
	assert_int_equal(p.end, v.end);
	assert_int_equal(p.proto, v.proto);
	assert_int_equal(p.version, v.src.family == AF_INET ? 4 : 6);
	assert_int_equal(p.fragment, 0);
	if (p.proto == IPPROTO_UDP)
		assert_int_equal(p.length, v.end - v.l4);
	for (f.len = v.payload; f.len-- > 0;)
		assert_int_not_equal(parse(&f, &p), PARSE_OK);
}

static void every_shape(void **state)
{
	static const uint8_t chain[] = { 0, 60, 43, 44, 60, 60, 60, 43 };
	static const uint8_t nops[40] = { 1 };
	static const uint8_t proto[] = { IPPROTO_UDP, IPPROTO_TCP,
					 IPPROTO_ICMP };
	struct described d;
	unsigned int tags;
	size_t i, n;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		for (i = 0; i < sizeof(proto); i++) {
			d = shape(v, v && i == 2 ? IPPROTO_ICMPV6 : proto[i]);
			d.options = nops;
			d.chain = chain;
			for (tags = 0; tags <= 2; tags++) {
				for (n = 0; n <= 8; n++) {
					d.vlans = tags;
					d.n_chain = n;
					d.n_options = n * 5 / 4 * 4;
					same_as_view(&d);
				}
			}
		}
	}
}

static void refused_shapes(void **state)
{
	static const uint8_t nine[] = { 60, 60, 60, 60, 60, 60, 60, 60, 60 };
	static struct frame f, part;
	struct described d;
	struct packet p;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		d = shape(v, IPPROTO_UDP);
		d.vlans = 3;
		frame_build(&f, &d);
		assert_int_equal(parse(&f, &p), PARSE_VLAN);
		d.vlans = 0;
		frame_build(&f, &d);
		frame_fragment(&part, &f, 0, 16);
		assert_int_equal(parse(&part, &p), PARSE_OK);
		assert_true(p.fragment);
		frame_fragment(&part, &f, 16, 16);
		assert_int_equal(parse(&part, &p), PARSE_FRAGMENT);
		d.proto = IPPROTO_GRE;
		frame_build(&f, &d);
		assert_int_equal(parse(&f, &p), PARSE_OTHER);
	}
	d = shape(1, IPPROTO_UDP);
	d.chain = nine;
	d.n_chain = 9;
	frame_build(&f, &d);
	assert_int_equal(parse(&f, &p), PARSE_CHAIN);
}

static uint16_t at16(const struct frame *f, size_t at)
{
	return f->data[at] << 8 | f->data[at + 1];
}

/* Whatever the bytes: what is called whole is inside. */
static void mutated(void **state)
{
	static const uint8_t chain[] = { 0, 60, 44, 43, 60 };
	static struct frame f;
	struct described d;
	struct packet p;
	int i, j, ok = 0;

	(void)state;
	srandom(3);
	for (i = 0; i < 100000; i++) {
		d = shape(i & 1, i & 2 ? IPPROTO_UDP : IPPROTO_TCP);
		d.chain = chain;
		d.n_chain = random() % 6;
		d.vlans = random() % 4;
		frame_build(&f, &d);
		for (j = random() % 6; j > 0; j--)
			f.data[random() % f.len] = random();
		if (i & 4)
			f.len = random() % (f.len + 1);
		if (parse(&f, &p))
			continue;
		ok++;
		assert_in_range(p.l3, 14, 22);
		assert_true(p.l4 + (p.proto == IPPROTO_TCP ? 20 : 8) <= f.len);
		assert_true(p.l4 + 8 <= p.end);
		if (p.proto == IPPROTO_UDP && !p.fragment)
			assert_true(p.length == at16(&f, p.l4 + 4) ||
				    !at16(&f, p.l4 + 4));
	}
	assert_in_range(ok, 10000, 90000);
}

/* What errors quote: found where it is, from 8 bytes of UDP on. */
static void quotes(void **state)
{
	static const uint8_t chain[] = { 60, 43 }, nops[40] = { 1 };
	static struct frame whole;
	struct described d;
	struct packet p;
	struct view v;
	uint8_t *data;
	size_t n, len, quoted;
	int version, result;

	(void)state;
	for (version = 0; version < 2; version++) {
		for (n = 0; n <= 2; n++) {
			d = shape(version, IPPROTO_UDP);
			d.chain = chain;
			d.n_chain = n;
			d.options = nops;
			d.n_options = n * 20;
			frame_build(&whole, &d);
			frame_view(&whole, &v);
			quoted = v.end - v.l3;
			for (len = 0; len <= quoted; len++) {
				data = malloc(len ?: 1);
				assert_non_null(data);
				memcpy(data, whole.data + v.l3, len);
				result = version ? parse_quoted6(NULL, data,
								 data + len, 0,
								 &p)
						 : parse_quoted4(data,
								 data + len, 0,
								 &p);
				free(data);
				assert_int_equal(!result,
						 len >= v.l4 - v.l3 + 8);
				if (!result)
					assert_int_equal(p.l4, v.l4 - v.l3);
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape),
		cmocka_unit_test(refused_shapes),
		cmocka_unit_test(mutated),
		cmocka_unit_test(quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
