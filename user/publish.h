/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* From the configuration to the maps that the programs read it from. */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "link.h"
#include "tables.h"

/* One slot of `config` and `policy`. */
struct image {
	struct ap_config config;
	struct ap_policy policy[AP_PROTOS][65536];
};

/*
 * ID: of config->address[]. UPLINK: interfaces that are present; what stands
 * on them is added. -E2BIG: AP_UPLINKS are not enough.
 */
int image_build(const struct config *config, const uint8_t *id,
		const struct links *links, const uint32_t *uplink, size_t n,
		struct image *image);

/*
 * Writes the slot of GENERATION, which no program must be using: the one in
 * force is the other. Waits until programs that began under the generation
 * before are through.
 */
int image_publish(const struct image *image, const struct tables *tables,
		  uint32_t generation);

int active_read(const struct tables *tables, struct ap_active *active);

/* The configuration in force. */
int image_read_config(const struct tables *tables, uint32_t generation,
		      struct ap_config *config);

/* Closes the door in one step: from then on the programs pass everything. */
int publish_nothing(const struct tables *tables);

/* Deletes whatever carries one of these address ids (a bit each). */
int flush_ids(const struct tables *tables, uint64_t ids);

#endif
