/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What libbpf and libxdp have to say: kept quiet, and the reasons kept. */
#ifndef QUIET_H
#define QUIET_H

/* From now on their output is shown with -v only. */
void quiet_libraries(void);

/*
 * The kernel's own words about the last refused request ("veth: Peer MTU is
 * too large to set XDP"), or "" if it gave none since quiet_forget().
 */
const char *quiet_reason(void);
void quiet_forget(void);

#endif
