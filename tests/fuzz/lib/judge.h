/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What must hold of every frame that went through the door, whatever it is:
 * requirements 3 (checksums), 4 (nothing else changes) and 20 (what is cut or
 * has a wrong length is left as it is). Takes frames apart by itself.
 */
#ifndef FUZZ_JUDGE_H
#define FUZZ_JUDGE_H

#include "../../lib/door.h"

enum way { WAY_IN, WAY_OUT, WAY_FORWARDED };

/* Ends the process, with both frames printed, if something does not hold. The
 * first LINEAR bytes of IN were in one piece. */
void judge(enum way way, const struct frame *in, size_t linear,
	   enum verdict verdict, const struct frame *out);
/* The same for a connection that is handed to the listener of PORT (0: to
 * none); KNOWN: the door has seen who listens. */
void judge_connect(const struct bpf_sk_lookup *lookup, bool known,
		   uint16_t port);
/* Does some length of F contradict another, or the frame's? */
bool judge_broken(const struct frame *f);
bool judge_is_icmp(const struct frame *f);
/* Prints WHAT and both frames; does not return. */
__attribute__((noreturn)) void
judge_fail(const char *what, const struct frame *in, const struct frame *out);

#endif
