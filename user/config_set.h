/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * From a value's text into struct config. A wrong value is reported and is no
 * failure: the reading goes on. 0, or -ENOMEM.
 */
#ifndef CONFIG_SET_H
#define CONFIG_SET_H

#include "config_parse.h"

typedef int config_set(struct parser *p, const struct config_key *key,
		       const char *value);

/* config_set.c: one value */
config_set set_number, set_percent, set_seconds, set_milliseconds, set_switch;
config_set set_budget, set_path, set_attach, set_table, set_protocol;
/* config_list.c: one more entry */
config_set set_interface, set_address, set_device, set_range;
config_set set_management, set_status;
/* config_ports.c */
config_set set_target, set_pass, set_claim, set_map, set_nat_ports;

/* "KEY = VALUE: why"; 0, for the reading to go on. */
int set_refused(struct parser *p, const struct config_key *key,
		const char *value, const struct why *why);

/* ARRAY of N elements of SIZE, one longer; NULL: no memory, still ARRAY's. */
void *set_grow(void *array, size_t n, size_t size);

static inline void *set_place(struct parser *p, const struct config_key *key)
{
	return (char *)p->config + key->offset;
}

static inline enum ap_proto set_proto(const struct config_key *key)
{
	return key->section[0] == 't' ? AP_TCP : AP_UDP;
}

#endif
