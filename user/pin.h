/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The bpffs of anyport's own and this network namespace's place in it. */
#ifndef PIN_H
#define PIN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum pin_link { PIN_LOOKUP, PIN_PEER4, PIN_PEER6, PIN_LINKS };

/* Names may not have a dot on a bpffs. */
struct pin_paths {
	uint64_t netns;           /* inode number of the namespace */
	char base[PATH_MAX / 4];  /* /run/anyport/bpf/NS */
	char door[PATH_MAX / 4];  /* .../v1: a door that was loaded whole */
	char fresh[PATH_MAX / 4]; /* .../v1-new: one being made */
	char link[PIN_LINKS][PATH_MAX / 4]; /* .../v1/lookup: sk_lookup, ... */
	char fresh_link[PIN_LINKS][PATH_MAX / 4];
};

/* This namespace's. 0 or -errno. */
int pin_paths(struct pin_paths *paths);
/* Those of the namespace with that inode number. */
void pin_paths_of(uint64_t netns, struct pin_paths *paths);

/* The group that may read: anyport if there is one, else root. */
gid_t pin_group(void);

enum pin_state {
	PIN_NONE,      /* nothing is there */
	PIN_DOOR,      /* a door of this layout */
	PIN_REMAINS,   /* of an interrupted command, or of a namespace that had
			  this inode number before: to be cleaned up */
	PIN_LAYOUT,    /* a door of another layout */
	PIN_CORRUPT,   /* a door of this layout with a map missing or wrong */
	PIN_FOREIGN,   /* something that anyport never made */
	PIN_UNMOUNTED, /* the mount point is not empty and no bpffs */
};

/* OFFENDER (PATH_MAX bytes): what the state is about. */
int pin_inspect(const struct pin_paths *paths, enum pin_state *state,
		char *offender);

/* Mounts the bpffs if need be. -EXDEV: in this mount namespace it would be
 * gone with the process. */
int pin_mount(void);

/* Makes the empty directory of a new door. */
int pin_make_fresh(const struct pin_paths *paths);

/* Turns it into the door. */
int pin_commit(const struct pin_paths *paths);

/* And back: what is left of it from now on are remains. */
int pin_retire(const struct pin_paths *paths);

/*
 * Removes everything of ours below paths->base, of any layout; *LEFT when
 * something is left that is not ours.
 */
int pin_remove(const struct pin_paths *paths, bool *left);

/*
 * When no door of any namespace is left: the mount and the directories, with
 * the lock that the caller holds: nothing may be changed after it.
 */
int pin_unmount(void);

#endif
