/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* BPF programs that are loaded already: which are anyport's? */
#ifndef PROG_H
#define PROG_H

#include <stdbool.h>
#include <stdint.h>

#define PROG_XDP     "anyport_xdp"
#define PROG_INGRESS "anyport_ingress"
#define PROG_EGRESS  "anyport_egress"
#define PROG_LOOKUP  "anyport_lookup"

#define PROG_NAME 16 /* BPF_OBJ_NAME_LEN */

/* Its name into NAME; "?" when it is gone. */
void prog_name(uint32_t id, char name[PROG_NAME]);

/*
 * Whether program ID is anyport's NAME, of this version or another: it has
 * the name and uses maps with the names of ours. That is also how programs
 * are found whose pins were lost.
 */
bool prog_is_ours(uint32_t id, const char *name);

/* The number under which XDP program ID acts (struct ap_active); 0: always. */
uint32_t prog_instance(uint32_t id);

/* The program's id, or 0. */
uint32_t prog_id(int fd);

#endif
