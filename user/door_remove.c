/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Taking a door out of the kernel, in whatever state it is. */
#include <errno.h>

#include "attach_tc.h"
#include "door.h"
#include "uplink.h"

/*
 * First the door is closed in one step, for every packet at once; then it is
 * taken apart.
 */
static int close_door(const struct pin_paths *paths)
{
	struct tables tables;
	const char *bad;
	int err;

	tables_init(&tables);
	err = tables_open(paths->door, &tables, &bad);
	if (!err)
		err = publish_nothing(&tables);
	tables_close(&tables);
	/* Damaged ones, and those of another layout, cannot be closed. */
	return err == -ENOENT || err == -EBADMSG || err == -ENOTDIR ? 0 : err;
}

static int strip_all(void)
{
	struct links links;
	int err = links_read(&links);

	if (err)
		return err;
	for (size_t i = 0; i < links.n; i++) {
		int one = uplink_strip(&links.link[i]);

		err = err ?: one;
	}
	links_free(&links);
	return err;
}

/*
 * The pins go last: they are how the next unload finds the rest when this one
 * is killed. From pin_retire() on they do not look like a door any more.
 */
int door_remove(const struct pin_paths *paths, bool *left)
{
	int err, one, stripped;

	*left = false;
	err = close_door(paths);
	one = pin_retire(paths);
	if (one && one != -ENOENT && one != -ENOTEMPTY)
		err = err ?: one;
	stripped = strip_all();
	/* Where a filter of ours stayed, the next unload needs the note. */
	one = tc_remove_clsacts(!stripped);
	err = err ?: stripped;
	err = err ?: one;
	if (err)
		return err;
	err = state_remove();
	return err ?: pin_remove(paths, left);
}
