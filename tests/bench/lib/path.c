/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The sockets that stand for OpenVPN. */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ns.h"
#include "path.h"

#define OPENVPN_PORT 1194
#define BUFFER       (256 << 20)
#define BATCH        64

const char *family_name(bool v6)
{
	return v6 ? "v6" : "v4";
}

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		err(1, "setsockopt");
}

static int server_socket(const struct path *p, bool v6)
{
	int fd = ns_socket(p->ns, v6 ? AF_INET6 : AF_INET,
			   SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage sa;
	socklen_t size =
		end_to_sockaddr(end(v6 ? "::" : "0.0.0.0", OPENVPN_PORT), &sa);

	set(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER);
	set(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER);
	if (v6) {
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	} else {
		set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	if (bind(fd, (struct sockaddr *)&sa, size))
		err(1, "%s: OpenVPN's port", p->name);
	return fd;
}

static enum keeper keeper_of(const char *text)
{
	static const char *const names[KEEPERS] = {
		[KEEPER_NONE] = "none", [KEEPER_CONNTRACK] = "conntrack",
		[KEEPER_DOOR] = "door", [KEEPER_LIMITED] = "limited",
		[KEEPER_DROP] = "drop",
	};

	for (int k = 0; k < KEEPERS; k++)
		if (!strcmp(text, names[k]))
			return k;
	errx(2, "nobody keeps flows by the name %s", text);
}

void path_open(struct path *p, const char *spec)
{
	char *copy = strdup(spec), *rest = copy, *field[7];
	uint16_t port;

	for (int i = 0; i < 7; i++) {
		field[i] = strsep(&rest, ",");
		if (!field[i])
			errx(2, "no path: %s", spec);
	}
	(void)snprintf(p->name, sizeof(p->name), "%s", field[0]);
	(void)snprintf(p->ns, sizeof(p->ns), "%s", field[1]);
	p->ifindex = if_nametoindex(field[2]);
	if (!p->ifindex)
		err(1, "%s: interface %s", p->name, field[2]);
	p->keeper = keeper_of(field[3]);
	port = (uint16_t)atoi(field[6]);
	for (int v6 = 0; v6 < 2; v6++) {
		p->door[v6] = end(field[4 + v6], port);
		p->socket[v6] = server_socket(p, v6);
	}
	free(copy);
}

unsigned int paths_open(struct path *p, int argc, char **argv)
{
	if (argc < 1 || argc > PATHS_MAX)
		errx(2, "1 to %d paths", PATHS_MAX);
	for (int i = 0; i < argc; i++)
		path_open(&p[i], argv[i]);
	return (unsigned int)argc;
}

void path_sink(const struct path *p, bool v6, bool on)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { .len = 1, .filter = &drop };
	int unused = 0, fd = p->socket[v6], rc;

	rc = on ? setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			     sizeof(filter))
		: setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused,
			     sizeof(unused));
	if (rc && (on || errno != ENOENT)) /* there may be none yet */
		err(1, "%s: the sink's filter", p->name);
}

uint64_t path_sunk(const struct path *p, bool v6)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t size = sizeof(info);

	if (getsockopt(p->socket[v6], SOL_SOCKET, SO_MEMINFO, info, &size))
		err(1, "%s: SO_MEMINFO", p->name);
	return info[SK_MEMINFO_DROPS];
}

unsigned int path_answer(const struct path *p, bool v6)
{
	static uint8_t in[64], data[32] = { 9 << 3, 1, 2, 3, 4, 5, 6, 7, 8 };
	static struct sockaddr_storage from[BATCH];
	static union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control[BATCH];
	struct iovec get = { in, sizeof(in) }, put = { data, sizeof(data) };
	struct mmsghdr m[BATCH] = { 0 };
	unsigned int total = 0;
	int n;

	for (;;) {
		for (int i = 0; i < BATCH; i++)
			m[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i],
				.msg_namelen = sizeof(from[i]),
				.msg_iov = &get,
				.msg_iovlen = 1,
				.msg_control = &control[i],
				.msg_controllen = sizeof(control[i]),
			};
		n = recvmmsg(p->socket[v6], m, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return total;
		for (int i = 0; i < n; i++) {
			m[i].msg_hdr.msg_iov = &put;
			m[i].msg_hdr.msg_flags = 0;
		}
		if (sendmmsg(p->socket[v6], m, (unsigned int)n, 0) != n)
			err(1, "%s: answers", p->name);
		total += (unsigned int)n;
	}
}
