/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The host's packet filter rules, as far as they concern a door: which send
 * its ports elsewhere, which keep conntrack off it, which need conntrack.
 *
 * They are read as "nft -j" and "iptables-save" print them: one format for
 * rules of nft and of iptables-nft, one for those of iptables-legacy, and the
 * handle or line in them is just what the command needs that removes the
 * rule. Decoding the kernel's nf_tables expressions, or the binary blobs of
 * ip_tables, would take a compiler's work backwards.
 */
#ifndef RULES_H
#define RULES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

enum rule_kind {
	RULE_OTHER,   /* of no interest */
	RULE_TRACKS,  /* needs conntrack */
	RULE_NAT,     /* changes the destination; needs conntrack too */
	RULE_NOTRACK, /* keeps conntrack off */
};

enum rule_hook {
	HOOK_OTHER,
	HOOK_PREROUTING,
	HOOK_OUTPUT,
	HOOK_CHAIN, /* a chain that others jump to: any of the hooks */
};

enum rule_end { RULE_DST, RULE_SRC, RULE_ENDS };

#define RULE_V4    1
#define RULE_V6    2
#define RULE_ITEMS 16

/* Up to RULE_ITEMS alternatives; none: any. */
struct rule_addrs {
	struct ip_prefix item[RULE_ITEMS];
	size_t n;
	bool negated;
	bool doubt; /* an alternative was not understood: may match */
};

struct rule_ports {
	struct {
		uint16_t first, last;
	} item[RULE_ITEMS];
	size_t n;
	bool negated;
	bool doubt; /* an alternative was not understood: may match */
};

struct rule_names {
	char item[RULE_ITEMS][IF_NAMESIZE]; /* '*' or '+' at the end: prefix */
	size_t n;
	bool negated;
	bool doubt; /* an alternative was not understood: may match */
};

struct rule {
	enum rule_kind kind;
	enum rule_hook hook;
	uint8_t families; /* RULE_V4 | RULE_V6 */
	uint8_t protos;   /* 1 << enum ap_proto */
	struct rule_addrs addr[RULE_ENDS];
	struct rule_ports port[RULE_ENDS];
	struct rule_names in;
	char *text;    /* for people: the rule, and where it is */
	char *command; /* removes it */
};

struct rules {
	struct rule *item;
	size_t n;
};

/* rules.c. Takes TEXT and COMMAND of RULE over, also when it fails. */
int rules_add(struct rules *rules, const struct rule *rule);
void rule_clear(struct rule *rule);
void rules_free(struct rules *rules);
/* Each adds an alternative; one that does not fit leaves the field in doubt. */
void rule_add_port(struct rule *rule, enum rule_end end, uint32_t first,
		   uint32_t last);
/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" */
void rule_add_addr(struct rule *rule, enum rule_end end, const char *text);
void rule_add_name(struct rule *rule, const char *name);

/* rules_nft.c: what "nft -j list ruleset" prints. */
int rules_parse_nft(const char *json, struct rules *rules);
/*
 * rules_iptables.c: what "iptables-save" prints. COMMAND: the program that
 * removes a rule, "iptables-legacy".
 */
int rules_parse_iptables(const char *text, int family, const char *command,
			 struct rules *rules);
/* Names of xtables matches and targets: need conntrack; change destination. */
bool rules_xt_tracks(const char *name);
bool rules_xt_nats(const char *name);

/*
 * rules_read.c: all rules of this network namespace that could be read, to be
 * freed also after an error. -EPERM: needs root;
 * -ENOENT: no program that could list them is installed.
 */
int rules_read(struct rules *rules);

/* rules.c: questions. */
/* Does the rule send a port of this door elsewhere? */
bool rule_catches(const struct rule *rule, const struct config *config);
/* Is conntrack kept off UDP to (RULE_DST) or from (RULE_SRC) this end? */
bool rules_notrack(const struct rules *rules, const struct config *config,
		   enum rule_end end, const struct ip_prefix *address,
		   uint16_t port);
/* Families, RULE_V4 | RULE_V6, that rules need conntrack for. */
uint8_t rules_track(const struct rules *rules);

#endif
