/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Undoing what nobody confirms: a process that waits, then acts. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Forks a process that calls UNDO(ARGUMENT), under the lock, in SECONDS
 * unless confirm_cancel() is called before. 0 or -errno, as UNDO returns, too.
 * The caller holds LOCK; the new process does not.
 */
int confirm_start(unsigned int seconds, int lock, int (*undo)(void *argument),
		  void *argument);

/* Whether there was one that waited. Under the lock. */
int confirm_cancel(void);

/* One waited, was to undo, and could not, or was killed. */
bool confirm_failed(void);

/* When the one that waits will act, Unix seconds; 0: none waits. */
int64_t confirm_deadline(void);

#endif
