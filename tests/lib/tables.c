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
#include "flow_table.h"
#include "place.h"

static void make_key(union flow_any_key *k, struct end member, uint16_t target)
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

/* The key that lays out the tables, also in a door that was loaded. */
static void secret_of(struct door *d, uint64_t place[2])
{
	struct ap_secret secret;
	__u32 zero = 0;
	int rc = bpf_map_lookup_elem(door_map(d, "secret"), &zero, &secret);

	assert(!rc);
	(void)rc;
	memcpy(place, secret.place, sizeof(secret.place));
}

/* ---- where the programs would look --------------------------------------*/

static size_t key_size(const struct flow_table *table)
{
	return table->v6 ? sizeof(struct ap_key6) : sizeof(struct ap_key4);
}

static uint32_t place_hash_of(const struct flow_table *table,
			      const uint64_t secret[2], const void *key)
{
	const __u64 words[2] = { secret[0], secret[1] };
	struct place_key k = { 0 };

	if (table->v6) {
		const char *bytes = key;

		memcpy(&k.high, bytes, 8);
		memcpy(&k.low, bytes + 8, 8);
		memcpy(&k.rest, bytes + 16, 4);
		return place_hash(words, &k, 6);
	}
	memcpy(&k.rest, key, 8);
	return place_hash(words, &k, 4);
}

static struct ap_flow *search(const struct flow_table *table, uint64_t bucket,
			      const void *key)
{
	uint32_t ways = table->v6 ? AP_WAYS6 : AP_WAYS4;

	for (uint32_t i = (uint32_t)bucket * ways, n = ways; n--; i++) {
		const union flow_any_key *there;
		struct ap_flow *flow = flow_table_entry(table, i, &there);

		if (flow && !memcmp(there, key, key_size(table)))
			return flow;
	}
	return NULL;
}

static uint64_t passed(const struct flow_table *table)
{
	const struct ap_segment4 *segment4 = table->segment;
	const struct ap_segment6 *segment6 = table->segment;

	return table->v6 ? segment6->passed : segment4->passed;
}

static struct ap_flow *flow_find(struct flow_table *table, uint32_t segments,
				 const uint64_t secret[2], const void *key)
{
	struct place place =
		place_of(place_hash_of(table, secret, key), segments);
	uint64_t bucket = place.bucket;
	struct ap_flow *flow = NULL;

	if (flow_table_read(table, place.segment))
		return NULL;
	for (int i = 0; i < AP_PROBES; i++) {
		flow = search(table, bucket, key);
		if (flow || !(passed(table) >> bucket & 1))
			break;
		bucket = place_next(bucket, place.stride);
	}
	return flow;
}

/* How many segments of the table T of TIER are in use, or were BEFORE. */
static uint32_t in_use(struct door *d, enum tier tier,
		       const struct flow_table *t, bool before)
{
	struct ap_spread both[2], *s = &both[t->v6];
	__u32 zero = 0;
	int rc = bpf_map_lookup_elem(door_map(d, "spread"), &zero, both);

	assert(!rc);
	(void)rc;
	if (tier != ESTABLISHED)
		return t->segments;
	return t->segments >> (before && s->from ? s->from : s->shift);
}

/* KEY's flow in the segment that has been read into T; closed by the caller. */
static struct ap_flow *find(struct door *d, enum tier tier, int family,
			    const union flow_any_key *key, struct flow_table *t)
{
	uint64_t secret[2];
	int rc = flow_table_open(t, table(d, tier, family));

	assert(!rc);
	(void)rc;
	secret_of(d, secret);
	return flow_find(t, in_use(d, tier, t, false), secret, key)
		       ?: flow_find(t, in_use(d, tier, t, true), secret, key);
}

enum tier door_flow(struct door *d, struct end member, uint16_t target,
		    struct ap_flow *flow)
{
	union flow_any_key key;
	struct flow_table t;
	enum tier tier;

	make_key(&key, member, target);
	for (tier = ESTABLISHED; tier > NOWHERE; tier--) {
		struct ap_flow *found = find(d, tier, member.family, &key, &t);

		if (found && flow)
			*flow = *found;
		flow_table_close(&t);
		if (found)
			break;
	}
	return tier;
}

