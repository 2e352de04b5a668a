/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The tc filters of an uplink, and the clsact qdisc that holds them. */
#ifndef ATTACH_TC_H
#define ATTACH_TC_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Every filter of ours has this place, so that a new program replaces the old
 * one in it. Early, since a filter of another's that accepts ends the list.
 */
#define TC_HANDLE   0xa9
#define TC_PRIORITY 7

/*
 * The program at our place: 0 and *ID, or -ENOENT, or -errno. Whether it is
 * ours is for prog_is_ours() to say.
 */
int tc_filter(uint32_t ifindex, enum bpf_tc_attach_point point, uint32_t *id);

/*
 * Puts program TO in place of FROM; -1: none. A clsact is made when there is
 * none, after noting it. -EEXIST: the place is another's; -ENOTSUP: the
 * interface has an ingress qdisc, which leaves no room for clsact.
 */
int tc_set(uint32_t ifindex, enum bpf_tc_attach_point point, int from, int to);

/* Whether a clsact of this interface was noted as made by us. */
bool tc_made_clsact(uint32_t ifindex);

/*
 * Removes each noted clsact that is empty now. LAST: the notes of those with
 * filters of another in them go too, the qdisc is left to them. 0 or -errno.
 */
int tc_remove_clsacts(bool last);

#endif
