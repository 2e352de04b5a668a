/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Maps for the twin, as maps.h defines them. */
#include <stdlib.h>
#include <string.h>

#include "helpers.h"
#include "maps.h"
#include "twin.h"
#include "twin_map.h"

enum kind { WHOLE, TOUCHED, KEPT, HASH };

/* WHOLE: cleared at a reset; TOUCHED: as far as it has been looked at. */
static struct map {
	void *id; /* how the programs name it */
	const char *name;
	enum kind kind;
	uint32_t key, value, entries;
	uint8_t *data; /* HASH: pairs, N of them are in use */
	uint32_t *touched;
	size_t n;
} maps[] = {
#define OF(name, kind, entries)                                             \
	{                                                                   \
		&name, #name, kind, sizeof(*name.key), sizeof(*name.value), \
			entries, NULL, NULL, 0                              \
	}
#define TUPLES 4096 /* more than one input can make */
	OF(flows4, WHOLE, TWIN_FLOWS),
	OF(flows6, WHOLE, TWIN_FLOWS),
	OF(half4, WHOLE, TWIN_HALF),
	OF(half6, WHOLE, TWIN_HALF),
	OF(policy, KEPT, AP_POLICIES),
	OF(nat4, HASH, TUPLES),
	OF(nat6, HASH, TUPLES),
	OF(peers, HASH, TUPLES),
	OF(aliased, TOUCHED, AP_ALIASED_WORDS),
	OF(budgets, WHOLE, AP_CLASSES),
	OF(prefixes, TOUCHED, AP_PREFIXES),
	OF(known, TOUCHED, AP_KNOWN_WORDS),
	OF(listeners, TOUCHED, AP_LISTENER_WORDS),
	OF(sockets, KEPT, AP_SOCKETS),
	OF(looking, WHOLE, 1),
	OF(counters, WHOLE, AP_COUNTER_SLOTS),
};
#define N_MAPS  (sizeof(maps) / sizeof(maps[0]))
#define TOUCHES 4096

static struct map *map_of(const void *id)
{
	for (size_t i = 0; i < N_MAPS; i++)
		if (maps[i].id == id)
			return &maps[i];
	abort();
}

static struct map *map_named(const char *name)
{
	for (size_t i = 0; i < N_MAPS; i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	abort();
}

/* Segments lie on pages, as the kernel has them. */
static void make(struct map *m)
{
	size_t pair = m->kind == HASH ? m->key + m->value : m->value;
	size_t size = (pair * m->entries + 4095) & ~4095ULL;

	m->data = aligned_alloc(4096, size);
	m->touched = calloc(TOUCHES, sizeof(*m->touched));
	if (!m->data || !m->touched)
		abort();
	memset(m->data, 0, size);
}

void twin_maps_reset(void)
{
	for (size_t i = 0; i < N_MAPS; i++) {
		struct map *m = &maps[i];

		if (!m->data)
			make(m);
		if (m->kind == WHOLE)
			memset(m->data, 0, (size_t)m->value * m->entries);
		for (size_t t = 0; m->kind == TOUCHED && t < m->n; t++)
			memset(m->data + (size_t)m->touched[t] * m->value, 0,
			       m->value);
		m->n = 0;
	}
	memset(twin_at("sockets", 0), 0, sizeof(__u64) * AP_SOCKETS);
}

static void touch(struct map *m, uint32_t at)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->touched[i] == at)
			return;
	if (m->n == TOUCHES)
		abort();
	m->touched[m->n++] = at;
}

static void *pair_find(struct map *m, const void *key)
{
	for (size_t i = 0; i < m->n; i++) {
		uint8_t *pair = m->data + i * (m->key + m->value);

		if (!memcmp(pair, key, m->key))
			return pair + m->key;
	}
	return NULL;
}

void *bpf_map_lookup_elem(void *map, const void *key)
{
	struct map *m = map_of(map);
	uint32_t at;

	if (m->kind == HASH)
		return pair_find(m, key);
	memcpy(&at, key, sizeof(at));
	if (at >= m->entries)
		return NULL;
	if (m->kind == TOUCHED)
		touch(m, at);
	map = m->data + (size_t)at * m->value;
	return m->id == &sockets ? twin_socket(map) : map;
}

long bpf_map_update_elem(void *map, const void *key, const void *value,
			 __u64 flags)
{
	struct map *m = map_of(map);
	uint8_t *to;
	uint32_t at;

	if (m->id == &sockets) { /* the value is a socket, not its bytes */
		memcpy(&at, key, sizeof(at));
		if (at >= m->entries)
			return -1;
		memcpy(m->data + (size_t)at * m->value, &value, sizeof(value));
		return 0;
	}
	if (m->kind != HASH)
		abort();
	to = pair_find(m, key);
	if (to && flags == BPF_NOEXIST)
		return -1;
	if (!to) {
		if (m->n == m->entries)
			abort();
		to = m->data + m->n++ * (m->key + m->value);
		memcpy(to, key, m->key);
		to += m->key;
	}
	memcpy(to, value, m->value);
	return 0;
}

long bpf_map_delete_elem(void *map, const void *key)
{
	struct map *m = map_of(map);
	size_t pair = m->key + m->value;
	uint8_t *value = pair_find(m, key);

	if (!value)
		return -1;
	/* the last one takes its place */
	memmove(value - m->key, m->data + --m->n * pair, pair);
	return 0;
}

void *twin_at(const char *name, uint32_t index)
{
	struct map *m;

	if (!strcmp(name, "config"))
		return &config[index];
	if (!strcmp(name, "secret"))
		return &secret;
	if (!strcmp(name, "active"))
		return &active;
	if (!strcmp(name, "spread"))
		return &spread;
	m = map_named(name);
	if (index >= m->entries)
		abort();
	return m->data + (size_t)index * m->value;
}

size_t twin_touched(const char *name, const uint32_t **index)
{
	struct map *m = map_named(name);

	*index = m->touched;
	return m->n;
}

size_t twin_tuples(const char *name)
{
	return map_named(name)->n;
}

static uint64_t hash(uint64_t h, const uint8_t *data, size_t len)
{
	uint64_t word;

	for (; len >= 8; len -= 8, data += 8) {
		memcpy(&word, data, 8);
		h = (h ^ word) * 0x9fb21c651e98df25ULL;
		h ^= h >> 29;
	}
	return h;
}

uint64_t twin_flows(void)
{
	static const char *const table[] = { "flows4", "flows6", "half4",
					     "half6" };
	uint64_t h = 0;

	for (size_t i = 0; i < 4; i++) {
		struct map *m = map_named(table[i]);

		h = hash(h, m->data, (size_t)m->value * m->entries);
	}
	return h + map_named("nat4")->n + 31 * map_named("nat6")->n;
}
