/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* sk_lookup on the network namespace. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach_lookup.h"
#include "pin.h"

static int make_link(const char *path, int program)
{
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int link, err = 0;

	if (netns < 0)
		return -errno;
	link = bpf_link_create(program, netns, BPF_SK_LOOKUP, NULL);
	if (link < 0)
		err = -errno;
	close(netns);
	if (err)
		return err;
	if (bpf_obj_pin(link, path) || chown(path, 0, pin_group()) ||
	    chmod(path, 0640))
		err = -errno;
	close(link);
	return err;
}

int lookup_set(const char *path, int from, int to)
{
	int link, err = 0;

	if (to < 0)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	if (from < 0)
		return make_link(path, to);
	link = bpf_obj_get(path);
	if (link < 0)
		return -errno;
	if (bpf_link_update(link, to, NULL))
		err = -errno;
	close(link);
	return err;
}

uint32_t lookup_id(const char *path)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	int link = bpf_obj_get(path);

	if (link < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(link, &info, &size))
		info.prog_id = 0;
	close(link);
	return info.prog_id;
}
