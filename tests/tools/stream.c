/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * stream echo PORT: a UDP service that answers every packet as OpenVPN would by
 * its first byte, from the address it was sent to, at [::]:PORT.
 *
 * stream send [-r PPS] [-w WINDOW] SOURCE-PORT/ADDRESS/PORT ...: one
 * established flow for each, numbered packets round them at PPS packets a
 * second, each answered, with at most WINDOW on their way: no queue between
 * overflows. Says "ready" and goes on until SIGTERM; then prints what became of
 * the packets and exits 1 unless each came back once, by its own flow, which
 * OpenVPN saw under one address all the time.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FLOWS   64
#define BATCH   32
#define BURST   4         /* packets of one flow in a row */
#define NUMBER  (1 << 16) /* of one flow's packets that are kept track of */
#define BUFFER  (4 << 20)
#define GIVE_UP 15000000000ULL /* ns without any answer */

struct packet {
	uint8_t op;
	uint8_t session[8];
	uint8_t zero[15]; /* no acknowledgement, packet id 0 */
	uint32_t flow;
	uint32_t moved; /* in answers: the peer is not who it was */
	uint64_t number;
	uint8_t data[60];
};

enum op {
	RESET = 7 << 3,
	SERVER_RESET = 8 << 3,
	CONTROL = 4 << 3,
	DATA = 9 << 3
};

static volatile sig_atomic_t over;

static void end(int signal)
{
	(void)signal;
	over = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* A burst must not be lost here, of all places. */
static void widen(int fd)
{
	const int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		err(1, "socket buffers");
}

/* ---- echo ---------------------------------------------------------------*/

struct seen {
	bool known;
	struct sockaddr_in6 peer;
	struct in6_addr local;
};

struct in {
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	struct packet packet[BATCH];
	struct sockaddr_in6 peer[BATCH];
	char control[BATCH][CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static int echo_socket(const char *port)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					  .sin6_port = htons(atoi(port)) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	const int on = 1, off = 0;

	if (fd < 0)
		err(1, "socket");
	widen(fd);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) ||
	    bind(fd, (const void *)&any, sizeof(any)))
		err(1, "port %s", port);
	return fd;
}

static void lay_out(struct in *in)
{
	for (int i = 0; i < BATCH; i++) {
		in->vector[i] =
			(struct iovec){ &in->packet[i], sizeof(in->packet[i]) };
		in->message[i].msg_hdr = (struct msghdr){
			.msg_name = &in->peer[i],
			.msg_namelen = sizeof(in->peer[i]),
			.msg_iov = &in->vector[i],
			.msg_iovlen = 1,
			.msg_control = in->control[i],
			.msg_controllen = sizeof(in->control[i]),
		};
	}
}

static bool has_moved(const struct msghdr *message, struct seen *seen)
{
	const struct sockaddr_in6 *peer = message->msg_name;
	const struct cmsghdr *c = CMSG_FIRSTHDR(message);
	const struct in6_pktinfo *to;

	if (!c || c->cmsg_type != IPV6_PKTINFO)
		errx(1, "no destination address");
	to = (const void *)CMSG_DATA(c);
	if (!seen->known) {
		seen->known = true;
		seen->peer = *peer;
		seen->local = to->ipi6_addr;
		return false;
	}
	return memcmp(&peer->sin6_addr, &seen->peer.sin6_addr, 16) != 0 ||
	       peer->sin6_port != seen->peer.sin6_port ||
	       memcmp(&to->ipi6_addr, &seen->local, 16) != 0;
}

static void answer(struct mmsghdr *message, struct seen *seen)
{
	struct packet *p = message->msg_hdr.msg_iov->iov_base;

	if (message->msg_len != sizeof(*p) || p->flow >= FLOWS)
		errx(1, "a packet of %u bytes", message->msg_len);
	p->moved = has_moved(&message->msg_hdr, &seen[p->flow]);
	if (p->op == RESET)
		p->op = SERVER_RESET;
}

static void send_all(int fd, struct mmsghdr *message, int n)
{
	for (int done = 0; done < n;) {
		int one = sendmmsg(fd, message + done, (unsigned int)(n - done),
				   0);

		if (one < 0 && errno != EAGAIN && errno != ENOBUFS)
			err(1, "sendmmsg");
		done += one > 0 ? one : 0;
	}
}

