/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * serve [-m MARK] [-d DEVICE] [-n NAME] tcp|udp ADDRESS PORT TEXT: a service that says TEXT
 * to whoever connects or sends. Binds, prints its process id, goes to the
 * background; ends after ten minutes or when killed.
 */
#include <err.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "where.h"

static int bound(struct addrinfo *a, int mark, const char *device)
{
	int fd = socket(a->ai_family, a->ai_socktype, 0);
	const int on = 1;

	if (fd < 0)
		err(1, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (mark &&
	     setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))) ||
	    (device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				  strlen(device))))
		err(1, "setsockopt");
	if (bind(fd, a->ai_addr, a->ai_addrlen))
		err(1, "bind");
	if (a->ai_socktype == SOCK_STREAM && listen(fd, 16))
		err(1, "listen");
	return fd;
}

/* Says it at once, and again for whatever it hears; one child for each. */
static void answer_tcp(int fd, const char *text)
{
	int c = accept(fd, NULL, NULL);
	char byte;

	if (c < 0)
		return;
	if (!fork()) {
		(void)alarm(60);
		do
			(void)!write(c, text, strlen(text));
		while (read(c, &byte, 1) > 0);
		_exit(0);
	}
	(void)close(c);
}

static void answer_udp(int fd, const char *text)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char byte;

	if (recvfrom(fd, &byte, 1, 0, (void *)&from, &size) >= 0)
		(void)sendto(fd, text, strlen(text), 0, (void *)&from, size);
}

static int detach(const char *name)
{
	pid_t child;

	if (name) /* before anybody is told that we are ready */
		(void)prctl(PR_SET_NAME, name);
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child) {
		printf("%d\n", (int)child);
		exit(0);
	}
	(void)setsid();
	(void)signal(SIGCHLD, SIG_IGN);
	/* Whoever reads our process id from a pipe waits for its end. */
	(void)freopen("/dev/null", "w", stdout);
	(void)freopen("/dev/null", "w", stderr);
	return (int)alarm(600);
}

int main(int argc, char **argv)
{
	int option, mark = 0, fd;
	struct addrinfo *at;
	const char *name = NULL, *device = NULL;
	char text[256];

	while ((option = getopt(argc, argv, "m:d:n:")) != -1) {
		if (option == 'm')
			mark = atoi(optarg);
		else if (option == 'd')
			device = optarg;
		else if (option == 'n')
			name = optarg;
		else
			return 2;
	}
	if (argc - optind != 4)
		errx(2, "usage: serve [-m MARK] [-d DEVICE] [-n NAME] tcp|udp "
			"ADDRESS PORT TEXT");
	at = where(argv + optind);
	fd = bound(at, mark, device);
	(void)snprintf(text, sizeof(text), "%s\n", argv[optind + 3]);
	(void)detach(name);
	for (;;)
		if (at->ai_socktype == SOCK_STREAM)
			answer_tcp(fd, text);
		else
			answer_udp(fd, text);
}
