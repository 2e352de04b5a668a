/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Is the processor our own? That of a virtual machine is one of two threads of
 * a core, and while another guest runs on the other thread everything takes
 * half as long again, for milliseconds or for seconds, which no counter in here
 * shows: a loop does that keeps all of the core's units busy. To be called on
 * the processor that is measured.
 */
#ifndef CALM_H
#define CALM_H

#include <stdbool.h>

/* Now? Takes some 20 us. */
bool calm_now(void);
/*
 * Does runs one after another, each when the processor is calm, until five of
 * them were calm to their end, but no longer than 100 ms if five have been done.
 * Returns the median of what the calm ones took, of all if none was, and adds
 * to *RUNS how many there were. RUN returns what one took; a millisecond or
 * two, or none is calm.
 */
double calm_median(double (*run)(void *arg), void *arg, unsigned int *runs);
/* Had each of them a calm one, since this was last asked? */
bool calm_was(void);

#endif
