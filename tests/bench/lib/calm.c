/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A loop of known length. */
#include <stdint.h>
#include <time.h>

#include "calm.h"
#include "figure.h"

#define TURNS    8000
#define SLACK    1.15 /* of the shortest time seen; a neighbour makes it 1.4 */
#define PATIENCE 100000000 /* ns, of all runs of a turn together */
#define ENOUGH   5 /* calm ones */

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Additions that do not wait for each other: more than one thread's share. */
static uint64_t loop(void)
{
	uint64_t start = now_ns(), a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
	volatile uint64_t sink;

	for (uint64_t i = 0; i < TURNS; i++) {
		a += b ^ i;
		b += c ^ 3;
		c += d ^ i;
		d += e ^ 7;
		e += f ^ i;
		f += a ^ 9;
		a ^= a >> 3;
		b ^= b >> 5;
		c ^= c >> 2;
		d ^= d >> 7;
	}
	sink = a + b + c + d + e + f;
	(void)sink;
	return now_ns() - start;
}

bool calm_now(void)
{
	static uint64_t least = UINT64_MAX;
	uint64_t took = loop();

	if (took < least)
		least = took;
	return (double)took < (double)least * SLACK;
}

static bool disturbed; /* since calm_was() was asked */

double calm_median(double (*run)(void *arg), void *arg, unsigned int *runs)
{
	struct samples calm = { 0 }, all = { 0 };
	uint64_t until = now_ns() + PATIENCE;
	bool before;
	double cost;

	while (calm.n < ENOUGH && (all.n < ENOUGH || now_ns() < until)) {
		do
			before = calm_now();
		while (!before && now_ns() < until);
		cost = run(arg);
		samples_add(&all, cost);
		if (before && calm_now())
			samples_add(&calm, cost);
	}
	*runs += (unsigned int)all.n;
	disturbed |= !calm.n;
	return samples_at(calm.n ? &calm : &all, 0.5);
}

bool calm_was(void)
{
	bool was = !disturbed;

	disturbed = false;
	return was;
}
