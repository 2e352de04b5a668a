/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The pinned maps, one definition for all programs. The loader makes them
 * once and hands the same ones to every object; anyport.h says what is in
 * them.
 */
#ifndef MAPS_H
#define MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "anyport.h"

#define MAP(kind, name_, size, key_, value_)       \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, size);         \
		__type(key, key_);                 \
		__type(value, value_);             \
	} name_ SEC(".maps")

/*
 * Global data is a map of one element whose address is in the code: read
 * without a look-up. libbpf names these maps as their sections.
 */
struct ap_active active SEC(".data.active");
struct ap_config config[2] SEC(".data.config");
struct ap_secret secret SEC(".data.secret");
struct ap_spread spread[2] SEC(".data.spread");
MAP(ARRAY, policy, AP_POLICIES, __u32, struct ap_policy);

/* Mmapable for one reason: it puts them on a page, buckets on cache lines. */
#define SEGMENTS(name_, value_)                    \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, value_);             \
	} name_ SEC(".maps")

/* The loader sets the sizes of these six from [limits]. */
SEGMENTS(flows4, struct ap_segment4);
SEGMENTS(flows6, struct ap_segment6);
SEGMENTS(half4, struct ap_segment4);
SEGMENTS(half6, struct ap_segment6);
MAP(LRU_HASH, nat4, 65536, struct ap_nat4, __u32);
MAP(LRU_HASH, nat6, 65536, struct ap_nat6, __u32);

MAP(ARRAY, aliased, AP_ALIASED_WORDS, __u32, __u64);
MAP(ARRAY, budgets, AP_CLASSES, __u32, struct ap_bucket);
MAP(ARRAY, prefixes, AP_PREFIXES, __u32, struct ap_prefix);
MAP(ARRAY, known, AP_KNOWN_WORDS, __u32, __u64);

MAP(ARRAY, listeners, AP_LISTENER_WORDS, __u32, __u64);
MAP(SOCKMAP, sockets, AP_SOCKETS, __u32, __u64);
MAP(LRU_HASH, peers, AP_PEERS, struct ap_key6, struct ap_peer);
MAP(PERCPU_ARRAY, looking, 1, __u32, struct ap_looking);
MAP(PERCPU_ARRAY, counters, AP_COUNTER_SLOTS, __u32, __u64);

#endif
