/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The state file's text. */
#ifndef STATE_JSON_H
#define STATE_JSON_H

#include "state.h"

/* To be freed; NULL when out of memory. */
char *state_to_json(const struct state *state);

/* Whatever is missing or odd in it makes it -EBADMSG: never half a state. */
int state_from_json(const char *text, struct state *state);

#endif