static int echo(const char *port)
{
	static struct seen seen[FLOWS];
	static struct in in;
	int fd = echo_socket(port);

	while (!over) {
		int n;

		lay_out(&in);
		n = recvmmsg(fd, in.message, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			err(1, "recvmmsg");
		for (int i = 0; i < n; i++)
			answer(&in.message[i], seen);
		if (n > 0)
			send_all(fd, in.message, n);
	}
	return 0;
}

/* ---- send ---------------------------------------------------------------*/

struct flow {
	int fd;
	uint64_t next;       /* number of the next packet */
	uint64_t highest;    /* answered */
	uint8_t due[NUMBER]; /* sent and not answered */
};

struct counts {
	uint64_t sent, answered, lost, doubled, misrouted, moved, reordered;
	uint64_t began, ended, last, silence; /* ns */
};

static struct flow flow[FLOWS];
static uint32_t n_flow;

/* SOURCE-PORT/ADDRESS/PORT: only what comes from there is received. */
static int flow_socket(char *text)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_DGRAM };
	char *source = strtok(text, "/"), *address = strtok(NULL, "/"),
	     *port = strtok(NULL, "/");
	struct addrinfo *to, *from;
	const int on = 1;
	int fd;

	if (!port || getaddrinfo(address, port, &hints, &to))
		errx(2, "a flow is SOURCE-PORT/ADDRESS/PORT");
	hints.ai_family = to->ai_family;
	hints.ai_flags |= AI_PASSIVE;
	if (getaddrinfo(NULL, source, &hints, &from))
		errx(2, "source port %s", source);
	fd = socket(to->ai_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		err(1, "socket");
	widen(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, from->ai_addr, from->ai_addrlen) ||
	    connect(fd, to->ai_addr, to->ai_addrlen))
		err(1, "%s from port %s", address, source);
	freeaddrinfo(to);
	freeaddrinfo(from);
	return fd;
}

static void fill(struct packet *p, uint8_t op, uint32_t which, uint64_t number)
{
	memset(p, 0, sizeof(*p));
	p->op = op;
	p->session[0] = 1 + (uint8_t)which;
	p->flow = which;
	p->number = number;
}

/* As a client's handshake does: sends until it is answered. */
static void exchange(uint32_t which, uint8_t op)
{
	struct pollfd poll_fd = { .fd = flow[which].fd, .events = POLLIN };
	struct packet p;

	for (int tries = 0; tries < 20; tries++) {
		fill(&p, op, which, 0);
		if (send(poll_fd.fd, &p, sizeof(p), 0) < 0)
			warn("flow %u", which);
		(void)poll(&poll_fd, 1, 500);
		if (recv(poll_fd.fd, &p, sizeof(p), 0) == sizeof(p) &&
		    p.flow == which)
			return;
	}
	errx(1, "flow %u: no answer to opcode %d", which, op >> 3);
}

static void send_burst(uint32_t which, unsigned int n, struct counts *c)
{
	struct packet packet[BURST];
	struct mmsghdr message[BURST] = { 0 };
	struct iovec vector[BURST];
	struct flow *f = &flow[which];

	for (unsigned int i = 0; i < n; i++) {
		uint8_t *due = &f->due[f->next % NUMBER];

		c->lost += *due; /* long ago */
		*due = 1;
		fill(&packet[i], DATA, which, f->next++);
		vector[i] = (struct iovec){ &packet[i], sizeof(packet[i]) };
		message[i].msg_hdr.msg_iov = &vector[i];
		message[i].msg_hdr.msg_iovlen = 1;
	}
	send_all(f->fd, message, (int)n);
	c->sent += n;
}

static void take_answer(uint32_t which, const struct packet *p,
			struct counts *c)
{
	struct flow *f = &flow[which];

	c->moved += p->moved != 0;
	if (p->flow != which) {
		c->misrouted++;
		return;
	}
	if (p->number >= f->next || f->next - p->number > NUMBER ||
	    !f->due[p->number % NUMBER]) {
		c->doubled++;
		return;
	}
	f->due[p->number % NUMBER] = 0;
	c->answered++;
	if (p->number < f->highest)
		c->reordered++;
	else
		f->highest = p->number;
}

