/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads and edits the programs' tables for tests. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "door.h"

union key {
	struct ap_key4 v4;
	struct ap_key6 v6;
};

static void make_key(union key *k, struct end member, uint16_t target)
{
	memset(k, 0, sizeof(*k));
	if (member.family == AF_INET) {
		memcpy(&k->v4.addr, member.ip, 4);
		k->v4.port = htons(member.port);
		k->v4.target = htons(target);
	} else {
		memcpy(k->v6.addr, member.ip, 16);
		k->v6.port = htons(member.port);
		k->v6.target = htons(target);
	}
}

static int table(struct door *d, enum tier tier, int family)
{
	if (tier == ESTABLISHED)
		return door_map(d, family == AF_INET ? "flows4" : "flows6");
	return door_map(d, family == AF_INET ? "half4" : "half6");
}

enum tier door_flow(struct door *d, struct end member, uint16_t target,
		    struct ap_flow *flow)
{
	struct ap_flow unused;
	union key key;
	enum tier tier;

	make_key(&key, member, target);
	for (tier = ESTABLISHED; tier > NOWHERE; tier--)
		if (!bpf_map_lookup_elem(table(d, tier, member.family), &key,
					 flow ?: &unused))
			break;
	return tier;
}

void door_put(struct door *d, enum tier tier, struct end member,
	      uint16_t target, const struct ap_flow *flow)
{
	union key key;
	int rc;

	make_key(&key, member, target);
	rc = bpf_map_update_elem(table(d, tier, member.family), &key, flow, 0);
	assert(!rc);
	(void)rc;
}

void door_forget(struct door *d, struct end member, uint16_t target)
{
	union key key;

	make_key(&key, member, target);
	(void)bpf_map_delete_elem(table(d, HALF, member.family), &key);
	(void)bpf_map_delete_elem(table(d, ESTABLISHED, member.family), &key);
}

uint32_t door_tick(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (t.tv_sec * 1000000000ULL + t.tv_nsec) >> AP_TICK_SHIFT;
}

void door_age(struct door *d, struct end member, uint16_t target,
	      unsigned int seconds)
{
	struct ap_flow flow;
	enum tier tier;
	union key key;

	make_key(&key, member, target);
	for (tier = ESTABLISHED; tier > NOWHERE; tier--) {
		if (bpf_map_lookup_elem(table(d, tier, member.family), &key,
					&flow))
			continue;
		/* Rounded up: SECONDS have passed when it is read. */
		flow.seen -= door_ticks(seconds);
		door_put(d, tier, member, target, &flow);
	}
}

static uint64_t hash_bytes(const uint8_t *data, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ data[i]) * 0x100000001b3;
	return h;
}

static void map_info(struct door *d, const char *name,
		     struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);
	int rc;

	memset(info, 0, len);
	rc = bpf_obj_get_info_by_fd(door_map(d, name), info, &len);
	assert(!rc);
	(void)rc;
}

unsigned int door_table(struct door *d, const char *name, uint64_t *hash)
{
	uint8_t key[64], entry[128];
	struct bpf_map_info info;
	void *previous = NULL;
	unsigned int n = 0;
	int fd = door_map(d, name);

	map_info(d, name, &info);
	assert(info.key_size <= 64 && info.value_size <= 64);
	if (hash)
		*hash = 0;
	while (!bpf_map_get_next_key(fd, previous, key)) {
		previous = key;
		memcpy(entry, key, info.key_size);
		if (bpf_map_lookup_elem(fd, key, entry + info.key_size))
			continue;
		n++;
		if (hash)
			*hash += hash_bytes(entry,
					    info.key_size + info.value_size);
	}
	return n;
}

static void empty(struct door *d, const char *name)
{
	int fd = door_map(d, name);
	uint8_t key[64];

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key))
			break;
}

static void zero(struct door *d, const char *name)
{
	static uint8_t zeroes[4 << 20];
	static __u32 index[65536];
	struct bpf_map_info info;
	__u32 i, n;
	int rc;

	map_info(d, name, &info);
	n = info.max_entries;
	assert(n <= 65536 && n * info.value_size <= sizeof(zeroes));
	for (i = 0; i < n; i++)
		index[i] = i;
	rc = bpf_map_update_batch(door_map(d, name), index, zeroes, &n, NULL);
	assert(!rc);
	(void)rc;
}

void door_reset(struct door *d)
{
	static const char *const flows[] = { "flows4", "flows6", "half4",
					     "half6",  "nat4",   "nat6" };
	static const char *const arrays[] = { "budgets", "prefixes", "aliased",
					      "listeners", "counters" };
	size_t i;

	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		empty(d, flows[i]);
	for (i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		zero(d, arrays[i]);
}

uint32_t door_ticks(unsigned int seconds)
{
	return (seconds * 1000000000ULL + (1 << AP_TICK_SHIFT) - 1) >>
	       AP_TICK_SHIFT;
}

uint64_t door_word(struct door *d, const char *name, uint32_t index)
{
	uint64_t word = 0;
	int rc = bpf_map_lookup_elem(door_map(d, name), &index, &word);

	assert(!rc);
	(void)rc;
	return word;
}

void door_put_nat(struct door *d, const struct ap_nat4 *key,
		  unsigned int seconds)
{
	__u32 seen = door_tick() - door_ticks(seconds);
	int rc = bpf_map_update_elem(door_map(d, "nat4"), key, &seen, 0);

	assert(!rc);
	(void)rc;
}
