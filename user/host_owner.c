/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which program holds a socket: the inode, sought in /proc. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

static int by_inode(const void *a, const void *b)
{
	const struct host_socket *const *x = a, *const *y = b;

	return ((*x)->inode > (*y)->inode) - ((*x)->inode < (*y)->inode);
}

static struct host_socket *find(struct host_socket **sorted, size_t n,
				uint32_t inode)
{
	struct host_socket key = { .inode = inode }, *k = &key, **found;

	found = bsearch(&k, sorted, n, sizeof(*sorted), by_inode);
	return found ? *found : NULL;
}

static void read_name(int proc, const char *pid, char out[16])
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, out, 15);
	(void)close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	/* A process names itself: nothing of it may reach a terminal raw. */
	for (char *c = out; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

static void take_link(int files, const char *name, int proc, const char *pid,
		      struct host_socket **sorted, size_t n)
{
	struct host_socket *s;
	char link[64];
	unsigned int inode;
	ssize_t size = readlinkat(files, name, link, sizeof(link) - 1);

	if (size <= 0)
		return;
	link[size] = '\0';
	if (sscanf(link, "socket:[%u]", &inode) != 1)
		return;
	s = find(sorted, n, inode);
	/*
	 * The same socket may be open in a parent and its children; they
	 * mostly have one name. The first is the oldest.
	 */
	if (s && !s->program[0])
		read_name(proc, pid, s->program);
}

/* False: this process does not show its files. */
static bool read_process(int proc, const char *pid, struct host_socket **sorted,
			 size_t n)
{
	struct dirent *e;
	char path[64];
	DIR *dir;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno != EACCES && errno != EPERM;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return false;
	}
	/* As an unprivileged user some list but refuse each link: no name. */
	while ((e = readdir(dir)))
		take_link(fd, e->d_name, proc, pid, sorted, n);
	(void)closedir(dir);
	return true;
}

static bool read_all(struct host_socket **sorted, size_t n)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	bool whole = true;

	if (!proc)
		return false;
	while ((e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]) &&
		    strlen(e->d_name) < 16 &&
		    !read_process(dirfd(proc), e->d_name, sorted, n))
			whole = false;
	(void)closedir(proc);
	return whole;
}

void host_owners(struct host_sockets *sockets)
{
	struct host_socket **sorted;

	if (!sockets->n)
		return;
	sorted = calloc(sockets->n, sizeof(struct host_socket *));
	if (!sorted) {
		sockets->hidden = true;
		return;
	}
	for (size_t i = 0; i < sockets->n; i++)
		sorted[i] = &sockets->item[i];
	qsort(sorted, sockets->n, sizeof(struct host_socket *), by_inode);
	sockets->hidden = !read_all(sorted, sockets->n);
	free(sorted);
}
