/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What a claim takes of sshd's ports: at boot nobody is connected yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "host.h"
#include "log.h"
#include "value.h"

#define SOCKETS_MS 5000

/* It listens in sshd's place until the first connection, and names no unit. */
static bool is_systemd(const struct host_socket *s)
{
	return !strcmp(s->program, "systemd");
}

/* "Listen=[::]:22 (Stream)", a line each; NULL: nobody can say. To be freed. */
static char *ask_systemd(const struct host_listener *met, size_t n)
{
	static const char *const argv[] = {
		"systemctl",       "show",       "-p",
		"Listen",          "ssh.socket", "sshd.socket",
		"dropbear.socket", NULL
	};
	char *text = NULL;

	for (size_t i = 0; i < n; i++)
		if (is_systemd(&met[i].socket)) {
			(void)child_read(argv, SOCKETS_MS, &text);
			break;
		}
	return text;
}

static bool leads_to_ssh(const struct host_socket *s, const char *units)
{
	char end[32];

	/* A session listens, too: for the ports that it forwards. */
	if (s->proto != AP_TCP || !strncmp(s->program, "sshd-", 5))
		return false;
	if (!is_systemd(s))
		return host_is_ssh(s);
	if (!units)
		return s->port == SSH_PORT;
	(void)snprintf(end, sizeof(end), ":%u (Stream)", s->port);
	return strstr(units, end);
}

static size_t keep_ssh(struct host_listener *met, size_t n)
{
	char *units = ask_systemd(met, n);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (leads_to_ssh(&met[i].socket, units))
			met[kept++] = met[i];
	free(units);
	return kept;
}

static bool is_reached(const struct host_listener *ssh, size_t n,
		       const struct ip_prefix *address)
{
	for (size_t i = 0; i < n; i++)
		if (!fate_hidden(ssh[i].fate) &&
		    socket_at(&ssh[i].socket, address))
			return true;
	return false;
}

/* A door address where CLAIMED was the way to sshd, and there is no other. */
static const struct ip_prefix *cut_off(const struct config *config,
				       const struct host_listener *ssh,
				       size_t n,
				       const struct host_socket *claimed)
{
	for (size_t i = 0; i < config->n_address; i++)
		if (socket_at(claimed, &config->address[i]) &&
		    !is_reached(ssh, n, &config->address[i]))
			return &config->address[i];
	return NULL;
}

static const char *how_taken(enum fate fate)
{
	return fate == FATE_CLAIMED
		       ? "claim takes"
		       : "the door, on the interface below, takes";
}

static bool guard(const struct config *config, const struct host_listener *ssh,
		  size_t n)
{
	const struct ip_prefix *lost;
	uint16_t refused = 0, warned = 0;

	/* By port: one for IPv4 and one for IPv6 are one line. */
	for (size_t i = 0; i < n; i++) {
		uint16_t port = ssh[i].socket.port;
		char where[PREFIX_TEXT];

		if (!fate_hidden(ssh[i].fate) || port == refused)
			continue;
		lost = cut_off(config, ssh, n, &ssh[i].socket);
		if (lost) {
			log_error("%s: [tcp] %s port %u, where sshd listens, "
				  "and %s has no other for SSH: %spass = %u",
				  config->path, how_taken(ssh[i].fate), port,
				  prefix_text(lost, where),
				  ssh[i].fate == FATE_CLAIMED ? "leave it "
								"out, or "
							      : "",
				  port);
			refused = port;
		} else if (port != warned) {
			log_warn("%s: [tcp] %s port %u, where sshd listens: "
				 "SSH is left with sshd's other port",
				 config->path, how_taken(ssh[i].fate), port);
			warned = port;
		}
	}
	return !refused;
}

bool ssh_guard(const struct config *config)
{
	struct host_listener *met;
	size_t n;
	bool good;

	if (host_met(config, &met, &n))
		return true; /* the report says that they cannot be listed */
	n = keep_ssh(met, n);
	good = guard(config, met, n);
	free(met);
	return good;
}
