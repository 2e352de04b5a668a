/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The pinned maps: made once, then handed to every program. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lookup.skel.h"
#include "place.h"
#include "publish.h"
#include "tables.h"

struct shape {
	const char *name;
	uint32_t type, key, value, entries; /* entries 0: configured */
	const char *section; /* global data: what objects call the map */
	bool hidden; /* root's alone, where the others are the group's to read */
};

#define SHAPE(n, t, k, v, e) \
	.name = (n), .type = BPF_MAP_TYPE_##t, .key = (k), .value = (v), \
	.entries = (e)
#define FLOWS(name, segment) { SHAPE(name, ARRAY, 4, sizeof(segment), 0) }

/* clang-format off */
static const struct shape shapes[TABLES] = {
	[T_CONFIG] = { SHAPE("config", ARRAY, 4, 2 * sizeof(struct ap_config),
			     1), .section = ".data.config" },
	[T_ACTIVE] = { SHAPE("active", ARRAY, 4, sizeof(struct ap_active), 1),
		       .section = ".data.active" },
	[T_SECRET] = { SHAPE("secret", ARRAY, 4, sizeof(struct ap_secret), 1),
		       .section = ".data.secret", .hidden = true },
	[T_SPREAD] = { SHAPE("spread", ARRAY, 4, 2 * sizeof(struct ap_spread),
			     1), .section = ".data.spread" },
	[T_POLICY] = { SHAPE("policy", ARRAY, 4, sizeof(struct ap_policy),
			     AP_POLICIES) },
	[T_FLOWS4] = FLOWS("flows4", struct ap_segment4),
	[T_FLOWS6] = FLOWS("flows6", struct ap_segment6),
	[T_HALF4] = FLOWS("half4", struct ap_segment4),
	[T_HALF6] = FLOWS("half6", struct ap_segment6),
	[T_NAT4] = { SHAPE("nat4", LRU_HASH, sizeof(struct ap_nat4), 4, 0) },
	[T_NAT6] = { SHAPE("nat6", LRU_HASH, sizeof(struct ap_nat6), 4, 0) },
	[T_ALIASED] = { SHAPE("aliased", ARRAY, 4, 8, AP_ALIASED_WORDS) },
	[T_BUDGETS] = { SHAPE("budgets", ARRAY, 4, sizeof(struct ap_bucket),
			      AP_CLASSES) },
	[T_PREFIXES] = { SHAPE("prefixes", ARRAY, 4, sizeof(struct ap_prefix),
			       AP_PREFIXES) },
	[T_KNOWN] = { SHAPE("known", ARRAY, 4, 8, AP_KNOWN_WORDS) },
	[T_LISTENERS] = { SHAPE("listeners", ARRAY, 4, 8, AP_LISTENER_WORDS) },
	[T_SOCKETS] = { SHAPE("sockets", SOCKMAP, 4, 8, AP_SOCKETS) },
	[T_PEERS] = { SHAPE("peers", LRU_HASH, sizeof(struct ap_key6),
			    sizeof(struct ap_peer), AP_PEERS) },
	[T_LOOKING] = { SHAPE("looking", PERCPU_ARRAY, 4,
			      sizeof(struct ap_looking), 1) },
	[T_COUNTERS] = { SHAPE("counters", PERCPU_ARRAY, 4, 8,
			       AP_COUNTER_SLOTS) },
};
/* clang-format on */

const char *table_name(enum table table)
{
	return shapes[table].name;
}

void tables_init(struct tables *tables)
{
	for (int i = 0; i < TABLES; i++)
		tables->fd[i] = -1;
}

void tables_close(struct tables *tables)
{
	for (int i = 0; i < TABLES; i++)
		if (tables->fd[i] >= 0)
			close(tables->fd[i]);
	tables_init(tables);
}

static uint32_t configured(enum table table, const struct limits_config *limits)
{
	switch (table) {
	case T_FLOWS4: return place_segments(limits->established, 1, 4);
	case T_FLOWS6: return place_segments(limits->established, 1, 6);
	case T_HALF4: return place_segments(limits->half_open, 0, 4);
	case T_HALF6: return place_segments(limits->half_open, 0, 6);
	case T_NAT4:
	case T_NAT6: return limits->remembered;
	default: return shapes[table].entries;
	}
}

static struct bpf_map *map_of(struct bpf_object *object,
			      const struct shape *shape)
{
	return bpf_object__find_map_by_name(object,
					    shape->section ?: shape->name);
}

static int pin(int fd, const char *dir, const struct shape *shape, gid_t group)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, shape->name);
	if (bpf_obj_pin(fd, path) || chown(path, 0, shape->hidden ? 0 : group) ||
	    chmod(path, shape->hidden ? 0600 : 0640))
		return -errno;
	return 0;
}

/* Any of the three objects has all maps; this one is the smallest. */
static int make(const struct limits_config *limits, struct lookup_bpf *object)
{
	bpf_program__set_autoload(object->progs.anyport_lookup, false);
	for (int i = 0; i < TABLES; i++) {
		struct bpf_map *map = map_of(object->obj, &shapes[i]);

		if (!map)
			return -ENOENT;
		int err = bpf_map__set_max_entries(map, configured(i, limits));

		if (err)
			return err;
	}
	return lookup_bpf__load(object);
}

