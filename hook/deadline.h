/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The event's time budget, from the first instruction to the last. */
#ifndef HOOK_DEADLINE_H
#define HOOK_DEADLINE_H

#include <stdint.h>

struct deadline {
	int64_t start; /* ns, CLOCK_MONOTONIC */
	int64_t end;
};

void deadline_start(struct deadline *deadline);
void deadline_set(struct deadline *deadline, uint32_t ms);
/* Milliseconds left, rounded up; 0 when there are none. */
int deadline_left(const struct deadline *deadline);
/* Microseconds since the start. */
int64_t deadline_spent(const struct deadline *deadline);
/* 0, or -ETIMEDOUT at once when that would be too long. MS: below 1000. */
int deadline_sleep(const struct deadline *deadline, int ms);
/* Sleeps a little (longer as TRY grows); -ETIMEDOUT when time is up. */
int deadline_pause(const struct deadline *deadline, unsigned int try);
/* flock(), given up at the deadline: 0, -ETIMEDOUT or -errno. */
int deadline_flock(const struct deadline *deadline, int fd);

#endif
