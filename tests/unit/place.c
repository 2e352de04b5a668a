/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Members' addresses and ports come in rows, and a table must take them as well
 * as random ones, whatever the secret: who finds the first bucket full is
 * looked for the long way.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "place.h"

#define FLOWS    10000
#define SEGMENTS 134 /* what the default table begins with */
#define SECRETS  300
#define LIMIT    8 /* percent; of random keys it is 4 */

static __u64 random64(void)
{
	static __u64 s = 88172645463325252ULL;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s * 0x9e3779b97f4a7c15ULL;
}

static struct place_key key(__u32 addr, __u16 port, const int v)
{
	struct place_key k = { 0 };
	__u32 ports = htons(port) | (__u32)htons(1194) << 16;

	if (v == 4) {
		k.rest = (__u64)ports << 32 | htonl(addr);
	} else {
		k.high = 0x0100b80d01200000ULL; /* of one provider */
		k.low = (__u64)htonl(addr) << 32;
		k.rest = ports;
	}
	return k;
}

/* One address, ports in a row. */
static struct place_key behind_one(__u32 i, const int v)
{
	return key(0xcb007101 + (i >> 15), (__u16)(1024 + (i & 0x7fff)), v);
}

/* Addresses in a row, the same port. */
static struct place_key same_port(__u32 i, const int v)
{
	return key(0x0a000001 + i, 1194, v);
}

/* /64 networks in a row, the same port. */
static struct place_key networks(__u32 i, const int v)
{
	struct place_key k = key(1, 1194, v);

	k.high += (__u64)i << 40;
	return k;
}

static struct place_key at_random(__u32 i, const int v)
{
	struct place_key k = { .high = random64(), .low = random64() };

	(void)i;
	(void)v;
	k.rest = random64();
	return k;
}

/* Percent of the flows whose first bucket is full. */
static double late(const __u64 secret[2],
		   struct place_key (*nth)(__u32, const int), const int v)
{
	static __u32 in[SEGMENTS][AP_BUCKETS];
	__u32 late = 0;

	memset(in, 0, sizeof(in));
	for (__u32 i = 0; i < FLOWS; i++) {
		struct place_key k = nth(i, v);
		struct place p = place_of(place_hash(secret, &k, v), SEGMENTS);

		assert_true(p.segment < SEGMENTS && p.bucket < AP_BUCKETS);
		assert_true(p.stride && p.stride < AP_BUCKETS);
		late += in[p.segment][p.bucket]++ >= place_ways(v);
	}
	return late * 100.0 / FLOWS;
}

static void even(struct place_key (*nth)(__u32, const int), const int v)
{
	double worst = 0, this;

	for (int i = 0; i < SECRETS; i++) {
		__u64 secret[2] = { random64(), random64() };

		this = late(secret, nth, v);
		if (this > worst)
			worst = this;
	}
	printf("# at most %.1f percent late\n", worst);
	assert_true(worst < LIMIT);
}

#define TEST(name, v)                         \
	static void name##_v##v(void **state) \
	{                                     \
		(void)state;                  \
		even(name, v);                \
	}
TEST(behind_one, 4)
TEST(behind_one, 6)
TEST(same_port, 4)
TEST(same_port, 6)
TEST(networks, 6)
TEST(at_random, 4)
TEST(at_random, 6)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_one_v4),
		cmocka_unit_test(behind_one_v6),
		cmocka_unit_test(same_port_v4),
		cmocka_unit_test(same_port_v6),
		cmocka_unit_test(networks_v6),
		cmocka_unit_test(at_random_v4),
		cmocka_unit_test(at_random_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
