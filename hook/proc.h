/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Is what a claim was made for still there? */
#ifndef HOOK_PROC_H
#define HOOK_PROC_H

#include "ledger.h"

/* Clock ticks after boot; 0 when /proc does not say. */
uint64_t proc_started(int pid);
/* 0 when there is none, or when the kernel cannot be asked: errno is then not
 * ENODEV. */
uint32_t device_index(const char *dev);
bool device_same(const struct claim *claim);
/* False only when the device or the OpenVPN process is gone for certain. */
bool claim_live(const struct claim *claim);

#endif
