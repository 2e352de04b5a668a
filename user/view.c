/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads a loaded door's maps. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"
#include "view.h"

static const struct {
	const char *name, *text;
} counters[] = {
#define X(name, text) { #name, text },
	AP_COUNTERS(X)
#undef X
};

const char *counter_name(enum ap_counter counter)
{
	return counters[counter].name;
}

const char *counter_text(enum ap_counter counter)
{
	return counters[counter].text;
}

int view_map(const char *name)
{
	int fd = state_map(name), active;

	if (fd != -ENOENT)
		return fd;
	active = state_map("active");
	if (active < 0)
		return -ENOENT;
	(void)close(active);
	return -ESTALE;
}

static int read_one(const char *map, uint32_t key, void *value)
{
	int err = 0, fd = view_map(map);

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, value))
		err = -errno;
	(void)close(fd);
	return err;
}

int view_config(struct ap_config *config)
{
	struct ap_config both[2];
	struct ap_active active;
	int err = read_one("active", 0, &active);

	if (!err && !active.generation)
		err = -ENOENT;
	err = err ?: read_one("config", 0, both);
	if (!err)
		*config = both[active.generation & 1];
	return err;
}

int view_policy(enum ap_proto proto, uint16_t port, struct ap_policy *policy)
{
	struct ap_active active;
	int err = read_one("active", 0, &active);

	return err
		       ?: read_one("policy",
				   AP_POLICY_INDEX(active.generation, proto,
						   port),
				   policy);
}

int view_counters(uint64_t out[AP_C_MAX])
{
	int cpus = libbpf_num_possible_cpus(), err = 0, fd;
	uint64_t *value;

	if (cpus < 0)
		return cpus;
	value = calloc((size_t)cpus, sizeof(*value));
	if (!value)
		return -ENOMEM;
	fd = view_map("counters");
	if (fd < 0)
		err = fd;
	for (uint32_t i = 0; i < AP_C_MAX && !err; i++) {
		out[i] = 0;
		if (bpf_map_lookup_elem(fd, &i, value))
			err = -errno;
		for (int cpu = 0; cpu < cpus; cpu++)
			out[i] += value[cpu];
	}
	if (fd >= 0)
		(void)close(fd);
	free(value);
	return err;
}

uint32_t view_tick(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint32_t)((t.tv_sec * 1000000000ULL + t.tv_nsec) >>
			  AP_TICK_SHIFT);
}

int view_failed(int err)
{
	if (err == -ENOENT)
		log_error("no door is loaded in this network namespace: "
			  "anyport load");
	else if (err == -EACCES || err == -EPERM)
		log_error("the door's tables are for root and the group "
			  "anyport: use sudo, or join the group");
	else if (err == -EBADMSG)
		log_error("the record of what is loaded, in %s, is damaged: "
			  "anyport load writes it anew",
			  STATE_DIR);
	else if (err == -ESTALE)
		log_error(
			"a table of the door is missing in %s, or is not this "
			"version's: anyport status says which",
			STATE_BPF);
	else
		log_error("cannot read the door's tables in %s: %s; anyport "
			  "status may know more",
			  STATE_BPF, strerror(-err));
	return EXIT_FAILED;
}
