/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* BPF programs that are loaded already: which are anyport's? */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

#define PROG_MAPS 64 /* more maps than any of ours uses */

uint32_t prog_id(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

void prog_name(uint32_t id, char name[PROG_NAME])
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || !info.name[0])
		(void)snprintf(info.name, sizeof(info.name), "?");
	memcpy(name, info.name, PROG_NAME);
	name[PROG_NAME - 1] = '\0';
	if (fd >= 0)
		close(fd);
}

static bool map_is(uint32_t id, const char *name)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	bool is;

	if (fd < 0)
		return false;
	is = !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	     !strcmp(info.name, name);
	close(fd);
	return is;
}

static bool uses(const uint32_t *map, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (map_is(map[i], name))
			return true;
	return false;
}

bool prog_is_ours(uint32_t id, const char *name)
{
	uint32_t map[PROG_MAPS], size;
	struct bpf_prog_info info = {
		.nr_map_ids = PROG_MAPS,
		.map_ids = (uintptr_t)map,
	};
	int fd = id ? bpf_prog_get_fd_by_id(id) : -1;
	bool ours;

	if (fd < 0)
		return false;
	size = sizeof(info);
	ours = !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       !strcmp(info.name, name) && info.nr_map_ids <= PROG_MAPS &&
	       ((uses(map, info.nr_map_ids, ".data.active") &&
		 uses(map, info.nr_map_ids, ".data.config")) ||
		(uses(map, info.nr_map_ids, "active") && /* layout 1 */
		 uses(map, info.nr_map_ids, "config")));
	close(fd);
	return ours;
}
