/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What a command changed in the kernel, step by step, so that it can be
 * undone: when a later step fails, or when nobody confirms.
 */
#ifndef STEPS_H
#define STEPS_H

#include <bpf/libbpf.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "pin.h"

enum step_kind {
	STEP_FILTER, /* tc */
	STEP_XDP,    /* a single XDP program */
	STEP_CHAIN,  /* an XDP program in a dispatcher */
	STEP_LINK,   /* what is attached by a pinned link */
	STEP_ACTIVE, /* generation and instance */
};

/* From one program to another; descriptors, -1: none. */
struct step {
	enum step_kind kind;
	uint32_t ifindex;
	enum attach_mode mode;          /* XDP, CHAIN */
	enum bpf_tc_attach_point point; /* FILTER */
	int from, to;
	enum pin_link link;
	const char *path; /* LINK: where it is pinned */
	int map;          /* ACTIVE */
	struct ap_active active_from, active_to;
};

/* Descriptors in it belong to it: steps_free() closes them. */
struct steps {
	struct step *step;
	size_t n;
};

/*
 * Takes the step and remembers it; what it could not take it does not
 * remember. Its descriptors are duplicated.
 */
int steps_take(struct steps *steps, const struct step *step);

/* Remembers a step that was taken by other means. */
int steps_note(struct steps *steps, const struct step *step);

/*
 * Undoes all, the last one first; goes on after an error, the first of which
 * it returns. On an interface that is gone there is nothing to undo.
 */
int steps_undo(struct steps *steps);
void steps_free(struct steps *steps);

#endif
