/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What was attached where, for people and for the next command. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confirm.h"
#include "pin.h"
#include "state.h"
#include "state_json.h"
#include "tables.h"

#define STATE_BYTES (1 << 20) /* a larger file is none of ours */

static int state_path(char *path, size_t size)
{
	struct pin_paths paths;
	int err = pin_paths(&paths);

	if (!err)
		(void)snprintf(path, size, STATE_DIR "/%llu.json",
			       (unsigned long long)paths.netns);
	return err;
}

int state_map(const char *name)
{
	struct pin_paths paths;
	int fd, err = pin_paths(&paths);

	if (err)
		return err;
	fd = table_open(paths.door, name, BPF_F_RDONLY);
	return fd == -EBADMSG ? -ESTALE : fd;
}

/* Generation 0: a load that has not come to its end, or an unload begun. */
static int is_loaded(void)
{
	struct ap_active active = { 0 };
	uint32_t zero = 0;
	int err, fd = state_map("active");

	if (fd < 0)
		return fd;
	err = bpf_map_lookup_elem(fd, &zero, &active) ? -errno : 0;
	close(fd);
	return err ?: active.generation ? 0 : -ENOENT;
}

static int slurp(const char *path, char **text)
{
	struct stat st;
	int err = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	*text = calloc(1, STATE_BYTES);
	if (!*text)
		err = -ENOMEM;
	else if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size >= STATE_BYTES)
		err = -EBADMSG;
	if (!err) {
		n = read(fd, *text, STATE_BYTES - 1);
		err = n < 0 ? -errno : 0;
	}
	close(fd);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

int state_read(struct state *state)
{
	char path[PATH_MAX], *text = NULL;
	int err = is_loaded();

	err = err ?: state_path(path, sizeof(path));
	if (err)
		return err;
	err = slurp(path, &text);
	if (err)
		return err == -ENOENT ? -EBADMSG : err;
	err = state_from_json(text, state);
	free(text);
	if (!err)
		state->undo_at = confirm_deadline();
	return err;
}

static int write_text(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

int state_write(const struct state *state)
{
	char path[PATH_MAX], temporary[PATH_MAX + 8], *text;
	int fd, err = state_path(path, sizeof(path));

	if (err)
		return err;
	text = state_to_json(state);
	if (!text)
		return -ENOMEM;
	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	(void)unlink(temporary); /* of an interrupted command */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0) {
		free(text);
		return -errno;
	}
	err = write_text(fd, text);
	if (!err && (fchown(fd, 0, pin_group()) || fchmod(fd, 0640) ||
		     rename(temporary, path)))
		err = -errno;
	close(fd);
	free(text);
	if (err)
		(void)unlink(temporary);
	return err;
}

int state_remove(void)
{
	char path[PATH_MAX], temporary[PATH_MAX + 8];
	int err = state_path(path, sizeof(path));

	if (err)
		return err;
	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	(void)unlink(temporary);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}
