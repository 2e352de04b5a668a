/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * anyport.conf as the operator wrote it, checked but not yet tied to a kernel:
 * nothing here asks whether an interface or address exists. Used by the
 * commands and by the hook.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../bpf/anyport.h"

enum attach_mode { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC, ATTACH_TC };

/* An IPv4 or IPv6 address, or a prefix of them. */
struct ip_prefix {
	int family; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	uint8_t length; /* bits; 32 or 128 for a host */
};

/* One bit per port, host byte order. */
struct port_set {
	uint64_t bits[1024];
};

struct port_map {
	uint16_t dialled, target; /* host byte order */
};

struct proto_config {
	uint16_t target;	    /* host byte order */
	struct port_set pass;	    /* as written, plus what always passes */
	struct port_set claim;
	struct port_map *map; /* sorted by dialled port */
	size_t n_map;
};

struct limits_config {
	uint32_t established, half_open, remembered; /* entries per family */
	uint32_t established_idle, half_open_idle, remembered_idle; /* s */
	uint32_t budget[AP_CLASSES]; /* packets/s; 0: off */
	uint32_t prefix_share;	     /* % of a budget that one prefix may take
					when the budget is short */
	uint32_t reserve;	     /* % of a budget kept for known prefixes */
	uint16_t nat_first, nat_last; /* host byte order; first > last: none */
};

struct hook_config {
	char *users; /* directory of accounts */
	char *state; /* directory of the ledger */
	char (*device)[IF_NAMESIZE];
	size_t n_device;
	struct ip_prefix *range;
	size_t n_range;
	uint32_t table;	   /* routing table */
	uint8_t protocol;  /* route protocol number */
	uint32_t metric;
	uint32_t deadline; /* ms */
	bool unreachable;
};

/* One OpenVPN instance: `management = NAME SOCKET`, `status = NAME FILE`. */
struct instance_config {
	char *name;
	char *management; /* NULL: none */
	char *status;	  /* NULL: none */
};

struct config {
	char *path; /* the file, for messages */
	int64_t mtime; /* its, ns, before it was read; 0: not known */
	char (*interface)[IF_NAMESIZE];
	size_t n_interface;
	struct ip_prefix address[AP_ADDRS];
	size_t n_address;
	enum attach_mode attach;
	bool filter;
	uint32_t mark; /* SO_MARK of the UDP socket of OpenVPN; 0: none */
	struct proto_config proto[AP_PROTOS];
	struct limits_config limits;
	struct hook_config hook;
	struct instance_config *instance;
	size_t n_instance;
};

/*
 * Reads FILE. Every error is reported to ERRORS as "file:line: why", all of
 * them before it returns. 0, or -errno (-EINVAL when the content is wrong);
 * on success *OUT is the caller's, to be freed by config_free().
 */
int config_read(const char *file, FILE *errors, struct config **out);
/*
 * The same from an open file; NAME is for the messages. CONFIG_HOOK reads
 * [hook] and [openvpn] alone: a mistake elsewhere must not keep members out.
 */
enum config_part { CONFIG_ALL, CONFIG_HOOK };
int config_parse(FILE *in, const char *name, enum config_part part,
		 FILE *errors, struct config **out);
void config_free(struct config *config);

static inline bool port_in(const struct port_set *set, uint16_t port)
{
	return set->bits[port >> 6] >> (port & 63) & 1;
}

/* The local ports that PROTO sends to: target first, then those of map, each
 * once, host byte order. Returns how many; at most AP_TARGETS. */
size_t config_targets(const struct config *config, enum ap_proto proto,
		      uint16_t out[AP_TARGETS]);

/*
 * policy.c: what the programs read. TABLE has 65536 entries, index: port in
 * host byte order. Fills also target[] and n_target[] of KERNEL.
 */
void policy_build(const struct config *config, enum ap_proto proto,
		  struct ap_policy *table, struct ap_config *kernel);
/* limits, idle times, nat-ports and filter of KERNEL; not addresses, uplinks,
 * which the loader knows. */
void policy_limits(const struct config *config, struct ap_config *kernel);

#endif
