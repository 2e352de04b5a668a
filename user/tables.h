/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The pinned maps: made once, then handed to every program. */
#ifndef TABLES_H
#define TABLES_H

#include <bpf/libbpf.h>

#include "config.h"

/* In the order of bpf/anyport.h. */
enum table {
	T_CONFIG,
	T_ACTIVE,
	T_SECRET,
	T_SPREAD,
	T_POLICY,
	T_FLOWS4,
	T_FLOWS6,
	T_HALF4,
	T_HALF6,
	T_NAT4,
	T_NAT6,
	T_ALIASED,
	T_BUDGETS,
	T_PREFIXES,
	T_KNOWN,
	T_LISTENERS,
	T_SOCKETS,
	T_PEERS,
	T_LOOKING,
	T_COUNTERS,
	TABLES,
};

struct tables {
	int fd[TABLES];
};

const char *table_name(enum table table);

void tables_init(struct tables *tables);
void tables_close(struct tables *tables);

/* Makes all maps, with the sizes of LIMITS, and pins them in DIR for GROUP. */
int tables_make(const char *dir, gid_t group,
		const struct limits_config *limits, struct tables *tables);

/*
 * Opens all maps pinned in DIR. -EBADMSG when one has another shape than this
 * version's, -ENOENT when one is missing; *BAD is its name.
 */
int tables_open(const char *dir, struct tables *tables, const char **bad);

/* Are they all there? The same for those who may only read. */
int tables_look(const char *dir, const char **bad);

/* Lets the maps of a BPF object that is not loaded yet be these. */
int tables_reuse(const struct tables *tables, struct bpf_object *object);

/*
 * The first key under [limits] whose table has another size than LIMITS says,
 * and the size it has; NULL when they agree.
 */
const char *tables_resized(const struct tables *tables,
			   const struct limits_config *limits,
			   uint32_t *entries);

/*
 * Opens the map NAME pinned in DIR; flags 0 or BPF_F_RDONLY. -EBADMSG when it
 * has another shape than this version's: what is read from it would be more than
 * the reader has room for.
 */
int table_open(const char *dir, const char *name, uint32_t flags);

#endif
