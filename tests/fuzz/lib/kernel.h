/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs in the kernel, beside the twin. */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include "script.h"

/* Loads them; ends the process if that cannot be. */
void kernel_open(void);
extern const struct mirror kernel;

#endif
