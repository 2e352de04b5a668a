/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * out [OPTIONS, see plan.h] PATH ...: what an answer of an established flow
 * costs on its way out, by each path, above the first path: from the system
 * call that sends 64 of them to the wire. The frames die on the veth's other
 * end, as soon as somebody looks at their link-layer address.
 */
#include <arpa/inet.h>
#include <err.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/busy.h"
#include "../lib/established.h"
#include "gen.h"
#include "ns.h"

#define BATCH 64

/* Frames that came out of P's veth. */
static uint64_t came_out(const struct path *p)
{
	char name[IF_NAMESIZE], line[256], *colon, *start;
	uint64_t packets = 0;
	FILE *in = fopen("/proc/net/dev", "re");

	if (!in || !if_indextoname(p->ifindex, name))
		err(1, "%s: its interface", p->name);
	while (fgets(line, sizeof(line), in)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		start = line + strspn(line, " ");
		if (!strcmp(start, name))
			(void)sscanf(colon + 1, "%*u %lu",
				     (unsigned long *)&packets);
	}
	(void)fclose(in);
	return packets;
}

/* One message: by the door's address to a member, who is put in later. */
struct message {
	struct sockaddr_storage to;
	struct iovec data;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
};

static void from_door(struct message *m, const struct path *p, bool v6)
{
	struct cmsghdr *c = &m->control.header;

	memset(&m->control, 0, sizeof(m->control));
	c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = v6 ? CMSG_LEN(sizeof(struct in6_pktinfo))
			 : CMSG_LEN(sizeof(struct in_pktinfo));
	if (v6)
		memcpy(&((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_addr,
		       p->door[1].ip, 16);
	else
		memcpy(&((struct in_pktinfo *)(void *)CMSG_DATA(c))
				->ipi_spec_dst,
		       p->door[0].ip, 4);
}

static void to_member(struct message *m, const struct traffic *t, uint32_t n)
{
	uint32_t source = htonl(GEN_SOURCE(t->first, n));
	struct sockaddr_in6 *to6 = (void *)&m->to;
	struct sockaddr_in *to4 = (void *)&m->to;

	if (t->v6) {
		memcpy(to6->sin6_addr.s6_addr + 4, &source, sizeof(source));
		to6->sin6_port = htons(GEN_PORT(n));
	} else {
		to4->sin_addr.s_addr = source;
		to4->sin_port = htons(GEN_PORT(n));
	}
}

static struct message messages[BATCH];
static struct mmsghdr headers[BATCH];

static void prepare(const struct path *p, const struct traffic *t)
{
	static uint8_t data[1500] = { 9 << 3, 1, 2, 3, 4, 5, 6, 7, 8 };
	size_t length = t->length - 14 - 8 - (t->v6 ? 40 : 20);

	for (int i = 0; i < BATCH; i++) {
		struct message *m = &messages[i];

		m->data = (struct iovec){ data, length };
		from_door(m, p, t->v6);
		headers[i].msg_hdr = (struct msghdr){
			.msg_name = &m->to,
			.msg_namelen =
				end_to_sockaddr(generator_member(t, 0), &m->to),
			.msg_iov = &m->data,
			.msg_iovlen = 1,
			.msg_control = &m->control,
			.msg_controllen =
				CMSG_SPACE(t->v6 ? sizeof(struct in6_pktinfo)
						 : sizeof(struct in_pktinfo)),
		};
	}
}

static double send_all(const struct path *p, struct traffic *t, unsigned int n)
{
	double start = busy_ns();
	unsigned int left, some;

	for (left = n; left; left -= some) {
		some = left < BATCH ? left : BATCH;
		for (unsigned int i = 0; i < some; i++) {
			to_member(&messages[i], t, t->at);
			t->at = t->at + 1 == t->flows ? 0 : t->at + 1;
		}
		if (sendmmsg(p->socket[t->v6], headers, some, 0) != (int)some)
			err(1, "%s: cannot send", p->name);
	}
	return (busy_ns() - start) / n;
}

static double turn(const struct path *p, struct traffic *t, unsigned int n,
		   uint64_t *sent)
{
	uint64_t out = came_out(p), this = 0;
	double ns;

	prepare(p, t);
	ns = generator_turn(p, t, n, send_all, &this);
	out = came_out(p) - out;
	if (out < this)
		errx(1, "%s: of %lu answers %lu came out", p->name,
		     (unsigned long)this, (unsigned long)out);
	*sent += this;
	return ns;
}

static uint64_t counted(const struct counts *c)
{
	return c->restored;
}

int main(int argc, char **argv)
{
	static const struct kind out = { "out", turn, counted };
	struct plan plan;

	plan_read(&plan, argc, argv);
	established_rounds(&plan, &out);
	figures_close();
	return 0;
}
