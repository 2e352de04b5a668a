/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the door does with each local listener. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static const struct {
	const char *name, *text;
} fates[] = {
	[FATE_AWAY] = { "away", "not at a door address" },
	[FATE_TARGET] = { "target", "is the target" },
	[FATE_PASS] = { "pass", "passed by policy: shows through the door" },
	[FATE_OWN] = { "own", "left alone, its own listener: shows through "
			      "the door" },
	[FATE_CLAIMED] = { "claimed", "hidden: the door claims its port" },
	[FATE_UNSEEN] = { "unseen", "hidden: bound to a device that stands on "
				    "the door's; pass its port" },
};

bool fate_hidden(enum fate fate)
{
	return fate == FATE_CLAIMED || fate == FATE_UNSEEN;
}

const char *fate_name(enum fate fate)
{
	return fates[fate].name;
}

const char *fate_text(enum fate fate)
{
	return fates[fate].text;
}

const char *endpoint_text(const struct ip_prefix *address, uint16_t port,
			  char out[ENDPOINT_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(address->family, &address->v6, ip, sizeof(ip));
	(void)snprintf(out, ENDPOINT_TEXT,
		       address->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
		       port);
	return out;
}

static bool same_address(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->family == b->family &&
	       !memcmp(&a->v6, &b->v6, a->family == AF_INET ? 4 : 16);
}

/* An IPv6 socket bound to ::ffff:192.0.2.1 serves 192.0.2.1. */
static struct ip_prefix unmapped(const struct ip_prefix *a)
{
	struct ip_prefix v4 = { .family = AF_INET, .length = 32 };

	if (a->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->v6))
		return *a;
	memcpy(&v4.v4, &a->v6.s6_addr[12], 4);
	return v4;
}

bool socket_at(const struct host_socket *s, const struct ip_prefix *address)
{
	struct ip_prefix a = unmapped(&s->address);

	if (a.family == AF_INET && a.v4.s_addr == INADDR_ANY)
		return address->family == AF_INET;
	if (a.family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a.v6))
		return address->family == AF_INET6 || !s->v6only;
	return same_address(&a, address);
}

static bool at_door(const struct config *config, const struct host_socket *s)
{
	for (size_t i = 0; i < config->n_address; i++)
		if (socket_at(s, &config->address[i]))
			return true;
	return false;
}

/* Bound to a device that is no uplink of ours: packets cannot get there. */
static bool elsewhere(const struct config *config, const struct host_socket *s)
{
	uint32_t uplink[AP_UPLINKS], n;

	if (!s->ifindex || host_uplinks(config, uplink, &n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (uplink[i] == s->ifindex)
			return false;
	return true;
}

/*
 * Bound to a VLAN or bridge on an interface of ours: the kernel looks sockets up
 * for our program by the interface where that runs, and finds none.
 */
static bool above(const struct config *config, const struct host_socket *s)
{
	if (!s->ifindex)
		return false;
	for (size_t i = 0; i < config->n_interface; i++)
		if (if_nametoindex(config->interface[i]) == s->ifindex)
			return false;
	return true;
}

bool socket_at_loopback(const struct host_socket *s, int family)
{
	struct ip_prefix loopback = { .family = family };

	if (family == AF_INET)
		loopback.v4.s_addr = htonl(INADDR_LOOPBACK);
	else
		loopback.v6 = in6addr_loopback;
	return socket_at(s, &loopback);
}

enum fate host_fate(const struct config *config, const struct ap_policy *policy,
		    const struct host_socket *socket)
{
	const struct ap_policy *p = &policy[socket->port];

	/* A TCP target may also be a TLS wrapper that listens at loopback. */
	if (p->flags & AP_OWN && socket->proto == AP_TCP &&
	    (socket_at_loopback(socket, AF_INET) ||
	     socket_at_loopback(socket, AF_INET6)))
		return FATE_TARGET;
	if (!socket->port || !at_door(config, socket) ||
	    elsewhere(config, socket))
		return FATE_AWAY;
	if (p->flags & AP_PASS)
		return FATE_PASS;
	if (p->flags & AP_OWN)
		return FATE_TARGET;
	if (p->flags & AP_CLAIM)
		return FATE_CLAIMED;
	return above(config, socket) ? FATE_UNSEEN : FATE_OWN;
}

static size_t keep_met(const struct config *config,
		       const struct ap_policy *policy,
		       const struct host_sockets *s, struct host_listener *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct host_listener l = { s->item[i], FATE_AWAY };

		l.fate = host_fate(config, policy + l.socket.proto * 65536,
				   &l.socket);
		if (l.fate != FATE_AWAY)
			out[n++] = l;
	}
	return n;
}

int host_met(const struct config *config, struct host_listener **out, size_t *n)
{
	struct ap_config kernel = { 0 };
	struct ap_policy *policy = NULL;
	struct host_sockets s;
	int err = host_listeners(&s);

	*out = NULL;
	*n = 0;
	if (err)
		return err;
	policy = calloc(AP_PROTOS * 65536, sizeof(*policy));
	*out = calloc(s.n + 1, sizeof(**out));
	if (!policy || !*out) {
		err = -ENOMEM;
		goto out;
	}
	for (int p = 0; p < AP_PROTOS; p++)
		policy_build(config, p, policy + p * 65536, &kernel);
	*n = keep_met(config, policy, &s, *out);
out:
	if (err) {
		free(*out);
		*out = NULL;
	}
	free(policy);
	host_sockets_free(&s);
	return err;
}
