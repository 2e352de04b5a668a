/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Programs that a pinned link attaches: to the network namespace or a cgroup.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pinlink.h"

static const enum bpf_attach_type types[PIN_LINKS] = {
	[PIN_LOOKUP] = BPF_SK_LOOKUP,
	[PIN_PEER4] = BPF_CGROUP_INET4_GETPEERNAME,
	[PIN_PEER6] = BPF_CGROUP_INET6_GETPEERNAME,
};

int pinlink_cgroup(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	int fd = -ENOENT;

	if (!mounts)
		return -errno;
	while (fd < 0 && (mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "cgroup2") != 0)
			continue;
		fd = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	(void)endmntent(mounts);
	return fd;
}

static int open_target(enum pin_link which)
{
	int fd;

	if (which != PIN_LOOKUP)
		return pinlink_cgroup();
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_link(const char *path, enum pin_link which, int program)
{
	int target = open_target(which);
	int link, err = 0;

	if (target < 0)
		return target;
	link = bpf_link_create(program, target, types[which], NULL);
	if (link < 0)
		err = -errno;
	close(target);
	if (err)
		return err;
	(void)unlink(path); /* of a link that somebody detached */
	if (bpf_obj_pin(link, path) || chown(path, 0, pin_group()) ||
	    chmod(path, 0640))
		err = -errno;
	close(link);
	return err;
}

int pinlink_set(const char *path, enum pin_link which, int from, int to)
{
	int link, err = 0;

	if (to < 0)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	if (from < 0)
		return make_link(path, which, to);
	link = bpf_obj_get(path);
	if (link < 0)
		return -errno;
	if (bpf_link_update(link, to, NULL))
		err = -errno;
	close(link);
	return err;
}

int pinlink_info(const char *path, struct bpf_link_info *info)
{
	uint32_t size = sizeof(*info);
	int link = bpf_obj_get(path), err = 0;

	memset(info, 0, sizeof(*info));
	if (link < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(link, info, &size))
		err = -errno;
	close(link);
	return err;
}

uint32_t pinlink_id(const char *path)
{
	struct bpf_link_info info;
	bool attached;

	if (pinlink_info(path, &info))
		return 0;
	attached = info.type == BPF_LINK_TYPE_CGROUP ? info.cgroup.cgroup_id
						     : info.netns.netns_ino;
	return attached ? info.prog_id : 0;
}
