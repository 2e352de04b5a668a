/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* From the configuration to the maps that the programs read it from. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "flow_table.h"
#include "publish.h"

#define POLICIES (AP_PROTOS * 65536) /* in one slot */

static void add_address(struct ap_config *kernel,
			const struct ip_prefix *address, uint8_t id)
{
	if (address->family == AF_INET) {
		struct ap_addr4 *out = &kernel->addr4[kernel->n4++];

		out->ip = address->v4.s_addr;
		out->id = id;
	} else {
		struct ap_addr6 *out = &kernel->addr6[kernel->n6++];

		memcpy(out->ip, &address->v6, sizeof(out->ip));
		out->id = id;
	}
}

int image_build(const struct config *config, const uint8_t *id,
		const struct links *links, const uint32_t *uplink, size_t n,
		struct image *image)
{
	struct ap_config *kernel = &image->config;

	memset(image, 0, sizeof(*image));
	for (size_t i = 0; i < config->n_address; i++)
		add_address(kernel, &config->address[i], id[i]);
	policy_limits(config, kernel);
	for (enum ap_proto proto = 0; proto < AP_PROTOS; proto++)
		policy_build(config, proto, image->policy[proto], kernel);
	if (n > AP_UPLINKS)
		return -E2BIG;
	memcpy(kernel->uplink, uplink, n * sizeof(*uplink));
	kernel->n_uplink = (uint32_t)n;
	return links_above(links, kernel->uplink, &kernel->n_uplink,
			   AP_UPLINKS);
}

/*
 * The programs run under RCU: after a grace period none is left that read the
 * old generation. A kernel with full dynticks refuses the command; a program
 * takes microseconds, so there a pause does.
 */
static void wait_for_programs(void)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&pause, NULL);
}

static int write_policies(const struct image *image, int fd, uint32_t first)
{
	uint32_t *key = calloc(POLICIES, sizeof(*key));
	uint32_t count = POLICIES;
	int err = 0;

	if (!key)
		return -ENOMEM;
	for (uint32_t i = 0; i < POLICIES; i++)
		key[i] = first + i;
	if (bpf_map_update_batch(fd, key, image->policy, &count, NULL))
		err = -errno;
	free(key);
	return err;
}

/* One slot; the other, which may be in use, is written as it is. */
static int config_write(const struct tables *tables, uint32_t slot,
			const struct ap_config *config)
{
	struct ap_config both[2];
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(tables->fd[T_CONFIG], &zero, both))
		return -errno;
	both[slot] = *config;
	both[slot].slot = slot;
	return bpf_map_update_elem(tables->fd[T_CONFIG], &zero, both, BPF_ANY)
		       ? -errno
		       : 0;
}

int image_publish(const struct image *image, const struct tables *tables,
		  uint32_t generation)
{
	int err;

	wait_for_programs();
	err = write_policies(image, tables->fd[T_POLICY],
			     AP_POLICY_INDEX(generation, 0, 0));
	err = err ?: config_write(tables, generation & 1, &image->config);
	/* The slot must be seen whole before its number is. */
	wait_for_programs();
	return err;
}

int active_read(const struct tables *tables, struct ap_active *active)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(tables->fd[T_ACTIVE], &zero, active) ? -errno
									: 0;
}

static int active_write(const struct tables *tables,
			const struct ap_active *active)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(tables->fd[T_ACTIVE], &zero, active, BPF_ANY)
		       ? -errno
		       : 0;
}

int image_read_config(const struct tables *tables, uint32_t generation,
		      struct ap_config *config)
{
	struct ap_config both[2];
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(tables->fd[T_CONFIG], &zero, both))
		return -errno;
	*config = both[generation & 1];
	return 0;
}

/* Without an address in it nothing is the door's. */
static int empty_slot(const struct tables *tables, uint32_t slot)
{
	const struct ap_config none = { 0 };

	return config_write(tables, slot, &none);
}

/* Generation 0 says "not loaded" to every command and reads slot 0. */
int publish_nothing(const struct tables *tables)
{
	struct ap_active active;
	int err = active_read(tables, &active);

	if (err || !active.generation)
		return err;
	if (!(active.generation & 1)) { /* slot 0 is in use */
		wait_for_programs();
		err = empty_slot(tables, 1);
		active.generation++;
		err = err ?: active_write(tables, &active);
		if (err)
			return err;
	}
	wait_for_programs();
	err = empty_slot(tables, 0);
	active.generation = 0;
	return err ?: active_write(tables, &active);
}

static int listeners_clear(const struct tables *tables, int id)
{
	uint64_t none = 0;

	for (uint32_t port = 0; port < 65536; port += 64) {
		uint32_t at = AP_LISTENER_WORD(id, port);

		if (bpf_map_update_elem(tables->fd[T_LISTENERS], &at, &none,
					BPF_ANY))
			return -errno;
	}
	for (uint32_t target = 0; target < AP_TARGETS; target++) {
		uint32_t at = AP_SOCKET(id, target);

		if (bpf_map_delete_elem(tables->fd[T_SOCKETS], &at) &&
		    errno != ENOENT && errno != EINVAL)
			return -errno;
	}
	return 0;
}

/* A segment is written back only if something in it had to go. */
static int flush_segment(struct flow_table *table, uint64_t ids)
{
	bool changed = false;

	for (uint32_t i = 0; i < flow_table_entries(table); i++) {
		const union flow_any_key *key;
		struct ap_flow *flow = flow_table_entry(table, i, &key);

		if (!flow || flow->door >= AP_IDS || !(ids >> flow->door & 1))
			continue;
		flow_table_remove(table, i);
		changed = true;
	}
	return changed ? flow_table_write(table) : 0;
}

static int flush_flows(int fd, uint64_t ids)
{
	struct flow_table table;
	int err = flow_table_open(&table, fd);

	for (uint32_t at = 0; !err && at < table.segments; at++) {
		err = flow_table_read(&table, at);
		err = err ?: flush_segment(&table, ids);
	}
	flow_table_close(&table);
	return err;
}

static void flush_remembered(enum table table, int fd, uint64_t ids)
{
	union {
		struct ap_nat4 v4;
		struct ap_nat6 v6;
	} key, next;
	/* Entries come and go while this walks: it ends all the same. */
	uint32_t left = 1U << 26;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more && left--) {
		uint32_t id;

		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		id = table == T_NAT4 ? key.v4.door : key.v6.door;
		if (id < AP_IDS && ids >> id & 1)
			(void)bpf_map_delete_elem(fd, &key);
	}
}

int flush_ids(const struct tables *tables, uint64_t ids)
{
	int err = 0;

	if (!ids)
		return 0;
	for (enum table t = T_FLOWS4; !err && t <= T_HALF6; t++)
		err = flush_flows(tables->fd[t], ids);
	for (enum table t = T_NAT4; t <= T_NAT6; t++)
		flush_remembered(t, tables->fd[t], ids);
	for (int id = 0; !err && id < AP_IDS; id++)
		if (ids >> id & 1)
			err = listeners_clear(tables, id);
	return err;
}
