/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Servers accept connections, and are told who the peer is. */
#ifndef FUZZ_PEERNAME_H
#define FUZZ_PEERNAME_H

#include "pick.h"

/* All connections end, and nobody remembers them. */
void peername_forget(void);
/* One is made, ends, or is asked about again. Ends the process if its name is
 * wrong: requirement 5. The twin's alone: the kernel has no test runs of it. */
void peername_step(struct pick *pick);

#endif
