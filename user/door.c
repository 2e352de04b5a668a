/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A door: everything of it in this network namespace's kernel. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "confirm.h"
#include "door.h"
#include "gone.h"
#include "log.h"
#include "uplink.h"

int door_fail(struct door *door, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(door->error, sizeof(door->error), fmt, args);
	va_end(args);
	return err;
}

/* ---- looking ------------------------------------------------------------*/

static int refuse(struct door *door, enum pin_state state, const char *offender)
{
	switch (state) {
	case PIN_LAYOUT:
		return door_fail(door, -EPROTO,
				 "%s was made by another version of anyport, "
				 "whose tables this one (layout %d) cannot "
				 "read: anyport unload, then load",
				 offender, AP_LAYOUT);
	case PIN_CORRUPT:
		return door_fail(door, -EBADMSG,
				 "%s is missing or is not this version's: "
				 "anyport unload, then load",
				 offender);
	case PIN_FOREIGN:
		return door_fail(door, -EEXIST,
				 "%s is not anyport's: move it away, then load "
				 "again",
				 offender);
	case PIN_UNMOUNTED:
		return door_fail(door, -ENOTEMPTY,
				 "%s has something in it and is no bpffs: move "
				 "it away, then load again",
				 offender);
	default: return 0;
	}
}

/* After a crash the file may be gone: what is in use is in the map. */
static void learn_ids(struct state *state, const struct ap_config *config)
{
	memset(state->in_use, 0, sizeof(state->in_use));
	for (uint32_t i = 0; i < config->n4 && i < AP_ADDRS; i++) {
		const struct ap_addr4 *a = &config->addr4[i];
		struct ip_prefix *to = &state->address[a->id % AP_IDS];

		to->family = AF_INET;
		to->length = 32;
		to->v4.s_addr = a->ip;
		state->in_use[a->id % AP_IDS] = true;
	}
	for (uint32_t i = 0; i < config->n6 && i < AP_ADDRS; i++) {
		const struct ap_addr6 *a = &config->addr6[i];
		struct ip_prefix *to = &state->address[a->id % AP_IDS];

		to->family = AF_INET6;
		to->length = 128;
		memcpy(&to->v6, a->ip, sizeof(to->v6));
		state->in_use[a->id % AP_IDS] = true;
	}
}

/* An id whose address nobody knows any more may still be in flows. */
static void distrust_ids(struct state *state)
{
	memset(state, 0, sizeof(*state));
	for (int id = 0; id < AP_IDS; id++)
		state->address[id] =
			(struct ip_prefix){ .family = AF_INET, .length = 32 };
	state->loaded = time(NULL);
}

static int open_loaded(struct door *door)
{
	struct ap_config config;
	const char *bad;
	int err = tables_open(door->paths.door, &door->tables, &bad);

	err = err ?: active_read(&door->tables, &door->active);
	err = err
		      ?: image_read_config(&door->tables,
					   door->active.generation, &config);
	if (err)
		return door_fail(door, err, "cannot read the tables in %s: %s",
				 door->paths.door, strerror(-err));
	door->had_state = !state_read(&door->before);
	if (!door->had_state)
		distrust_ids(&door->before);
	learn_ids(&door->before, &config);
	door->state = door->before;
	door->instance = door->active.instance;
	return 0;
}

/*
 * Without a door they are orphans: its pins were lost. With one, whoever cannot
 * see what is on an interface learns it before anything is changed.
 */
static int find_ours(struct door *door, bool *found)
{
	struct uplink_found on;

	*found = false;
	for (size_t i = 0; i < door->links.n; i++) {
		int err = uplink_find(&door->links.link[i], &on);

		if (err)
			return door_fail(door, err,
					 "cannot see what is on %s: %s",
					 door->links.link[i].name,
					 xdp_why(err));
		*found |= uplink_has_ours(&on);
	}
	return 0;
}

static int clean_up(struct door *door)
{
	bool left;
	int err = door_remove(&door->paths, &left);

	links_free(&door->links);
	err = err ?: links_read(&door->links);
	if (err)
		return door_fail(door, err,
				 "cannot remove what an interrupted command "
				 "left: %s",
				 xdp_why(err));
	(void)confirm_cancel(); /* with what it was to undo */
	return 0;
}

int door_open(struct door *door)
{
	char offender[PATH_MAX] = "";
	enum pin_state state;
	bool ours;
	int err = gone_clean();

	if (err)
		log_warn("cannot remove what a network namespace that is gone "
			 "has left: %s, ignoring",
			 strerror(-err));
	memset(door, 0, sizeof(*door));
	tables_init(&door->tables);
	err = pin_paths(&door->paths);
	err = err ?: links_read(&door->links);
	err = err ?: pin_inspect(&door->paths, &state, offender);
	if (err)
		return door_fail(door, err, "cannot see what is loaded: %s",
				 strerror(-err));
	err = refuse(door, state, offender);
	if (err)
		return err;
	door->fresh = state != PIN_DOOR;
	err = find_ours(door, &ours);
	if (err)
		return err;
	if (!door->fresh)
		return open_loaded(door);
	return ours || state == PIN_REMAINS ? clean_up(door) : 0;
}

void door_close(struct door *door)
{
	for (size_t i = 0; i < door->n_predecessor; i++)
		close(door->predecessor[i].fd);
	steps_free(&door->steps);
	programs_free(&door->programs);
	tables_close(&door->tables);
	links_free(&door->links);
}