static void receive(uint32_t which, struct counts *c)
{
	static struct in in;
	uint64_t now = now_ns();
	int n;

	lay_out(&in);
	n = recvmmsg(flow[which].fd, in.message, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN)
		warn("flow %u", which);
	for (int i = 0; i < n; i++)
		take_answer(which, &in.packet[i], c);
	if (n > 0) {
		if (now - c->last > c->silence)
			c->silence = now - c->last;
		c->last = now;
	}
}

static void receive_all(int events, int wait_ms, struct counts *c)
{
	struct epoll_event ready[FLOWS];
	int n = epoll_wait(events, ready, FLOWS, wait_ms);

	for (int i = 0; i < n; i++)
		receive(ready[i].data.u32, c);
}

static uint64_t on_their_way(const struct counts *c)
{
	return c->sent - c->answered - c->lost;
}

/* Sends what is due by now, as far as the window lets it. */
static unsigned int send_due(uint64_t pps, uint64_t window, struct counts *c)
{
	static uint32_t turn;
	uint64_t due = (now_ns() - c->began) * pps / 1000000000ULL;
	uint64_t room = window - on_their_way(c);
	uint64_t n = due > c->sent ? due - c->sent : 0;

	if (n > room)
		n = room;
	if (n > BURST)
		n = BURST;
	if (n)
		send_burst(turn++ % n_flow, (unsigned int)n, c);
	return (unsigned int)n;
}

static void go(uint64_t pps, uint64_t window, struct counts *c)
{
	int events = epoll_create1(0);

	for (uint32_t i = 0; i < n_flow; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		exchange(i, RESET);
		exchange(i, CONTROL);
		exchange(i, DATA);
		if (epoll_ctl(events, EPOLL_CTL_ADD, flow[i].fd, &e))
			err(1, "epoll_ctl");
	}
	puts("ready");
	(void)fflush(stdout);
	c->began = c->last = now_ns();
	while (!over && now_ns() - c->last < GIVE_UP)
		receive_all(events, send_due(pps, window, c) ? 0 : 1, c);
	c->ended = now_ns();
	while (on_their_way(c) && now_ns() - c->ended < GIVE_UP)
		receive_all(events, 10, c);
	c->lost += on_their_way(c);
}

static int report(const struct counts *c)
{
	double seconds = (double)(c->ended - c->began) / 1e9;

	printf("sent %lu answered %lu lost %lu doubled %lu misrouted %lu "
	       "moved %lu reordered %lu seconds %.1f pps %.0f silence-ms "
	       "%lu\n",
	       c->sent, c->answered, c->lost, c->doubled, c->misrouted,
	       c->moved, c->reordered, seconds, (double)c->sent / seconds,
	       c->silence / 1000000);
	if (!over)
		warnx("nothing came back for %llu s: gave up",
		      GIVE_UP / 1000000000ULL);
	return !over || !c->sent || c->lost || c->doubled || c->misrouted ||
	       c->moved;
}

static int usage(void)
{
	errx(2, "usage: stream echo PORT | stream send [-r PPS] [-w WINDOW] "
		"SOURCE-PORT/ADDRESS/PORT ...");
}

static int stream(int argc, char **argv)
{
	uint64_t pps = 20000, window = 128;
	struct counts counts = { 0 };
	int option;

	while ((option = getopt(argc, argv, "r:w:")) != -1) {
		if (option == 'r')
			pps = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			window = strtoull(optarg, NULL, 10);
		else
			return usage();
	}
	if (argc == optind || argc - optind > FLOWS)
		return usage();
	for (; optind < argc; optind++)
		flow[n_flow++].fd = flow_socket(argv[optind]);
	go(pps, window, &counts);
	return report(&counts);
}

int main(int argc, char **argv)
{
	const struct sigaction on_end = { .sa_handler = end };

	(void)sigaction(SIGTERM, &on_end, NULL);
	(void)sigaction(SIGINT, &on_end, NULL);
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "send"))
		return stream(argc - 1, argv + 1);
	return usage();
}
