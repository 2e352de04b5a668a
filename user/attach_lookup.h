/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* sk_lookup on the network namespace. */
#ifndef ATTACH_LOOKUP_H
#define ATTACH_LOOKUP_H

#include <stdint.h>

/* Program TO in place of FROM at the link pinned at PATH; -1: none. */
int lookup_set(const char *path, int from, int to);

/* The program of the link pinned at PATH; 0: none. */
uint32_t lookup_id(const char *path);

#endif
