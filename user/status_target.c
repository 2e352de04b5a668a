/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Does OpenVPN listen where the door sends members? */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

static const char *const protos[AP_PROTOS] = { "udp", "tcp" };

/* A TCP target may be a TLS wrapper at the loopback address of its family. */
static bool serves(const struct host_socket *s,
		   const struct status_target *target,
		   const struct ip_prefix *address)
{
	if (s->proto != target->proto || s->port != target->port)
		return false;
	return socket_at(s, address) ||
	       (s->proto == AP_TCP && socket_at_loopback(s, address->family));
}

/* Who listens for this address; notes the program. */
static bool find_listener(const struct status *s, struct status_target *target,
			  const struct ip_prefix *address)
{
	for (size_t i = 0; i < s->n_met; i++) {
		const struct host_socket *socket = &s->met[i].socket;

		if (!serves(socket, target, address))
			continue;
		(void)memcpy(target->program, socket->program,
			     sizeof(target->program));
		return true;
	}
	return false;
}

/* The first target of a protocol is OpenVPN's own, in the unit we ship. */
static void report_silent(struct status *s, const struct status_target *target,
			  bool first)
{
	char *command = NULL;

	if (first)
		command = text_of("systemctl start openvpn-server@%s",
				  protos[target->proto]);
	report_add(&s->report, true, command,
		   "nothing listens on the target, %s port %u",
		   protos[target->proto], target->port);
	free(command);
}

static void check_target(struct status *s, struct status_target *target,
			 bool first)
{
	const struct ip_prefix *deaf[AP_IDS];
	size_t n = 0, asked = 0;
	char ip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < AP_IDS; i++) {
		if (!s->state.in_use[i])
			continue;
		asked++;
		if (!find_listener(s, target, &s->state.address[i]))
			deaf[n++] = &s->state.address[i];
	}
	target->listening = n < asked;
	if (!target->listening) {
		report_silent(s, target, first);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		(void)inet_ntop(deaf[i]->family, &deaf[i]->v6, ip, sizeof(ip));
		report_add(&s->report, true, NULL,
			   "nothing listens on the target, %s port %u, for "
			   "%s: OpenVPN's \"proto %s6\" serves IPv4 and IPv6",
			   protos[target->proto], target->port, ip,
			   protos[target->proto]);
	}
}

void status_targets(struct status *s)
{
	for (int p = 0; p < AP_PROTOS; p++)
		for (uint32_t i = 0;
		     i < s->kernel.n_target[p] && i < AP_TARGETS; i++) {
			struct status_target *t = &s->target[s->n_target++];

			t->proto = p;
			t->port = ntohs(s->kernel.target[p][i]);
			check_target(s, t, !i);
		}
}
