/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Undoing what nobody confirms: a process that waits, then acts. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include <stdint.h>

/*
 * Forks a process that calls UNDO(ARGUMENT), under the lock, in SECONDS
 * unless confirm_cancel() is called before. 0 or -errno. The caller holds
 * LOCK; the new process does not.
 */
int confirm_start(unsigned int seconds, int lock, void (*undo)(void *argument),
		  void *argument);

/* Whether there was one that waited. Under the lock. */
int confirm_cancel(void);

/* When the one that waits will act, Unix seconds; 0: none waits. */
int64_t confirm_deadline(void);

#endif
