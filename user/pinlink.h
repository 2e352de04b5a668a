/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Programs that a pinned link attaches: to the network namespace or a cgroup.
 */
#ifndef PINLINK_H
#define PINLINK_H

#include <stdint.h>

#include "pin.h"

/* Program TO in place of FROM at link WHICH, pinned at PATH; -1: none. */
int pinlink_set(const char *path, enum pin_link which, int from, int to);

/* The program that the link pinned at PATH attaches; 0: none. */
uint32_t pinlink_id(const char *path);

/* The same, with what the link is attached to in *INFO. 0 or -errno. */
struct bpf_link_info;
int pinlink_info(const char *path, struct bpf_link_info *info);

/*
 * The root of the cgroup-v2 tree, as far up as this process sees, wherever it
 * is mounted. Mounting it here once more would reset the options that it is
 * mounted with. A descriptor, the caller's to close; -ENOENT: not mounted.
 */
int pinlink_cgroup(void);

#endif
