/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What passes for OpenVPN, and what its answers prove; checksums after edits.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "golden.h"
#include "pure.h"
#include "sum.h"

/* On a copy that ends where the packet ends. SAID: by UDP. */
static __attribute__((noinline)) __u32
classify_part(const void *data, size_t len, size_t said, int fragment)
{
	uint8_t *copy = malloc(len ?: 1);
	__u32 class;

	assert_non_null(copy);
	memcpy(copy, data, len);
	class = ovpn_classify(copy, copy + len, said, fragment);
	free(copy);
	return class;
}

static __u32 classify(const void *data, size_t len, int fragment)
{
	return classify_part(data, len, len, fragment);
}

static void real_packets(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N_GOLDEN_FIRST; i++)
		assert_int_equal(classify(golden_first[i].data,
					  golden_first[i].len, 0),
				 AP_RESET);
	assert_int_equal(classify(golden_control.data, golden_control.len, 0),
			 AP_CONTROL);
	assert_int_equal(classify(golden_wkc.data, golden_wkc.len, 0),
			 AP_CONTROL);
	assert_int_equal(classify(golden_ack.data, golden_ack.len, 0),
			 AP_CONTROL);
	assert_int_equal(classify(golden_data.data, golden_data.len, 0),
			 AP_DATA);
	/* A server's are not a client's. */
	assert_int_equal(classify(golden_reply_reset.data,
				  golden_reply_reset.len, 0),
			 OVPN_UNKNOWN);
}

/* Lengths: below them OpenVPN would throw the packet away as well. */
static void every_first_byte(void **state)
{
	static const struct {
		uint8_t opcode;
		__u32 class;
		size_t shortest, longest;
	} known[] = {
		{ 4, AP_CONTROL, 14, 2000 }, { 5, AP_CONTROL, 22, 2000 },
		{ 7, AP_RESET, 14, 2000 },   { 9, AP_DATA, 25, 2000 },
		{ 10, AP_RESET, 344, 1279 }, { 11, AP_CONTROL, 14, 2000 },
	};
	uint8_t data[2000];
	size_t k, len;
	__u32 want;
	int first;

	(void)state;
	memset(data, 0x55, sizeof(data));
	for (first = 0; first < 256; first++) {
		data[0] = first;
		for (k = 0; k < 6 && known[k].opcode != first >> 3; k++)
			;
		for (len = 0; len <= sizeof(data); len += 1 + len / 400) {
			want = OVPN_UNKNOWN;
			if (k < 6 && len >= known[k].shortest &&
			    len <= known[k].longest &&
			    (first >> 3 == 9 || !(first & 7)))
				want = known[k].class;
			assert_int_equal(classify(data, len, 0), want);
		}
	}
}

static void session_id(void **state)
{
	uint8_t data[64] = { 0x38 };
	int i;

	(void)state;
	assert_int_equal(classify(data, 64, 0), OVPN_UNKNOWN);
	for (i = 1; i <= 8; i++) {
		data[i] = 1;
		assert_int_equal(classify(data, 64, 0), AP_RESET);
		data[i] = 0;
	}
	data[9] = 1;
	assert_int_equal(classify(data, 64, 0), OVPN_UNKNOWN);
}

/* The opcode is not there to see: the limiter must judge. */
static void header_alone(void **state)
{
	static const uint8_t data[16];
	size_t len;

	(void)state;
	for (len = 0; len < 9; len++) {
		assert_int_equal(classify_part(data, len, 500, 1), AP_RESET);
		assert_int_equal(classify_part(data, len, 500, 0),
				 OVPN_UNKNOWN);
	}
}

static void proofs(void **state)
{
	enum ap_state want;
	int first;

	(void)state;
	for (first = 0; first < 256; first++) {
		want = AP_NEW;
		if (first >> 3 == 4 || first >> 3 == 5)
			want = AP_VERIFIED;
		if (first >> 3 == 6 || first >> 3 == 9)
			want = AP_ESTABLISHED;
		assert_int_equal(ovpn_proves(first), want);
	}
}

static uint16_t whole_sum(const uint8_t *data, size_t len)
{
	uint16_t sum = sum_finish(sum_add(0, data, len));

	return sum ?: 0xffff;
}

/* Every pair of port changes: the same as summing again. */
static void sums(void **state)
{
	struct udphdr udp;
	uint8_t data[16];
	uint16_t before, after;
	__be16 source, dest;
	__u32 change;
	int i;

	(void)state;
	srandom(4);
	for (i = 0; i < 200000; i++) {
		udp = (struct udphdr){ .source = random(),
				       .dest = random(),
				       .len = random() };
		source = i & 1 ? random() : udp.source;
		dest = i & 2 ? random() : i & 4 ? 0xffff : 0;
		memcpy(data, &udp, 8);
		before = whole_sum(data, 8);
		change = ports_change(&udp, source, dest);
		udp.source = source;
		udp.dest = dest;
		memcpy(data, &udp, 8);
		after = whole_sum(data, 8);
		assert_int_equal(ntohs(udp_check_apply(htons(before), change)),
				 after);
		assert_int_equal(udp_check_apply(0, change), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_packets),
		cmocka_unit_test(every_first_byte),
		cmocka_unit_test(session_id),
		cmocka_unit_test(header_alone),
		cmocka_unit_test(proofs),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
