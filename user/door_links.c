/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs that are attached to no interface, but by a pinned link. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "door.h"
#include "pinlink.h"
#include "prog.h"

/* What to do about a refusal: old kernels lack what the programs use. */
static const char *advice(const char *release)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
	    (major < 6 || (major == 6 && minor < 1)))
		return "anyport needs 6.1 or newer";
	return "that is a fault of anyport, please report it";
}

const char *door_refusal(int err, const char *program, char text[DOOR_REFUSAL])
{
	struct utsname kernel = { 0 };

	(void)uname(&kernel);
	(void)snprintf(text, DOOR_REFUSAL,
		       "the kernel (Linux %s) refused program %s: %s: %s",
		       kernel.release, program, strerror(-err),
		       advice(kernel.release));
	return text;
}

int door_refused(struct door *door, int err, const char *program,
		 const struct link *link)
{
	char text[DOOR_REFUSAL];

	return door_fail(door, err, "%s%s%s; anyport -v load says more",
			 link ? link->name : "", link ? ": " : "",
			 door_refusal(err, program, text));
}

int door_load_programs(struct door *door)
{
	const char *refused;
	int err;

	if (door->programs.lookup)
		return 0;
	err = programs_load(&door->tables, &door->programs, &refused);
	return err ? door_refused(door, err, refused, NULL) : 0;
}

static const char *path_of(const struct door *door, enum pin_link which)
{
	return door->fresh ? door->paths.fresh_link[which]
			   : door->paths.link[which];
}

/* From program id FROM (0: none) to TO, at link WHICH. */
static int take(struct door *door, enum pin_link which, uint32_t from, int to)
{
	struct step step = { .kind = STEP_LINK,
			     .link = which,
			     .path = path_of(door, which),
			     .from = -1,
			     .to = to };
	int err;

	if (from) {
		step.from = bpf_prog_get_fd_by_id(from);
		if (step.from < 0)
			return -errno;
	}
	err = steps_take(&door->steps, &step);
	if (step.from >= 0)
		close(step.from);
	return err;
}

static uint32_t found(const struct door *door, enum pin_link which)
{
	return door->fresh ? 0 : pinlink_id(path_of(door, which));
}

static int attach_lookup(struct door *door, bool replace)
{
	uint32_t id = found(door, PIN_LOOKUP);
	int to, err;

	door->state.lookup_id = id;
	if (id && !replace)
		return 0;
	err = door_load_programs(door);
	if (err)
		return err;
	to = programs_lookup(&door->programs);
	door->state.lookup_id = prog_id(to);
	err = take(door, PIN_LOOKUP, id, to);
	if (err)
		return door_fail(door, err,
				 "cannot attach sk_lookup to the network "
				 "namespace: %s",
				 strerror(-err));
	return 0;
}

/* ---- getpeername --------------------------------------------------------*/

static int attach_peer(struct door *door, bool v6, bool replace)
{
	enum pin_link which = v6 ? PIN_PEER6 : PIN_PEER4;
	uint32_t id = found(door, which);
	int to, err;

	door->state.peer_id[v6] = id;
	if (id && !replace)
		return 0;
	err = door->programs.peer
		      ? 0
		      : programs_load_peer(&door->tables, &door->programs);
	if (err) {
		(void)snprintf(door->state.peer_why,
			       sizeof(door->state.peer_why),
			       "the kernel refused the program: %s",
			       strerror(-err));
		return err;
	}
	to = programs_peer(&door->programs, v6);
	err = take(door, which, id, to);
	if (!err)
		door->state.peer_id[v6] = prog_id(to);
	else
		(void)snprintf(door->state.peer_why,
			       sizeof(door->state.peer_why),
			       err == -ENOENT ? "cgroup v2 is not mounted"
					      : "cannot attach to the root "
						"cgroup: %s",
			       strerror(-err));
	return err;
}

/* A door serves without them: state.peer_why is for the report. */
static void attach_peers(struct door *door, bool replace)
{
	door->state.peer_why[0] = '\0';
	if (!attach_peer(door, false, replace))
		(void)attach_peer(door, true, replace);
}

int door_attach_links(struct door *door, bool replace)
{
	int err = attach_lookup(door, replace);

	if (!err)
		attach_peers(door, replace);
	return err;
}
