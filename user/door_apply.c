/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Making a door be what the configuration says, all or nothing. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "attach_tc.h"
#include "confirm.h"
#include "door.h"
#include "ids.h"
#include "log.h"
#include "output.h"
#include "prog.h"
#include "secret.h"
#include "uplink.h"

/* What is wanted: the interfaces that are present, each once. */
struct wanted {
	const struct link *link[AP_UPLINKS];
	uint32_t ifindex[AP_UPLINKS];
	size_t n;
	uint8_t id[AP_ADDRS];
	uint64_t reused; /* address ids */
};

static int want_link(struct door *door, const struct link *link,
		     struct wanted *wanted)
{
	if (link_unfit(link))
		return door_fail(door, -EINVAL,
				 "%s is %s: name the uplink in interface =",
				 link->name, link_unfit(link));
	for (size_t i = 0; i < wanted->n; i++)
		if (wanted->ifindex[i] == link->ifindex)
			return 0;
	if (wanted->n == AP_UPLINKS)
		return door_fail(door, -E2BIG, "more than %d uplinks",
				 AP_UPLINKS);
	wanted->link[wanted->n] = link;
	wanted->ifindex[wanted->n++] = link->ifindex;
	return 0;
}

static int want_links(struct door *door, const struct config *config,
		      struct wanted *wanted)
{
	for (size_t i = 0; i < config->n_interface; i++) {
		const struct link *link =
			link_named(&door->links, config->interface[i]);
		int err = link ? want_link(door, link, wanted) : 0;

		if (err)
			return err;
	}
	if (!wanted->n)
		return door_fail(door, -ENODEV,
				 "%s: none of its interfaces exists here "
				 "(interface = %s%s): ip link shows those that "
				 "do",
				 config->path, config->interface[0],
				 config->n_interface > 1 ? ", ..." : "");
	return 0;
}

/* ---- tables and configuration -------------------------------------------*/

static int make_tables(struct door *door, const struct config *config)
{
	int err = pin_mount();

	if (err == -EXDEV)
		return door_fail(door, err,
				 STATE_BPF
				 " is not mounted, and mounted from "
				 "here (ip netns exec?) it would be gone when "
				 "this command ends: use nsenter --net, or "
				 "mount -t bpf bpf " STATE_BPF " outside");
	if (err)
		return door_fail(door, err, "cannot mount a bpffs at %s: %s",
				 STATE_BPF, strerror(-err));
	err = pin_make_fresh(&door->paths);
	err = err
		      ?: tables_make(door->paths.fresh, pin_group(),
				     &config->limits, &door->tables);
	if (err)
		return door_fail(door, err, "cannot make the tables in %s: %s",
				 door->paths.fresh, strerror(-err));
	return 0;
}

static int check_sizes(struct door *door, const struct config *config)
{
	uint32_t entries;
	const char *key =
		tables_resized(&door->tables, &config->limits, &entries);

	if (!key)
		return 0;
	return door_fail(door, -EINVAL,
			 "%s: [limits] %s: the loaded table has %u entries and "
			 "a loaded table keeps its size: anyport unload, then "
			 "load, or set it back",
			 config->path, key, entries);
}

