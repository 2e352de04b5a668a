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
#include "view.h"

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

struct guard {
	const struct config *config;
	const struct host_listener *ssh;
	size_t n;
	struct ap_config loaded; /* without addresses: nothing is */
};

/* sshd on a management VLAN's device does not serve the door's addresses. */
static bool serves(const struct host_socket *s, const struct ip_prefix *address)
{
	return socket_at(s, address) &&
	       (!s->ifindex || host_device_holds(s->ifindex, address));
}

static bool is_reached(const struct guard *g, const struct ip_prefix *address)
{
	for (size_t i = 0; i < g->n; i++)
		if (!fate_hidden(g->ssh[i].fate) &&
		    serves(&g->ssh[i].socket, address))
			return true;
	return false;
}

static bool is_loaded(const struct ap_config *c,
		      const struct ip_prefix *address)
{
	if (address->family == AF_INET6) {
		for (uint32_t i = 0; i < c->n6 && i < AP_ADDRS; i++)
			if (!memcmp(c->addr6[i].ip, &address->v6, 16))
				return true;
		return false;
	}
	for (uint32_t i = 0; i < c->n4 && i < AP_ADDRS; i++)
		if (c->addr4[i].ip == address->v4.s_addr)
			return true;
	return false;
}

/* A loaded door does it already: a refusal would save nobody. */
static bool is_taken(const struct guard *g, uint16_t port,
		     const struct ip_prefix *address)
{
	struct ap_policy policy;

	return is_loaded(&g->loaded, address) &&
	       !view_policy(AP_TCP, port, &policy) && policy.flags & AP_CLAIM;
}

/* Of the door addresses where CLAIMED is the only way to sshd. */
struct lost {
	const struct ip_prefix *now, *before; /* NULL: none */
};

static struct lost cut_off(const struct guard *g,
			   const struct host_socket *claimed)
{
	struct lost lost = { NULL, NULL };

	for (size_t i = 0; i < g->config->n_address; i++) {
		const struct ip_prefix *a = &g->config->address[i];

		if (!serves(claimed, a) || is_reached(g, a))
			continue;
		if (is_taken(g, claimed->port, a))
			lost.before = a;
		else
			lost.now = lost.now ?: a;
	}
	return lost;
}

static void warn_left(const struct guard *g, const struct host_listener *l,
		      const struct ip_prefix *before)
{
	const char *path = g->config->path;
	uint16_t port = l->socket.port;
	char where[PREFIX_TEXT];

	if (l->fate == FATE_UNSEEN)
		log_warn("%s: [tcp] sshd's port %u is bound to a device that "
			 "stands on the door's, which hides it at the door's "
			 "addresses: pass = %u",
			 path, port, port);
	else if (before)
		log_warn("%s: [tcp] claim takes port %u, where sshd listens, "
			 "and %s has no other for SSH: it does so already; a "
			 "load at boot is refused",
			 path, port, prefix_text(before, where));
	else
		log_warn("%s: [tcp] claim takes port %u, where sshd listens: "
			 "SSH is left with %s",
			 path, port,
			 l->socket.ifindex ? "other ports and addresses"
					   : "sshd's other port");
}

static void refuse(const struct guard *g, const struct host_socket *s,
		   const struct ip_prefix *lost)
{
	char where[PREFIX_TEXT];

	log_error("%s: [tcp] claim takes port %u, where sshd listens, and %s "
		  "has no other for SSH: leave it out, or pass = %u, or let "
		  "sshd listen at other addresses alone (%s)",
		  g->config->path, s->port, prefix_text(lost, where), s->port,
		  is_systemd(s) ? "ListenStream= of its socket unit"
				: "ListenAddress in sshd_config");
}

static bool guard(const struct guard *g)
{
	uint16_t refused = 0, warned = 0;

	/* By port: one for IPv4 and one for IPv6 are one line. */
	for (size_t i = 0; i < g->n; i++) {
		const struct host_listener *l = &g->ssh[i];
		uint16_t port = l->socket.port;
		struct lost lost = { NULL, NULL };

		if (!fate_hidden(l->fate) || port == refused)
			continue;
		if (l->fate == FATE_CLAIMED)
			lost = cut_off(g, &l->socket);
		if (lost.now) {
			refuse(g, &l->socket, lost.now);
			refused = port;
		} else if (port != warned) {
			warn_left(g, l, lost.before);
			warned = port;
		}
	}
	return !refused;
}

bool ssh_guard(const struct config *config)
{
	struct guard g = { .config = config };
	struct host_listener *met;
	size_t n;
	bool good;

	if (host_met(config, &met, &n))
		return true; /* the report says that they cannot be listed */
	g.ssh = met;
	g.n = keep_ssh(met, n);
	if (view_config(&g.loaded))
		g.loaded = (struct ap_config){ 0 };
	good = guard(&g);
	free(met);
	return good;
}
