/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The host around the door: local listeners, SSH sessions, NAT rules,
 * conntrack, routes and addresses. Looks, changes nothing.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config.h"
#include "report.h"

/* A TCP or UDP socket of this network namespace. */
struct host_socket {
	enum ap_proto proto;
	struct ip_prefix address; /* local, as bound; 0.0.0.0 and :: wildcard */
	uint16_t port;            /* host byte order */
	bool v6only;
	uint32_t ifindex; /* bound to this device; 0: any */
	uint32_t inode;   /* 0: the kernel's own */
	char program[16]; /* "": not known */
};

struct host_sockets {
	struct host_socket *item;
	size_t n;
	bool hidden; /* some process would not show its files: names lack */
};

/* host_sockets.c: what listens, one of each, sorted by protocol and port. */
int host_listeners(struct host_sockets *out);
/* TCP connections, their local ends. */
int host_connections(struct host_sockets *out);
void host_sockets_free(struct host_sockets *sockets);

/* host_owner.c: fills the program names in. */
void host_owners(struct host_sockets *sockets);

/*
 * host_ssh.c: local ports with an established SSH connection, host byte order,
 * each once. Errs on the side of naming one too many. At most MAX are stored;
 * returns how many there are.
 */
size_t host_ssh_ports(uint16_t out[], size_t max);
#define SSH_PORT 22
bool host_is_ssh(const struct host_socket *s);

/*
 * ssh_guard.c: warns of each claim that takes a port where sshd listens; false,
 * and errors, when a door address would have none left and has one now.
 */
bool ssh_guard(const struct config *config);

/* host_fate.c: what the door does with a listener. */
enum fate {
	FATE_AWAY,    /* not at a door address: the door never meets it */
	FATE_TARGET,  /* the target itself */
	FATE_PASS,    /* policy is pass: shows through */
	FATE_OWN,     /* left alone, its own listener: shows through */
	FATE_CLAIMED, /* the door takes its port */
	FATE_UNSEEN,  /* so it does, for it does not see who listens */
};

/* POLICY: the table of the socket's protocol, index: port. */
enum fate host_fate(const struct config *config, const struct ap_policy *policy,
		    const struct host_socket *socket);
/* Does it get what is sent to ADDRESS? */
bool socket_at(const struct host_socket *s, const struct ip_prefix *address);
bool socket_at_loopback(const struct host_socket *s, int family);
/* Does OpenVPN get what is for it? */
bool fate_hidden(enum fate fate);
const char *fate_name(enum fate fate); /* for --json */
const char *fate_text(enum fate fate); /* for people */

struct host_listener {
	struct host_socket socket;
	enum fate fate;
};

/* Those that are not FATE_AWAY. OUT is to be freed. */
int host_met(const struct config *config, struct host_listener **out,
	     size_t *n);

/* "192.0.2.1:53", "[2001:db8::1]:53" */
#define ENDPOINT_TEXT 56
const char *endpoint_text(const struct ip_prefix *address, uint16_t port,
			  char out[ENDPOINT_TEXT]);

/* host_routes.c: the interfaces that carry the door, and what stands on them.
 */
int host_uplinks(const struct config *config, uint32_t out[AP_UPLINKS],
		 uint32_t *n);
/* Which of config->address[] some interface holds; 0 or -errno.
 */
int host_holds(const struct config *config, bool held[AP_ADDRS]);
bool host_device_holds(uint32_t ifindex, const struct ip_prefix *address);
/*
 * Warn of interfaces that do not exist or can be no uplink, of addresses not
 * held, of routes around our egress.
 */
void host_interfaces(const struct config *config, struct report *report);
void host_addresses(const struct config *config, struct report *report);
void host_routes(const struct config *config, struct report *report);

/* host_conntrack.c: NAT rules, conntrack entries, missing notrack rules. */
void host_conntrack(const struct config *config, struct report *report);

/*
 * host_report.c: everything that concerns this configuration into REPORT. What
 * is wrong for a loaded door is marked as such.
 */
void host_inspect(const struct config *config, struct report *report);
/* For load and check: listeners met by the door and the warnings. */
void host_report(const struct config *config, FILE *out);
/* For reload: what of [door] is not there. */
void host_report_door(const struct config *config, FILE *out);

#endif
