/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The twin's maps, clock and sockets: between the files of the twin. */
#ifndef FUZZ_TWIN_MAP_H
#define FUZZ_TWIN_MAP_H

/* As many flows as fit into one segment of each table. */
#define TWIN_ENTRIES 120

void twin_maps_reset(void);
void twin_sockets_reset(void);
void *twin_socket(void *slot);
extern unsigned long long twin_ns;

#endif
