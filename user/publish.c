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

int image_publish(const struct image *image, const struct tables *tables,
		  uint32_t generation)
{
	uint32_t slot = generation & 1;
	int err;

	wait_for_programs();
	err = write_policies(image, tables->fd[T_POLICY],
			     AP_POLICY_INDEX(generation, 0, 0));
	if (!err && bpf_map_update_elem(tables->fd[T_CONFIG], &slot,
					&image->config, BPF_ANY))
		err = -errno;
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
	uint32_t slot = generation & 1;

	return bpf_map_lookup_elem(tables->fd[T_CONFIG], &slot, config) ? -errno
									: 0;
}

/* Without an address in it nothing is the door's. */
static int empty_slot(const struct tables *tables, uint32_t slot)
{
	const struct ap_config none = { 0 };

	return bpf_map_update_elem(tables->fd[T_CONFIG], &slot, &none, BPF_ANY)
		       ? -errno
		       : 0;
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

union any_key {
	struct ap_key4 key4;
	struct ap_key6 key6;
	struct ap_nat4 nat4;
	struct ap_nat6 nat6;
};

/* The address id of an entry; AP_IDS when it went away meanwhile. */
static uint32_t id_of(enum table table, int fd, const union any_key *key)
{
	struct ap_flow flow;

	if (table == T_NAT4)
		return key->nat4.door;
	if (table == T_NAT6)
		return key->nat6.door;
	return bpf_map_lookup_elem(fd, key, &flow) ? AP_IDS : flow.door;
}

static int flush(enum table table, int fd, uint64_t ids)
{
	union any_key key, next;
	/* Entries come and go while this walks: it ends all the same. */
	uint32_t left = 1U << 26;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more && left--) {
		uint32_t id;

		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		id = id_of(table, fd, &key);
		if (id < AP_IDS && ids >> id & 1)
			(void)bpf_map_delete_elem(fd, &key);
	}
	return 0;
}

int flush_ids(const struct tables *tables, uint64_t ids)
{
	int err = 0;

	if (!ids)
		return 0;
	for (enum table t = T_FLOWS4; !err && t <= T_NAT6; t++)
		err = flush(t, tables->fd[t], ids);
	for (int id = 0; !err && id < AP_IDS; id++)
		if (ids >> id & 1)
			err = listeners_clear(tables, id);
	return err;
}
