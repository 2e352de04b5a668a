/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* One netlink dump with libnl, errors as errno. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "netlink.h"

int netlink_errno(int error)
{
	switch (error < 0 ? -error : error) {
	case 0: return 0;
	case NLE_PERM:
	case NLE_NOACCESS: return -EPERM;
	case NLE_NOMEM: return -ENOMEM;
	case NLE_DUMP_INTR:
	case NLE_SEQ_MISMATCH: return -EAGAIN;
	case NLE_AGAIN: return -ETIMEDOUT;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV: return -ENOENT;
	case NLE_OPNOTSUPP:
	case NLE_AF_NOSUPPORT:
	case NLE_PROTO_MISMATCH: return -EOPNOTSUPP;
	case NLE_INVAL: return -EINVAL;
	default: return -EIO;
	}
}

static struct nl_sock *nl_open(int protocol, int *error)
{
	const struct timeval limit = { .tv_sec = 2 };
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock) {
		*error = -NLE_NOMEM;
		return NULL;
	}
	*error = nl_connect(sock, protocol);
	if (*error) {
		nl_socket_free(sock);
		return NULL;
	}
	(void)setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO,
			 &limit, sizeof(limit));
	/* A host may have 100,000 connections: fewer, larger reads. */
	(void)nl_socket_set_msg_buf_size(sock, 32768);
	nl_socket_disable_auto_ack(sock);
	return sock;
}

int netlink_dump(int protocol, int type, const void *body, size_t size,
		 int (*parse)(struct nl_msg *msg, void *arg), void *arg)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_DUMP);
	struct nl_sock *sock = NULL;
	int error = -NLE_NOMEM;

	if (!msg || nlmsg_append(msg, (void *)body, size, NLMSG_ALIGNTO))
		goto out;
	sock = nl_open(protocol, &error);
	if (!sock)
		goto out;
	error = nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, parse,
				    arg);
	if (!error)
		error = nl_send_auto(sock, msg);
	if (error >= 0)
		error = nl_recvmsgs_default(sock);
out:
	nl_socket_free(sock);
	nlmsg_free(msg);
	return error < 0 ? netlink_errno(error) : 0;
}
