/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What a program of the live rig is told on its command line. */
#ifndef PLAN_H
#define PLAN_H

#include "figure.h"
#include "generator.h"

#define FLOWS_MAX 8

struct plan {
	const char
		*kind; /* first part of the figures' names, if not as usual */
	unsigned int rounds, packets; /* packets: of one path in one round */
	unsigned int patience; /* s that a cell may wait for calm rounds */
	bool family[2];               /* [v6] */
	unsigned int n_flows, flows[FLOWS_MAX];
	unsigned int n_paths;
	struct path path[PATHS_MAX];
};

/* -o FIGURES -g GENERATOR -r ROUNDS -n PACKETS -F 46 -f 1,10000
 * -w PATIENCE -k KIND PATH ...
 * Opens all of it and pins this process to its core. */
void plan_read(struct plan *plan, int argc, char **argv);
/* The path of that name, or -1. */
int plan_path(const struct plan *plan, const char *name);

/* Frames without their checksum: 64 bytes on the wire as far as the headers
 * leave room for OpenVPN's, and all that an MTU of 1500 allows. */
enum size { SMALL, FULL, SIZES };
unsigned int size_length(enum size size, bool v6);
const char *size_name(enum size size);

/* The rounds' costs, ns/packet, of every path. Begins with zeros. */
struct costs {
	struct samples cost[PATHS_MAX];
	double until; /* s; after that rounds count that were not calm, too */
	unsigned int disturbed; /* rounds that were not, and count */
};

/*
 * Takes over a round that cost so much by each path. One in which the processor
 * was not calm is left out, until the plan's patience has come to its end; so are
 * those of the first two seconds of all.
 */
void plan_round(const struct plan *plan, struct costs *costs,
		const double *cost);

/*
 * Writes what PLAN's paths cost above path 0, for each path
 * KIND/PATH/family/..., and the doors' ratios to iptables.
 */
void plan_figures(const struct plan *plan, const struct costs *costs,
		  const char *kind, const char *cell);

#endif
