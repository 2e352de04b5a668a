/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The twin's maps, clock and sockets: between the files of the twin. */
#ifndef FUZZ_TWIN_MAP_H
#define FUZZ_TWIN_MAP_H

/* As many flows as take two segments of a table of established ones, and one of
 * half-open ones. */
#define TWIN_ENTRIES 164
#define TWIN_FLOWS   2
#define TWIN_HALF    1

void twin_maps_reset(void);
void twin_sockets_reset(void);
void *twin_socket(void *slot);
extern unsigned long long twin_ns;
/* Of the frame at hand; and what was found for the connection at hand. */
extern unsigned int twin_length, twin_assigned;
/* The frame at hand, of which the linear part is to end at END. */
void twin_pull(unsigned int end);

#endif
