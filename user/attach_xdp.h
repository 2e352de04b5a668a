/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* XDP on an uplink: a single program, or one behind libxdp's dispatcher. */
#ifndef ATTACH_XDP_H
#define ATTACH_XDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "link.h"

#define XDP_CHAIN 10 /* programs that a dispatcher holds */

/* What XDP an interface has. */
struct xdp_now {
	enum attach_mode mode;    /* of whatever is there */
	uint32_t main;            /* 0: nothing is attached */
	bool dispatcher;          /* main is libxdp's */
	uint32_t ours[XDP_CHAIN]; /* main itself, or those behind it */
	size_t n_ours;
	uint32_t other; /* one that is not ours, for messages; 0: none */
};

/* 0; -EXDEV: what is behind a dispatcher cannot be seen from here; -errno. */
int xdp_now(const struct link *link, struct xdp_now *now);

/* ERR of xdp_now() for people, with the next step. */
const char *xdp_why(int err);

/*
 * A single program: TO in place of FROM, in one step; -1: none. Nothing but
 * FROM is ever replaced (-EBUSY, -EEXIST).
 */
int xdp_set(uint32_t ifindex, enum attach_mode mode, int from, int to);

/* Adds a program to the interface's dispatcher, or removes it. */
int xdp_chain(uint32_t ifindex, enum attach_mode mode, int fd);
int xdp_unchain(uint32_t ifindex, enum attach_mode mode, int fd);

/* Removes libxdp's pins of dispatchers that are not attached any more, as a
 * process that was killed while attaching leaves them. */
void xdp_clean(uint32_t ifindex);

#endif