static int keep(struct lookup_bpf *object, const char *dir, gid_t group,
		struct tables *tables)
{
	for (int i = 0; i < TABLES; i++) {
		int fd = bpf_map__fd(map_of(object->obj, &shapes[i]));
		int err = pin(fd, dir, &shapes[i], group);

		if (err)
			return err;
		tables->fd[i] = dup(fd);
		if (tables->fd[i] < 0)
			return -errno;
	}
	return 0;
}

static int begin(const struct limits_config *limits,
		 const struct tables *tables)
{
	const struct ap_spread spread[2] = {
		{ .shift = place_shift(configured(T_FLOWS4, limits)) },
		{ .shift = place_shift(configured(T_FLOWS6, limits)) },
	};
	uint32_t zero = 0;

	return bpf_map_update_elem(tables->fd[T_SPREAD], &zero, spread, BPF_ANY)
		       ? -errno
		       : 0;
}

int tables_make(const char *dir, gid_t group,
		const struct limits_config *limits, struct tables *tables)
{
	struct lookup_bpf *object = lookup_bpf__open();
	int err;

	if (!object)
		return -errno;
	err = make(limits, object);
	if (!err)
		err = keep(object, dir, group, tables);
	err = err ?: begin(limits, tables);
	lookup_bpf__destroy(object);
	return err;
}

static bool has_shape(int fd, const struct shape *shape)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       info.type == shape->type && info.key_size == shape->key &&
	       info.value_size == shape->value &&
	       (!shape->entries || info.max_entries == shape->entries);
}

int table_open(const char *dir, const char *name, uint32_t flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = flags);
	char path[PATH_MAX];
	int fd, i = 0;

	while (i < TABLES && strcmp(shapes[i].name, name) != 0)
		i++;
	if (i == TABLES)
		return -EINVAL;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = bpf_obj_get_opts(path, &options);
	if (fd < 0)
		return -errno;
	if (has_shape(fd, &shapes[i]))
		return fd;
	close(fd);
	return -EBADMSG;
}

static uint32_t entries_of(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.max_entries;
}

/* The programs find flows by the number of segments that is in force. */
static int check_segments(const struct tables *tables, const char **bad)
{
	struct ap_active active;
	struct ap_config config;
	int err = active_read(tables, &active);

	if (!err && !active.generation) /* nothing is in force yet */
		return 0;
	err = err ?: image_read_config(tables, active.generation, &config);
	*bad = shapes[T_CONFIG].name;
	for (enum table t = T_FLOWS4; !err && t <= T_HALF6; t++) {
		const uint32_t segments[] = { config.flows4, config.flows6,
					      config.half4, config.half6 };

		*bad = shapes[t].name;
		if (entries_of(tables->fd[t]) != segments[t - T_FLOWS4])
			err = -EBADMSG;
	}
	return err;
}

static int open_all(const char *dir, uint32_t flags, struct tables *tables,
		    const char **bad)
{
	int err;

	for (int i = 0; i < TABLES; i++) {
		*bad = shapes[i].name;
		tables->fd[i] = table_open(dir, *bad, flags);
		/* The group finds it there, and no more. */
		if (tables->fd[i] == -EACCES && shapes[i].hidden &&
		    flags == BPF_F_RDONLY)
			continue;
		if (tables->fd[i] < 0)
			return tables->fd[i];
	}
	err = check_segments(tables, bad);
	if (!err)
		*bad = NULL;
	return err;
}

int tables_open(const char *dir, struct tables *tables, const char **bad)
{
	return open_all(dir, 0, tables, bad);
}

int tables_look(const char *dir, const char **bad)
{
	struct tables tables;
	int err;

	tables_init(&tables);
	err = open_all(dir, BPF_F_RDONLY, &tables, bad);
	tables_close(&tables);
	return err;
}

int tables_reuse(const struct tables *tables, struct bpf_object *object)
{
	for (int i = 0; i < TABLES; i++) {
		struct bpf_map *map = map_of(object, &shapes[i]);
		int err = map ? bpf_map__reuse_fd(map, tables->fd[i]) : 0;

		if (err)
			return err;
	}
	return 0;
}

const char *tables_resized(const struct tables *tables,
			   const struct limits_config *limits,
			   uint32_t *entries)
{
	struct ap_active active;
	struct ap_config config;

	if (!active_read(tables, &active) &&
	    !image_read_config(tables, active.generation, &config)) {
		*entries = config.established;
		if (config.established != limits->established)
			return "established";
		*entries = config.half_open;
		if (config.half_open != limits->half_open)
			return "half-open";
	}
	for (enum table t = T_NAT4; t <= T_NAT6; t++) {
		*entries = entries_of(tables->fd[t]);
		if (*entries && *entries != limits->remembered)
			return "remembered";
	}
	return NULL;
}
