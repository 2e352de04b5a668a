/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * stream take ADDRESS PORT: says how many bytes each connection has sent.
 * stream give ADDRESS PORT DEVICE MS: sends for so long through DEVICE, until
 * the other side has said how much came; prints Mbit/s.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_S 600

static char data[64 << 10];

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in address(char **where)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(where[1])) };

	if (inet_pton(AF_INET, where[0], &a.sin_addr) != 1)
		errx(2, "no address: %s", where[0]);
	return a;
}

static void take(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), c;
	const int on = 1;
	uint64_t bytes;
	ssize_t n;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)at, sizeof(*at)) ||
	    listen(fd, 16))
		err(1, "listen");
	(void)alarm(LIMIT_S);
	while ((c = accept(fd, NULL, NULL)) >= 0) {
		bytes = 0;
		while ((n = read(c, data, sizeof(data))) > 0)
			bytes += (uint64_t)n;
		if (write(c, &bytes, sizeof(bytes)) != sizeof(bytes))
			warn("answer");
		(void)close(c);
	}
}

static void give(const struct sockaddr_in *to, const char *device, double s)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	double start;
	uint64_t bytes;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		       (socklen_t)strlen(device)) ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "connect by %s", device);
	(void)alarm((unsigned int)s + 20);
	start = now();
	while (now() - start < s)
		if (write(fd, data, sizeof(data)) < 0)
			err(1, "write");
	if (shutdown(fd, SHUT_WR) ||
	    recv(fd, &bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
		err(1, "no answer");
	(void)printf("%.3f\n", (double)bytes * 8 / (now() - start) / 1e6);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a;

	if (argc < 4)
		return 2;
	a = address(argv + 2);
	/* what no compression shrinks and no cache repeats */
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)random();
	if (argc == 6 && !strcmp(argv[1], "give"))
		give(&a, argv[4], atof(argv[5]) / 1e3);
	else if (argc == 4 && !strcmp(argv[1], "take"))
		take(&a);
	else
		return 2;
	return 0;
}
