/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The bpffs of anyport's own and this network namespace's place in it. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pin.h"
#include "state.h"
#include "tables.h"

/* clang-format off */
#define STRING_(x) #x
#define STRING(x)  STRING_(x)
/* clang-format on */
#define DOOR_NAME "v" STRING(AP_LAYOUT)

static const char *const link_names[PIN_LINKS] = {
	[PIN_LOOKUP] = "lookup",
	[PIN_PEER4] = "peer4",
	[PIN_PEER6] = "peer6",
};

void pin_paths_of(uint64_t netns, struct pin_paths *paths)
{
	unsigned long long ino = netns;

	paths->netns = netns;
	(void)snprintf(paths->base, sizeof(paths->base), STATE_BPF "/%llu",
		       ino);
	(void)snprintf(paths->door, sizeof(paths->door),
		       STATE_BPF "/%llu/" DOOR_NAME, ino);
	(void)snprintf(paths->fresh, sizeof(paths->fresh),
		       STATE_BPF "/%llu/" DOOR_NAME "-new", ino);
	for (int i = 0; i < PIN_LINKS; i++) {
		(void)snprintf(paths->link[i], sizeof(paths->link[i]),
			       STATE_BPF "/%llu/" DOOR_NAME "/%s", ino,
			       link_names[i]);
		(void)snprintf(paths->fresh_link[i],
			       sizeof(paths->fresh_link[i]),
			       STATE_BPF "/%llu/" DOOR_NAME "-new/%s", ino,
			       link_names[i]);
	}
}

int pin_paths(struct pin_paths *paths)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st))
		return -errno;
	pin_paths_of(st.st_ino, paths);
	return 0;
}

gid_t pin_group(void)
{
	const struct group *group = getgrnam("anyport");

	return group ? group->gr_gid : 0;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* The first entry for which WANTED holds, into NAME. 0, 1: none, -errno. */
static int find_entry(const char *dir, bool (*wanted)(const char *name),
		      char name[NAME_MAX + 1])
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int found = 1;

	if (!d)
		return -errno;
	while (found == 1 && (entry = readdir(d))) {
		if (is_dots(entry->d_name) || !wanted(entry->d_name))
			continue;
		(void)snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		found = 0;
	}
	closedir(d);
	return found;
}

static bool any(const char *name)
{
	(void)name;
	return true;
}

/* "v7" or "v7-new" */
static bool is_door(const char *name)
{
	size_t digits = *name == 'v' ? strspn(name + 1, "0123456789") : 0;

	return digits &&
	       (!name[1 + digits] || !strcmp(name + 1 + digits, "-new"));
}

static bool is_no_door(const char *name)
{
	return !is_door(name);
}

static bool is_other_layout(const char *name)
{
	return is_door(name) && strcmp(name, DOOR_NAME) &&
	       strcmp(name, DOOR_NAME "-new");
}

static bool is_ours(const char *name)
{
	for (int i = 0; i < TABLES; i++)
		if (!strcmp(name, table_name(i)))
			return true;
	for (int i = 0; i < PIN_LINKS; i++)
		if (!strcmp(name, link_names[i]))
			return true;
	return false;
}

static bool is_not_ours(const char *name)
{
	return !is_ours(name);
}

/* A link outlives its namespace, whose inode number may then be used anew. */
static bool link_is_stale(const struct pin_paths *paths)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(paths->link[PIN_LOOKUP]);
	bool stale;

	if (fd < 0)
		return false;
	stale = !bpf_obj_get_info_by_fd(fd, &info, &size) &&
		info.type == BPF_LINK_TYPE_NETNS &&
		info.netns.netns_ino != paths->netns;
	close(fd);
	return stale;
}

static int inspect_door(const struct pin_paths *paths, enum pin_state *state,
			char *offender)
{
	char name[NAME_MAX + 1];
	struct ap_active active = { 0 };
	const char *bad;
	struct tables tables;
	uint32_t zero = 0;
	int err;

	tables_init(&tables);
	*state = PIN_FOREIGN;
	if (!find_entry(paths->door, is_not_ours, name)) {
		(void)snprintf(offender, PATH_MAX, "%s/%s", paths->door, name);
		return 0;
	}
	err = tables_open(paths->door, &tables, &bad);
	if (err == -EPERM || err == -EACCES)
		goto out;
	if (err) {
		*state = PIN_CORRUPT;
		(void)snprintf(offender, PATH_MAX, "%s/%s", paths->door, bad);
		err = 0;
		goto out;
	}
	err = bpf_map_lookup_elem(tables.fd[T_ACTIVE], &zero, &active);
	*state = PIN_DOOR;
	if (!active.generation || link_is_stale(paths))
		*state = PIN_REMAINS;
out:
	tables_close(&tables);
	return err;
}

static int inspect_base(const struct pin_paths *paths, enum pin_state *state,
			char *offender)
{
	char name[NAME_MAX + 1];
	struct stat st;

	(void)snprintf(offender, PATH_MAX, "%s", paths->base);
	if (lstat(paths->base, &st))
		return errno == ENOENT ? 0 : -errno;
	*state = PIN_FOREIGN;
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (!find_entry(paths->base, is_no_door, name)) {
		(void)snprintf(offender, PATH_MAX, "%s/%s", paths->base, name);
		return 0;
	}
	*state = PIN_LAYOUT;
	if (!find_entry(paths->base, is_other_layout, name)) {
		(void)snprintf(offender, PATH_MAX, "%s/%s", paths->base, name);
		return 0;
	}
	*state = PIN_REMAINS;
	(void)snprintf(offender, PATH_MAX, "%s", paths->door);
	if (lstat(paths->door, &st))
		return errno == ENOENT ? 0 : -errno;
	return inspect_door(paths, state, offender);
}

