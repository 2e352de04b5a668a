/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs' tables of flows, a segment at a time, from user space. */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "anyport.h"

union flow_any_key {
	struct ap_key4 v4;
	struct ap_key6 v6;
};

struct flow_table {
	int fd;
	bool v6;
	uint32_t segments;
	uint32_t at;   /* the segment that was read last */
	void *segment; /* struct ap_segment4 or 6 */
};

/* FD: of flows4/6 or half4/6; it stays the caller's. 0 or -errno. */
int flow_table_open(struct flow_table *table, int fd);
void flow_table_close(struct flow_table *table);

/* Reads segment AT. Programs may be writing: an entry may be half a flow. */
int flow_table_read(struct flow_table *table, uint32_t at);
/* Puts it back. What programs wrote meanwhile is lost. */
int flow_table_write(struct flow_table *table);

/* Entries in a segment, and number I of the one that was read. */
uint32_t flow_table_entries(const struct flow_table *table);
/* NULL: nobody is there. KEY stays the table's. */
struct ap_flow *flow_table_entry(const struct flow_table *table, uint32_t i,
				 const union flow_any_key **key);
void flow_table_remove(const struct flow_table *table, uint32_t i);

#endif
