/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Where a tool connects or listens, as its command line says. */
#include <err.h>
#include <string.h>
#include <sys/socket.h>

#include "where.h"

struct addrinfo *where(char **words)
{
	const struct addrinfo hints = { .ai_flags =
						AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = strcmp(words[0], "udp")
							       ? SOCK_STREAM
							       : SOCK_DGRAM };
	struct addrinfo *a;
	int rc = getaddrinfo(words[1], words[2], &hints, &a);

	if (rc)
		errx(2, "%s %s: %s", words[1], words[2], gai_strerror(rc));
	return a;
}
