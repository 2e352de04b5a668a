/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which OpenVPN process serves an instance: noted by up and by connects, so
 * that reconcile can make a claim for a session whose claim was lost. */
#ifndef HOOK_INSTANCE_H
#define HOOK_INSTANCE_H

#include "settle.h"

void instance_note(struct hook *hook, uint32_t ifindex, uint64_t started);
void instance_forget(struct hook *hook);
/* Fills the device and the process of OUT: 0, or -ENOENT when no such
 * instance is known or its process is gone. */
int instance_find(int dir, const char *name, struct claim *out);
/* Warns of each that runs and whose status file nobody has named: reconcile
 * does not know who is on there. */
void instance_warn_unseen(struct hook *hook);

#endif