/* Once: a key that changes under a loaded door would change every alias. */
static int choose_secret(const struct door *door)
{
	uint64_t hash[2], place[2];
	struct ap_secret secret;
	uint32_t zero = 0;
	int err;

	if (!door->fresh)
		return 0;
	err = secret_read(hash);
	if (err) {
		log_warn(SECRET_FILE ": %s: the door uses a key of its own "
				     "until it is unloaded, ignoring",
			 strerror(-err));
		err = secret_random(hash);
	}
	err = err ?: secret_random(place);
	if (err)
		return err;
	memcpy(secret.hash, hash, sizeof(hash));
	memcpy(secret.place, place, sizeof(place));
	return bpf_map_update_elem(door->tables.fd[T_SECRET], &zero, &secret,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

static int make_image(struct door *door, const struct config *config,
		      const struct wanted *wanted, struct image **out)
{
	struct image *image = malloc(sizeof(*image));
	int err;

	*out = image;
	if (!image)
		return door_fail(door, -ENOMEM, "out of memory");
	err = image_build(config, wanted->id, &door->links, wanted->ifindex,
			  wanted->n, image);
	if (err)
		return door_fail(
			door, err,
			"the uplinks, their VLANs and bridges are more "
			"than %d interfaces",
			AP_UPLINKS);
	return 0;
}

static int publish(struct door *door, const struct image *image,
		   const struct wanted *wanted)
{
	int err = choose_secret(door);

	err = err ?: flush_ids(&door->tables, wanted->reused);
	err = err
		      ?: image_publish(image, &door->tables,
				       door->active.generation + 1);
	if (err)
		return door_fail(door, err, "cannot fill the tables: %s",
				 strerror(-err));
	return 0;
}

/* ---- programs -----------------------------------------------------------*/

static struct state_uplink *find_uplink(struct state *state, uint32_t ifindex)
{
	for (size_t i = 0; i < state->n_uplink; i++)
		if (state->uplink[i].ifindex == ifindex)
			return &state->uplink[i];
	return NULL;
}

static int attach_one(struct door *door, const struct config *config,
		      const struct link *link, bool replace,
		      struct state_uplink *to)
{
	int err = replace ? 0 : uplink_keep(door, link, config->attach, to);

	if (err)
		return err < 0 ? err : 0;
	err = door_load_programs(door);
	return err ?: uplink_attach_egress(door, link, replace, to);
}

/* Egress first: a reply must not leave before its door is known there. */
static int attach_all(struct door *door, const struct config *config,
		      const struct wanted *wanted, bool replace)
{
	struct state *state = &door->state;
	int err = 0;

	memset(state->uplink, 0, sizeof(state->uplink));
	state->n_uplink = wanted->n;
	for (size_t i = 0; !err && i < wanted->n; i++) {
		const struct link *link = wanted->link[i];
		struct state_uplink *to = &state->uplink[i];
		struct state_uplink *was =
			find_uplink(&door->before, link->ifindex);

		if (was)
			*to = *was;
		to->ingress_id = 0;
		memcpy(to->name, link->name, sizeof(to->name));
		to->ifindex = link->ifindex;
		err = attach_one(door, config, link, replace, to);
	}
	for (size_t i = 0; !err && i < wanted->n; i++)
		if (!state->uplink[i].ingress_id)
			err = uplink_attach_ingress(door, wanted->link[i],
						    config->attach, replace,
						    &state->uplink[i]);
	return err;
}

/* ---- the change itself --------------------------------------------------*/

static int switch_over(struct door *door)
{
	struct step step = {
		.kind = STEP_ACTIVE,
		.from = -1,
		.to = -1,
		.map = door->tables.fd[T_ACTIVE],
		.active_from = door->active,
		.active_to = {
			.generation = door->active.generation + 1,
			.instance = door->chained ? door->instance :
						    door->active.instance,
		},
	};
	int err = steps_take(&door->steps, &step);

	if (err)
		return door_fail(door, err, "cannot raise the generation: %s",
				 strerror(-err));
	return 0;
}

static int retire_predecessors(struct door *door)
{
	for (size_t i = 0; i < door->n_predecessor; i++) {
		const struct predecessor *p = &door->predecessor[i];
		struct step step = { .kind = STEP_CHAIN,
				     .ifindex = p->ifindex,
				     .mode = p->mode,
				     .from = p->fd,
				     .to = -1 };
		int err = steps_take(&door->steps, &step);

		if (err)
			return door_fail(door, err,
					 "cannot detach the old XDP program "
					 "from interface %u: %s",
					 p->ifindex, strerror(-err));
	}
	return 0;
}

static bool is_wanted(const struct wanted *wanted, uint32_t ifindex)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (wanted->ifindex[i] == ifindex)
			return true;
	return false;
}

static int release_others(struct door *door, const struct wanted *wanted)
{
	int err = 0;

	for (size_t i = 0; !err && i < door->links.n; i++)
		if (!is_wanted(wanted, door->links.link[i].ifindex))
			err = uplink_release(door, &door->links.link[i]);
	return err;
}

/* Where status and the next load find the configuration. */
static int name_config(struct door *door, const struct config *config)
{
	struct state *state = &door->state;
	char *whole = realpath(config->path, NULL);
	const char *path =
		config->path[0] != '/' && whole ? whole : config->path;
	int err = 0;

	(void)snprintf(state->config, sizeof(state->config), "%s", path);
	if (!output_can_say(state->config))
		err = door_fail(door, -EILSEQ,
				"the path of the configuration is not UTF-8: "
				"move it to one that is");
	free(whole);
	return err;
}

static int keep_state(struct door *door, const struct config *config)
{
	struct state *state = &door->state;
	int err;

	state->layout = AP_LAYOUT;
	(void)snprintf(state->version, sizeof(state->version), "%s", VERSION);
	state->config_mtime = config->mtime;
	state->reloaded = time(NULL);
	if (door->fresh)
		state->loaded = state->reloaded;
	err = state_write(state);
	if (err)
		return door_fail(door, err,
				 "cannot write the state below " STATE_DIR
				 ": %s",
				 strerror(-err));
	return 0;
}

/*
 * A fresh door is one only when its directory has its name and the generation
 * is not 0; until then its programs pass everything, and the next command
 * cleans up.
 */
static int commit(struct door *door)
{
	int err = door->fresh ? pin_commit(&door->paths) : 0;

	if (err)
		return door_fail(door, err, "cannot rename %s to %s: %s",
				 door->paths.fresh, door->paths.door,
				 strerror(-err));
	return switch_over(door);
}

static int prepare(struct door *door, const struct config *config,
		   struct wanted *wanted)
{
	int err = want_links(door, config, wanted);

	err = err ?: name_config(door, config);
	if (err)
		return err;
	err = door->fresh ? make_tables(door, config)
			  : check_sizes(door, config);
	if (err)
		return err;
	ids_assign(&door->state, config, wanted->id, &wanted->reused);
	return 0;
}

/* A new number each time, even if the last command died after its programs. */
static int choose_instance(struct door *door, bool replace)
{
	if (door->instance && !replace)
		return 0;
	if (getrandom(&door->instance, sizeof(door->instance), 0) < 0)
		return door_fail(door, -errno, "no random numbers: %m");
	door->instance |= 1; /* 0 means: always acts */
	return 0;
}

static int ask_for_programs(struct door *door, const struct config *config,
			    const struct wanted *wanted)
{
	int err = door_load_programs(door);

	for (size_t i = 0; !err && !door->fresh && i < wanted->n; i++)
		err = uplink_ask(door, wanted->link[i], config->attach);
	return err;
}

/*
 * Programs first, which may be refused; they go by the configuration in force.
 * What waits for its confirmation goes back to the slot that is filled next, so
 * it waits until then.
 */
static int apply(struct door *door, const struct config *config, bool replace)
{
	struct wanted wanted = { .n = 0 };
	struct image *image = NULL;
	int err = prepare(door, config, &wanted);

	err = err ?: make_image(door, config, &wanted, &image);
	/* Refused programs are known before anything is changed. */
	if (!err && replace)
		err = ask_for_programs(door, config, &wanted);
	err = err ?: choose_instance(door, replace);
	err = err ?: attach_all(door, config, &wanted, replace);
	err = err ?: door_attach_links(door, replace);
	if (!err)
		door->superseded = confirm_cancel() > 0;
	err = err ?: publish(door, image, &wanted);
	free(image);
	err = err ?: keep_state(door, config);
	err = err ?: commit(door);
	err = err ?: retire_predecessors(door);
	err = err ?: release_others(door, &wanted);
	if (err)
		return err;
	ids_use(&door->state, wanted.id, config->n_address);
	return keep_state(door, config);
}

int door_undo(struct door *door)
{
	bool left;
	int err, one;

	if (door->fresh)
		return door_remove(&door->paths, &left);
	err = steps_undo(&door->steps);
	one = door->had_state ? state_write(&door->before) : state_remove();
	err = err ?: one;
	one = tc_remove_clsacts(false);
	return err ?: one;
}

int door_apply(struct door *door, const struct config *config, bool replace)
{
	int err = apply(door, config, replace);

	if (!err) {
		(void)tc_remove_clsacts(false); /* of uplinks that left */
		return 0;
	}
	int undone = door_undo(door);

	if (undone)
		log_error("undoing it failed too: %s: " UNDO_FAILED,
			  strerror(-undone));
	return err;
}
