/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * dial echo PORT: a TCP service at [::]:PORT that sends back what it gets.
 *
 * dial run ADDRESS/PORT ...: keeps a connection to the first, and makes a new
 * one to each in turn, over and over, a few hundred a second; on each it sends
 * bytes that differ everywhere and wants them back. Says "ready" and goes on
 * until SIGTERM; then prints how much it did. Exits 1 at the first connection
 * that is refused, reset or silent for 5 s, or byte that is not as it was sent.
 */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 4096

static volatile sig_atomic_t over;

static void end(int signal)
{
	(void)signal;
	over = 1;
}

/* ---- echo ---------------------------------------------------------------*/

static void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t one = send(fd, p, n, MSG_NOSIGNAL);

		if (one < 0)
			err(1, "send");
		p += one;
		n -= (size_t)one;
	}
}

static _Noreturn void serve(int fd)
{
	char buffer[CHUNK];
	ssize_t n;

	(void)signal(SIGTERM, SIG_DFL);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		write_all(fd, buffer, (size_t)n);
	_exit(0);
}

static int echo(const char *port)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					  .sin6_port = htons(atoi(port)) };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	const int on = 1, off = 0;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    bind(fd, (const void *)&any, sizeof(any)) || listen(fd, 128))
		err(1, "port %s", port);
	(void)signal(SIGCHLD, SIG_IGN);
	while (!over) {
		int one = accept(fd, NULL, NULL);

		if (one < 0)
			continue;
		if (!fork())
			serve(one);
		(void)close(one);
	}
	return 0;
}

/* ---- run ----------------------------------------------------------------*/

static struct addrinfo *parse(char *text)
{
	const struct addrinfo hints = { .ai_flags =
						AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	char *address = strtok(text, "/"), *port = strtok(NULL, "/");
	struct addrinfo *a;

	if (!port || getaddrinfo(address, port, &hints, &a))
		errx(2, "a target is ADDRESS/PORT");
	return a;
}

static int dial(const struct addrinfo *to)
{
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(to->ai_family, SOCK_STREAM, 0);

	if (fd < 0)
		err(1, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	while (connect(fd, to->ai_addr, to->ai_addrlen))
		if (errno != EINTR)
			err(1, "connect");
	return fd;
}

static void exchange(int fd, uint32_t *number)
{
	uint32_t out[CHUNK / 4], in[CHUNK / 4];

	for (int i = 0; i < CHUNK / 4; i++)
		out[i] = (*number)++;
	write_all(fd, (const char *)out, sizeof(out));
	for (size_t n = 0; n < sizeof(in);) {
		ssize_t one = read(fd, (char *)in + n, sizeof(in) - n);

		if (one < 0 && errno == EINTR)
			continue;
		if (one < 0)
			err(1, "read");
		if (!one)
			errx(1, "the connection was closed");
		n += (size_t)one;
	}
	if (memcmp(in, out, sizeof(in)) != 0)
		errx(1, "other bytes came back");
}

static void run(struct addrinfo **to, int n)
{
	const struct timespec pause = { .tv_nsec = 3000000 };
	unsigned int connections = 0;
	uint32_t number = 1;
	int kept = dial(to[0]);

	puts("ready");
	(void)fflush(stdout);
	for (; !over; connections++) {
		int fd = dial(to[connections % (unsigned int)n]);

		exchange(fd, &number);
		exchange(kept, &number);
		(void)close(fd);
		(void)nanosleep(&pause, NULL);
	}
	(void)close(kept);
	printf("connections %u bytes %lu\n", connections, 4UL * number);
	exit(connections ? 0 : 1);
}

int main(int argc, char **argv)
{
	const struct sigaction on_end = { .sa_handler = end };
	struct addrinfo *to[64];
	int n = 0;

	(void)sigaction(SIGTERM, &on_end, NULL);
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return echo(argv[2]);
	if (argc < 3 || argc > 66 || strcmp(argv[1], "run") != 0)
		errx(2, "usage: dial echo PORT | dial run ADDRESS/PORT ...");
	for (int i = 2; i < argc; i++)
		to[n++] = parse(argv[i]);
	run(to, n);
}
