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

/* Its descriptor, if that is its name; else -1. */
static int map_called(uint32_t id, const char *name)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd >= 0 && (bpf_obj_get_info_by_fd(fd, &info, &size) ||
			strcmp(info.name, name) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool map_is(uint32_t id, const char *name)
{
	int fd = map_called(id, name);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool uses(const uint32_t *map, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (map_is(map[i], name))
			return true;
	return false;
}

/* The ids of the maps of program ID, if that is its name: how many, else 0. */
static uint32_t maps_of(uint32_t id, const char *name, uint32_t map[PROG_MAPS])
{
	struct bpf_prog_info info = {
		.nr_map_ids = PROG_MAPS,
		.map_ids = (uintptr_t)map,
	};
	uint32_t size = sizeof(info), n = 0;
	int fd = id ? bpf_prog_get_fd_by_id(id) : -1;

	if (fd < 0)
		return 0;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) &&
	    !strcmp(info.name, name) && info.nr_map_ids <= PROG_MAPS)
		n = info.nr_map_ids;
	close(fd);
	return n;
}

bool prog_is_ours(uint32_t id, const char *name)
{
	uint32_t map[PROG_MAPS], n = maps_of(id, name, map);

	return (uses(map, n, ".data.active") && uses(map, n, ".data.config")) ||
	       (uses(map, n, "active") &&
		uses(map, n, "config")); /* layout 1 */
}

uint32_t prog_instance(uint32_t id)
{
	uint32_t map[PROG_MAPS], n = maps_of(id, PROG_XDP, map);
	uint32_t zero = 0, instance = 0;
	int fd = -1;

	for (uint32_t i = 0; fd < 0 && i < n; i++)
		fd = map_called(map[i], "xdp_bpf.rodata");
	if (fd < 0)
		return 0;
	if (bpf_map_lookup_elem(fd, &zero, &instance))
		instance = 0;
	close(fd);
	return instance;
}