/* An empty entry for KEY, as the programs would choose it. */
static struct ap_flow *occupy(struct flow_table *t, uint32_t segments,
			      const uint64_t secret[2],
			      const union flow_any_key *key)
{
	struct place p = place_of(place_hash_of(t, secret, key), segments);
	uint32_t ways = t->v6 ? AP_WAYS6 : AP_WAYS4, i;
	struct ap_segment4 *head = t->segment; /* both begin alike */
	const union flow_any_key *at;
	int rc = flow_table_read(t, p.segment);

	assert(!rc);
	(void)rc;
	for (i = p.bucket * ways; flow_table_entry(t, i, &at); i++) {
		if ((i + 1) % ways)
			continue;
		head->passed |= 1ULL << p.bucket;
		p.bucket = place_next(p.bucket, p.stride);
		i = p.bucket * ways - 1;
	}
	memcpy((void *)at, key, t->v6 ? sizeof(key->v6) : sizeof(key->v4));
	return flow_table_entry(t, i, &at);
}

void door_put(struct door *d, enum tier tier, struct end member,
	      uint16_t target, const struct ap_flow *flow)
{
	union flow_any_key key;
	struct flow_table t;
	uint64_t secret[2];
	struct ap_flow *at;
	int rc;

	make_key(&key, member, target);
	at = find(d, tier, member.family, &key, &t);
	secret_of(d, secret);
	if (!at)
		at = occupy(&t, in_use(d, tier, &t, false), secret, &key);
	*at = *flow;
	rc = flow_table_write(&t);
	assert(!rc);
	(void)rc;
	flow_table_close(&t);
}

void door_put_member(struct door *d, struct end member)
{
	const struct ap_flow flow = {
		.real = htons(member.port),
		.dialled = htons(443),
		.door = member.family == AF_INET ? ID_A4 : ID_A6,
		.state = AP_ESTABLISHED,
		.seen = door_tick(),
	};

	door_put(d, ESTABLISHED, member, TARGET, &flow);
}

/* Lets CHANGE at MEMBER's flow, in whatever table it is. */
static void change_flow(struct door *d, struct end member, uint16_t target,
			void (*change)(struct ap_flow *flow, uint32_t ticks),
			uint32_t ticks)
{
	union flow_any_key key;
	struct flow_table t;
	enum tier tier;

	make_key(&key, member, target);
	for (tier = ESTABLISHED; tier > NOWHERE; tier--) {
		struct ap_flow *flow = find(d, tier, member.family, &key, &t);

		if (flow) {
			change(flow, ticks);
			flow_table_write(&t);
		}
		flow_table_close(&t);
	}
}

static void forget(struct ap_flow *flow, uint32_t ticks)
{
	(void)ticks;
	/* the key's end, before the flow: no target */
	memset((char *)flow - 4, 0, 4);
}

void door_forget(struct door *d, struct end member, uint16_t target)
{
	change_flow(d, member, target, forget, 0);
}

static void age(struct ap_flow *flow, uint32_t ticks)
{
	flow->seen -= ticks;
}

/* Rounded up: SECONDS have passed when it is read. */
void door_age(struct door *d, struct end member, uint16_t target,
	      unsigned int seconds)
{
	change_flow(d, member, target, age, door_ticks(seconds));
}

uint32_t door_tick(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (t.tv_sec * 1000000000ULL + t.tv_nsec) >> AP_TICK_SHIFT;
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

static unsigned int flow_count(struct door *d, const char *name, uint64_t *hash)
{
	struct flow_table t;
	unsigned int n = 0;
	uint32_t at, i;
	int rc = flow_table_open(&t, door_map(d, name));

	for (at = 0; !rc && at < t.segments; at++) {
		rc = flow_table_read(&t, at);
		for (i = 0; !rc && i < flow_table_entries(&t); i++) {
			const union flow_any_key *key;
			struct ap_flow *flow = flow_table_entry(&t, i, &key);

			if (!flow)
				continue;
			n++;
			if (hash)
				*hash += hash_bytes(
					(const uint8_t *)key,
					(const uint8_t *)(flow + 1) -
						(const uint8_t *)key);
		}
	}
	assert(!rc);
	flow_table_close(&t);
	return n;
}

unsigned int door_table(struct door *d, const char *name, uint64_t *hash)
{
	uint8_t key[64], entry[128];
	struct bpf_map_info info;
	void *previous = NULL;
	unsigned int n = 0;
	int fd = door_map(d, name);

	map_info(d, name, &info);
	if (hash)
		*hash = 0;
	if (!strncmp(name, "flows", 5) || !strncmp(name, "half", 4))
		return flow_count(d, name, hash);
	assert(info.key_size <= 64 && info.value_size <= 64);
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
	static uint8_t zeroes[8 << 20];
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
					     "half6" };
	static const char *const arrays[] = { "budgets",  "prefixes",
					      "aliased",  "listeners",
					      "counters", "spread",
					      "known" };
	size_t i;

	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		zero(d, flows[i]);
	empty(d, "nat4");
	empty(d, "nat6");
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
