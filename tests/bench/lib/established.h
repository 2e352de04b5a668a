/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Rounds over flows that are established. */
#ifndef ESTABLISHED_H
#define ESTABLISHED_H

#include "plan.h"

/*
 * Sends N packets of T's flows by way of P, sees to it that each went where it
 * should, and returns the nanoseconds that one took.
 */
typedef double measure_fn(const struct path *p, struct traffic *t,
			  unsigned int n);

/* Every family, number of flows and size of PLAN; figures KIND/... */
void established_rounds(const struct plan *plan, const char *kind,
			measure_fn *measure);

#endif
