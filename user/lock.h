/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The lock that every change of the state directory is made under. */
#ifndef LOCK_H
#define LOCK_H

#include <sys/types.h>

/*
 * Makes the state directory if need be and waits up to SECONDS for the lock. A
 * descriptor for lock_release(), or -errno; -EBUSY when another process held
 * it all the time: *HOLDER is its process id, or 0 when that is not known.
 */
int lock_take(int seconds, pid_t *holder);

/* For commands: with a time that is long enough, and says why it failed. */
#define LOCK_SECONDS 20
int lock_command(void);

void lock_release(int fd);

#endif
