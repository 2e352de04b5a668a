/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A sorted list of common names. */
#ifndef HOOK_NAMES_H
#define HOOK_NAMES_H

#include <stddef.h>

struct names {
	char **name;
	size_t n, room;
};

/* 0 or -ENOMEM. */
int names_add(struct names *names, const char *name);
/* Every file of DIR whose name can be a member's; 0 or -errno. */
int names_of_directory(int dir, struct names *names);
/* In order, each once. */
void names_sort(struct names *names);
void names_free(struct names *names);

#endif
