/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* One netlink dump with libnl, errors as errno. */
#ifndef NETLINK_H
#define NETLINK_H

#include <netlink/netlink.h>

/*
 * Sends a request of TYPE with BODY over netlink PROTOCOL and calls PARSE for
 * each answer (NL_OK, or a negative libnl error to stop). An answer that does
 * not come ends it after two seconds. 0 or -errno; -EAGAIN: the table changed
 * meanwhile, ask again.
 */
int netlink_dump(int protocol, int type, const void *body, size_t size,
		 int (*parse)(struct nl_msg *msg, void *arg), void *arg);

/* libnl's numbers are its own: this makes an errno of one. */
int netlink_errno(int error);

#endif
