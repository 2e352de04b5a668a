/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Undoing what nobody confirms: a process that waits, then acts. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

/* What helps then; the file is the one that was to be undone. */
#define UNDO_FAILED \
	"anyport unload, put the configuration right, then anyport load"

/*
 * Forks a process that calls UNDO(ARGUMENT), under the lock, in SECONDS
 * unless confirm_cancel() is called before. UNDO returns 0, 1 when no door is
 * left, or -errno. The caller holds LOCK; the new process does not.
 */
int confirm_start(unsigned int seconds, int lock, int (*undo)(void *argument),
		  void *argument);

/*
 * Whether there was one that waited; of one that failed or undid a load nothing
 * is remembered any more. Under the lock.
 */
int confirm_cancel(void);

/* One waited, was to undo, and could not, or was killed. */
bool confirm_failed(void);

/* One undid a load that had begun from nothing; no other came since. */
bool confirm_undone(void);

/* When the one that waits will act, Unix seconds; 0: none waits. */
int64_t confirm_deadline(void);

#endif
