/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A sorted list of common names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "name.h"
#include "names.h"

int names_add(struct names *names, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	if (names->n == names->room) {
		size_t room = names->room ? 2 * names->room : 64;
		char **more = reallocarray(names->name, room, sizeof(*more));

		if (!more) {
			free(copy);
			return -ENOMEM;
		}
		names->name = more;
		names->room = room;
	}
	names->name[names->n++] = copy;
	return 0;
}

int names_of_directory(int dir, struct names *names)
{
	DIR *d = directory_entries(dir);
	struct dirent *entry;
	int err = 0;

	if (!d)
		return -errno;
	while (!err && (entry = readdir(d)))
		if (!name_wrong(entry->d_name))
			err = names_add(names, entry->d_name);
	closedir(d);
	return err;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *names)
{
	size_t kept = 0;

	if (!names->n)
		return;
	qsort(names->name, names->n, sizeof(*names->name), compare);
	for (size_t i = 0; i < names->n; i++) {
		if (kept && !strcmp(names->name[kept - 1], names->name[i]))
			free(names->name[i]);
		else
			names->name[kept++] = names->name[i];
	}
	names->n = kept;
}

void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct names){ 0 };
}
