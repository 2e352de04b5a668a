/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What happens in each of OpenVPN's script events. */
#ifndef HOOK_EVENT_H
#define HOOK_EVENT_H

#include "settle.h"

/* FILE: what OpenVPN wants filled. 0, or -errno: the member is refused. */
int event_connect(struct hook *hook, const char *file);
void event_disconnect(struct hook *hook);
void event_up(struct hook *hook);
void event_down(struct hook *hook);

#endif