int pin_inspect(const struct pin_paths *paths, enum pin_state *state,
		char *offender)
{
	char name[NAME_MAX + 1];
	struct stat st;
	int err;

	*state = PIN_NONE;
	(void)snprintf(offender, PATH_MAX, STATE_BPF);
	if (!lstat(STATE_BPF, &st) && S_ISLNK(st.st_mode)) {
		*state = PIN_FOREIGN; /* a mount would be elsewhere */
		return 0;
	}
	if (is_bpffs(STATE_BPF))
		return inspect_base(paths, state, offender);
	err = find_entry(STATE_BPF, any, name);
	if (!err || err == -ENOTDIR)
		*state = PIN_UNMOUNTED;
	return err < 0 && err != -ENOENT && err != -ENOTDIR ? err : 0;
}

static bool mounts_vanish(void)
{
	struct stat ours, first;

	return !stat("/proc/self/ns/mnt", &ours) &&
	       !stat("/proc/1/ns/mnt", &first) && ours.st_ino != first.st_ino;
}

static int pin_mount_new(void)
{
	if (mounts_vanish())
		return -EXDEV;
	if (mkdir(STATE_BPF, 0750) && errno != EEXIST)
		return -errno;
	if (mount("bpf", STATE_BPF, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0750"))
		return -errno;
	return 0;
}

int pin_mount(void)
{
	int err = is_bpffs(STATE_BPF) ? 0 : pin_mount_new();

	if (err)
		return err;
	if (chown(STATE_BPF, 0, pin_group()) || chmod(STATE_BPF, 0750))
		return -errno;
	return 0;
}

static int make_dir(const char *path)
{
	if (mkdir(path, 0750) && errno != EEXIST)
		return -errno;
	if (chown(path, 0, pin_group()) || chmod(path, 0750))
		return -errno;
	return 0;
}

int pin_make_fresh(const struct pin_paths *paths)
{
	int err = make_dir(paths->base);

	return err ?: make_dir(paths->fresh);
}

int pin_commit(const struct pin_paths *paths)
{
	return rename(paths->fresh, paths->door) ? -errno : 0;
}

int pin_retire(const struct pin_paths *paths)
{
	return rename(paths->door, paths->fresh) ? -errno : 0;
}

static bool any_but_lookup(const char *name)
{
	return strcmp(name, link_names[PIN_LOOKUP]) != 0;
}

static bool ours_but_lookup(const char *name)
{
	return is_ours(name) && any_but_lookup(name);
}

/* Of another layout the names are not known: whatever its directory holds.
 * The sk_lookup link goes last: by it the next command sees whose this is. */
static int remove_door(const char *base, const char *name, bool *left)
{
	bool known = !is_other_layout(name);
	char door[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	char entry[NAME_MAX + 1];
	int err;

	(void)snprintf(door, sizeof(door), "%s/%s", base, name);
	while (!(err = find_entry(door,
				  known ? ours_but_lookup : any_but_lookup,
				  entry))) {
		(void)snprintf(path, sizeof(path), "%s/%s", door, entry);
		if (unlink(path))
			return -errno;
	}
	if (err < 0)
		return err;
	(void)snprintf(path, sizeof(path), "%s/%s", door,
		       link_names[PIN_LOOKUP]);
	if (unlink(path) && errno != ENOENT)
		return -errno;
	if (rmdir(door)) {
		if (errno != ENOTEMPTY)
			return -errno;
		*left = true;
	}
	return 0;
}

int pin_remove(const struct pin_paths *paths, bool *left)
{
	DIR *d = opendir(paths->base);
	const struct dirent *entry;
	int err = 0;

	*left = !d && errno == ENOTDIR;
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (!err && (entry = readdir(d)))
		if (is_door(entry->d_name))
			err = remove_door(paths->base, entry->d_name, left);
	closedir(d);
	if (!err && rmdir(paths->base)) {
		*left = true;
		err = errno == ENOTEMPTY ? 0 : -errno;
	}
	return err;
}

/* The kernel puts these into a new bpffs itself. */
static bool is_content(const char *name)
{
	return strcmp(name, "maps.debug") && strcmp(name, "progs.debug");
}

int pin_unmount(void)
{
	char name[NAME_MAX + 1];

	/* More than one when somebody mounted over the mount. */
	for (int i = 0; i < 8 && is_bpffs(STATE_BPF); i++) {
		if (!find_entry(STATE_BPF, is_content, name))
			return 0;
		/* A reader may stand in it: detached now, gone with him. */
		if (umount2(STATE_BPF, MNT_DETACH))
			return -errno;
	}
	if (rmdir(STATE_BPF) && errno != ENOENT && errno != ENOTEMPTY &&
	    errno != ENOTDIR)
		return -errno;
	(void)unlink(STATE_LOCK);
	(void)rmdir(STATE_DIR); /* the hook's ledger may live there too */
	return 0;
}
