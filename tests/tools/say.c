/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * say [-p PORT] udp|tcp ADDRESS PORT [HEX]: connects, from the local PORT if
 * given, sends the bytes, prints the first answer. Exit 1 when none comes
 * within a second: an answer from another port is none.
 */
#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "where.h"

static void bind_to(int fd, int family, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
					.ai_family = family,
					.ai_socktype = SOCK_DGRAM };
	struct addrinfo *a;
	const int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (getaddrinfo(NULL, port, &hints, &a) ||
	    bind(fd, a->ai_addr, a->ai_addrlen))
		err(2, "bind %s", port);
}

static int connected(const struct addrinfo *a, const char *port)
{
	const struct timeval limit = { .tv_sec = 1 };
	int fd = socket(a->ai_family, a->ai_socktype, 0);

	if (fd < 0)
		err(2, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (port)
		bind_to(fd, a->ai_family, port);
	if (connect(fd, a->ai_addr, a->ai_addrlen))
		err(1, "connect");
	return fd;
}

static void send_hex(int fd, const char *hex)
{
	unsigned char bytes[1500];
	size_t n = 0;

	for (; hex[0] && hex[1] && n < sizeof(bytes); hex += 2) {
		const char two[] = { hex[0], hex[1], '\0' };

		bytes[n++] = (unsigned char)strtoul(two, NULL, 16);
	}
	if (send(fd, bytes, n, 0) < 0)
		err(1, "send");
}

int main(int argc, char **argv)
{
	const char *port = NULL;
	char answer[1500];
	ssize_t n;
	int option, fd;

	while ((option = getopt(argc, argv, "p:")) != -1) {
		if (option != 'p')
			return 2;
		port = optarg;
	}
	if (argc - optind < 3)
		errx(2, "usage: say [-p PORT] udp|tcp ADDRESS PORT [HEX]");
	fd = connected(where(argv + optind), port);
	if (argv[optind + 3])
		send_hex(fd, argv[optind + 3]);
	n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		err(1, "no answer");
	return fwrite(answer, 1, (size_t)n, stdout) == (size_t)n ? 0 : 1;
}
