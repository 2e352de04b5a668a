/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Doors of network namespaces that were deleted without unload. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gone.h"
#include "log.h"
#include "pinlink.h"
#include "state.h"

/* Is a thread of PROCESS in the namespace? */
static bool has_thread(const char *process, uint64_t netns)
{
	char path[64 + 2 * NAME_MAX];
	const struct dirent *thread;
	bool has = false;
	struct stat st;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%s/task", process);
	d = opendir(path);
	while (d && !has && (thread = readdir(d))) {
		(void)snprintf(path, sizeof(path), "/proc/%s/task/%s/ns/net",
			       process, thread->d_name);
		has = !stat(path, &st) && st.st_ino == netns;
	}
	if (d)
		(void)closedir(d);
	return has;
}

/* Is it mounted where PROCESS is, as ip netns does? */
static bool has_mount(const char *process, uint64_t netns)
{
	char path[32 + NAME_MAX], name[32], *line = NULL;
	bool has = false;
	size_t size = 0;
	FILE *mounts;

	(void)snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
	(void)snprintf(name, sizeof(name), " net:[%llu] ",
		       (unsigned long long)netns);
	mounts = fopen(path, "re");
	while (mounts && !has && getline(&line, &size, mounts) > 0)
		has = strstr(line, name);
	free(line);
	if (mounts)
		(void)fclose(mounts);
	return has;
}

static bool is_held(uint64_t netns)
{
	const struct dirent *process;
	bool held = false;
	DIR *d = opendir("/proc");

	if (!d)
		return true;
	while (!held && (process = readdir(d)))
		if (strspn(process->d_name, "0123456789"))
			held = has_thread(process->d_name, netns) ||
			       has_mount(process->d_name, netns);
	(void)closedir(d);
	return held;
}

/*
 * The sk_lookup link knows its namespace as long as that exists, unless
 * somebody detached it: then whoever is in the namespace shows that it does.
 * Without the link there is no door, only remains.
 */
static bool is_gone(const struct pin_paths *paths)
{
	const char *const link[] = { paths->link[PIN_LOOKUP],
				     paths->fresh_link[PIN_LOOKUP] };
	struct bpf_link_info info;

	for (size_t i = 0; i < sizeof(link) / sizeof(*link); i++) {
		int err = pinlink_info(link[i], &info);

		if (err ? err != -ENOENT : info.netns.netns_ino)
			return false;
	}
	return !is_held(paths->netns);
}

int gone_find(struct pin_paths *paths)
{
	const struct dirent *entry;
	int err = pin_paths(paths), found = 1;
	uint64_t own;
	DIR *d;

	if (err)
		return err;
	own = paths->netns;
	d = opendir(STATE_BPF);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 1 : -errno;
	while (found && (entry = readdir(d))) {
		char *end;
		uint64_t netns = strtoull(entry->d_name, &end, 10);

		if (!netns || *end || netns == own)
			continue;
		pin_paths_of(netns, paths);
		found = !is_gone(paths);
	}
	(void)closedir(d);
	return found;
}

/* All of /run/anyport/NS.*: what was attached, by whom, until when. */
static int remove_files(uint64_t netns)
{
	char path[sizeof(STATE_DIR) + NAME_MAX + 1], prefix[32];
	const struct dirent *entry;
	DIR *d = opendir(STATE_DIR);
	int err = 0;

	if (!d)
		return -errno;
	(void)snprintf(prefix, sizeof(prefix), "%llu.",
		       (unsigned long long)netns);
	while (!err && (entry = readdir(d))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		(void)snprintf(path, sizeof(path), STATE_DIR "/%s",
			       entry->d_name);
		err = unlink(path) ? -errno : 0;
	}
	(void)closedir(d);
	return err;
}

int gone_clean(void)
{
	struct pin_paths paths;
	bool left = false;
	int err;

	while (!left && !(err = gone_find(&paths))) {
		err = remove_files(paths.netns);
		err = err ?: pin_remove(&paths, &left);
		if (err)
			return err;
		log_info("%s was left of a network namespace that is gone: "
			 "removed",
			 paths.base);
	}
	return err < 0 ? err : 0;
}
