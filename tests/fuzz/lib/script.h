/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Bytes as a story: which configuration, who sends what to whom, how it is
 * mangled on the way and in how many pieces it comes, what OpenVPN answers, who
 * connects, when the configuration changes, how time passes. All bytes mean
 * something, so that a fuzzer gets far.
 */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "judge.h"

/* What is done to the twin is done to another door as well. */
struct mirror {
	void (*reset)(enum door_mode mode);
	void (*configure)(void); /* as `setup` has it */
	/* How much of IN can be in one piece, if LINEAR bytes are to be. */
	size_t (*split)(enum way way, const struct frame *in, size_t linear);
	enum verdict (*run)(enum way way, const struct frame *in, size_t linear,
			    struct frame *out);
	uint16_t (*connect)(const struct bpf_sk_lookup *lookup);
	void (*crowd)(void); /* as the twin's `spread` has it */
	void (*wait)(uint32_t ticks);
	void (*end)(void);
};

/* Tells the story to the twin, and to MIRROR unless it is NULL. */
void script_run(const uint8_t *data, size_t size, const struct mirror *mirror);

#endif
