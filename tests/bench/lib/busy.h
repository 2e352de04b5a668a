/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* One core: pinned to it, and how long it worked for us. */
#ifndef BUSY_H
#define BUSY_H

/* To the last core, which gets fewer interrupts than the first, with a
 * priority above everybody's. */
void busy_pin(void);

/*
 * Nanoseconds that this thread had the core, interrupts and softirqs that ran
 * on its back included: the time that passed less the time that it waited in
 * the run queue. Not the thread's CPU time, from which a kernel with
 * CONFIG_IRQ_TIME_ACCOUNTING (Debian's) takes softirqs off, and the network
 * stack is one.
 */
double busy_ns(void);

#endif
