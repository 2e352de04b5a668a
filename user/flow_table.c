/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs' tables of flows, a segment at a time, from user space. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_table.h"

int flow_table_open(struct flow_table *table, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	*table = (struct flow_table){ .fd = fd };
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != sizeof(struct ap_segment4) &&
	    info.value_size != sizeof(struct ap_segment6))
		return -EBADMSG;
	table->v6 = info.value_size == sizeof(struct ap_segment6);
	table->segments = info.max_entries;
	table->segment = calloc(1, info.value_size);
	return table->segment ? 0 : -ENOMEM;
}

void flow_table_close(struct flow_table *table)
{
	free(table->segment);
	table->segment = NULL;
}

int flow_table_read(struct flow_table *table, uint32_t at)
{
	table->at = at;
	return bpf_map_lookup_elem_flags(table->fd, &at, table->segment,
					 BPF_F_LOCK)
		       ? -errno
		       : 0;
}

/* Under its lock: an entry half of which is another's would be misrouted. */
int flow_table_write(struct flow_table *table)
{
	return bpf_map_update_elem(table->fd, &table->at, table->segment,
				   BPF_F_LOCK)
		       ? -errno
		       : 0;
}

uint32_t flow_table_entries(const struct flow_table *table)
{
	return AP_BUCKETS * (table->v6 ? AP_WAYS6 : AP_WAYS4);
}

static struct ap_entry4 *entry4(const struct flow_table *table, uint32_t i)
{
	struct ap_segment4 *segment = table->segment;

	return &segment->bucket[i / AP_WAYS4].way[i % AP_WAYS4];
}

static struct ap_entry6 *entry6(const struct flow_table *table, uint32_t i)
{
	struct ap_segment6 *segment = table->segment;

	return &segment->bucket[i / AP_WAYS6].way[i % AP_WAYS6];
}

struct ap_flow *flow_table_entry(const struct flow_table *table, uint32_t i,
				 const union flow_any_key **key)
{
	if (table->v6) {
		struct ap_entry6 *e6 = entry6(table, i);

		*key = (void *)&e6->key;
		return e6->key.target ? &e6->flow : NULL;
	}
	struct ap_entry4 *e4 = entry4(table, i);

	*key = (void *)&e4->key;
	return e4->key.target ? &e4->flow : NULL;
}

void flow_table_remove(const struct flow_table *table, uint32_t i)
{
	if (table->v6)
		entry6(table, i)->key.target = 0;
	else
		entry4(table, i)->key.target = 0;
}
