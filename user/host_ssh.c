/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which local ports carry an SSH session: nobody may be locked out of one. */
#include <stdlib.h>
#include <string.h>

#include "host.h"

static void add_port(uint16_t port, uint16_t out[], size_t max, size_t *n)
{
	if (!port)
		return;
	for (size_t i = 0; i < *n && i < max; i++)
		if (out[i] == port)
			return;
	if (*n < max)
		out[*n] = port;
	(*n)++;
}

/* OpenSSH 9.8 split "sshd-session" and "sshd-auth" off. */
static bool is_sshd(const char *program)
{
	return !strncmp(program, "sshd", 4) || !strcmp(program, "dropbear");
}

bool host_is_ssh(const struct host_socket *s)
{
	/* Nameless: a process of another pid namespace, or hidden. */
	return is_sshd(s->program) || (!s->program[0] && s->port == SSH_PORT);
}

static void add_sockets(const struct host_sockets *s, uint16_t out[],
			size_t max, size_t *n)
{
	for (size_t i = 0; i < s->n; i++)
		if (host_is_ssh(&s->item[i]))
			add_port(s->item[i].port, out, max, n);
}

/* "client-address client-port server-address server-port": who types this. */
static void add_own(uint16_t out[], size_t max, size_t *n)
{
	const char *own = getenv("SSH_CONNECTION");
	const char *last = own ? strrchr(own, ' ') : NULL;
	unsigned long port = last ? strtoul(last + 1, NULL, 10) : 0;

	if (port <= 65535)
		add_port(port, out, max, n);
}

size_t host_ssh_ports(uint16_t out[], size_t max)
{
	struct host_sockets s;
	size_t n = 0;
	bool sure = false;

	add_own(out, max, &n);
	if (!host_connections(&s)) {
		add_sockets(&s, out, max, &n);
		sure = !s.hidden;
		host_sockets_free(&s);
	}
	if (sure)
		return n;
	/* Whose the connections are is not known: guard where sshd listens. */
	add_port(SSH_PORT, out, max, &n);
	if (!host_listeners(&s)) {
		add_sockets(&s, out, max, &n);
		host_sockets_free(&s);
	}
	return n;
}
