/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the reading commands share: JSON documents and colours. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Prints ROOT, which it takes over, and a newline; LINE: on one line, for
 * documents that follow each other. EXIT_DONE, or EXIT_FAILED when ROOT is
 * NULL (out of memory).
 */
int output_json(json_t *root, bool line);

/* Is TEXT what a document can hold, UTF-8? */
bool output_can_say(const char *text);

/* "schema": 1 and the time, the start of every document. */
json_t *output_document(void);

enum colour { PLAIN, DIM, RED, YELLOW, GREEN };

/* The sequence, or "" when OUT is no terminal or NO_COLOR is set. */
const char *colour(FILE *out, enum colour colour);

#endif
