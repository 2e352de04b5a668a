/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A door: everything of it in this network namespace's kernel. */
#ifndef DOOR_H
#define DOOR_H

#include "attach_xdp.h"
#include "pin.h"
#include "programs.h"
#include "publish.h"
#include "state.h"
#include "steps.h"

/* A program behind a dispatcher whose successor is beside it already. */
struct predecessor {
	uint32_t ifindex;
	enum attach_mode mode;
	int fd;
};

struct door {
	struct pin_paths paths;
	bool fresh; /* none was loaded */
	struct tables tables;
	struct programs programs;
	struct links links;
	struct ap_active active; /* as found */
	uint32_t instance;       /* of XDP programs behind a dispatcher */
	bool chained;            /* there is one */
	bool no_dispatcher;      /* the kernel cannot */
	bool superseded; /* an undo that waited will not come any more */
	struct steps steps;
	struct predecessor predecessor[AP_UPLINKS];
	size_t n_predecessor;
	struct state before; /* as found */
	bool had_state;
	struct state state; /* being made */
	char error[1024];   /* for the operator: a sentence, or lines */
};

/* Keeps it in door->error, returns ERR. */
__attribute__((format(printf, 3, 4))) int door_fail(struct door *door, int err,
						    const char *fmt, ...);

/*
 * Looks at what is there. A door of this layout is opened, remains are
 * removed, everything else is refused. Under the lock.
 */
int door_open(struct door *door);
void door_close(struct door *door);

/*
 * Makes the door be what CONFIG says. REPLACE: with this binary's programs
 * even where older ones are attached. All or nothing.
 */
int door_apply(struct door *door, const struct config *config, bool replace);

/* Parts of door_apply(): loads the programs, unless they are; attaches those
 * that are on no interface. */
int door_load_programs(struct door *door);
/* Why the kernel refused PROGRAM with ERR, and what to do about it. */
#define DOOR_REFUSAL 256
const char *door_refusal(int err, const char *program, char text[DOOR_REFUSAL]);
/* Keeps that as the error, for LINK or (NULL) for all; returns ERR. */
int door_refused(struct door *door, int err, const char *program,
		 const struct link *link);
int door_attach_links(struct door *door, bool replace);

/* Takes back what door_apply() did. */
int door_undo(struct door *door);

/*
 * Everything of ours out of this namespace, of any layout, whatever state it
 * is in. *LEFT: something that is not ours is left in our place. What it may
 * share with other doors, the mount and the lock, is for pin_unmount().
 */
int door_remove(const struct pin_paths *paths, bool *left);

#endif
