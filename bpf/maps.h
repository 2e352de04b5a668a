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

MAP(ARRAY, config, 2, __u32, struct ap_config);
MAP(ARRAY, active, 1, __u32, struct ap_active);
MAP(ARRAY, policy, AP_POLICIES, __u32, struct ap_policy);

/* The loader sets the sizes of these six from [limits]. */
MAP(LRU_HASH, flows4, 65536, struct ap_key4, struct ap_flow);
MAP(LRU_HASH, flows6, 65536, struct ap_key6, struct ap_flow);
MAP(LRU_HASH, half4, 65536, struct ap_key4, struct ap_flow);
MAP(LRU_HASH, half6, 65536, struct ap_key6, struct ap_flow);
MAP(LRU_HASH, nat4, 65536, struct ap_nat4, __u32);
MAP(LRU_HASH, nat6, 65536, struct ap_nat6, __u32);

MAP(ARRAY, aliased, AP_ALIASED_WORDS, __u32, __u64);
MAP(ARRAY, budgets, AP_CLASSES, __u32, struct ap_bucket);
MAP(ARRAY, prefixes, AP_PREFIXES, __u32, struct ap_prefix);

MAP(ARRAY, listeners, AP_LISTENER_WORDS, __u32, __u64);
MAP(SOCKMAP, sockets, AP_SOCKETS, __u32, __u64);
MAP(LRU_HASH, peers, AP_PEERS, struct ap_key6, struct ap_peer);
MAP(PERCPU_ARRAY, looking, 1, __u32, struct ap_looking);
MAP(PERCPU_ARRAY, counters, AP_COUNTER_SLOTS, __u32, __u64);

#endif
