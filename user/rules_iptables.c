/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads what iptables-save prints. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "rules.h"

#define WORDS 128

/* Which tells what: targets and matches that need conntrack. */
static const char *const tracking[] = {
	"DNAT",        "REDIRECT",  "NETMAP",    "SNAT",   "MASQUERADE",
	"CONNMARK",    "SYNPROXY",  "conntrack", "state",  "connmark",
	"connlimit",   "connlabel", "connbytes", "helper", "cluster",
	"CONNSECMARK", NULL,
};

bool rules_xt_tracks(const char *name)
{
	for (size_t i = 0; tracking[i]; i++)
		if (!strcmp(tracking[i], name))
			return true;
	return false;
}

bool rules_xt_nats(const char *name)
{
	return !strcmp(name, "DNAT") || !strcmp(name, "REDIRECT") ||
	       !strcmp(name, "NETMAP");
}

/*
 * Splits LINE, which it overwrites, at blanks outside double quotes. Too many
 * words: what is over is left out and -E2BIG returned.
 */
static int split(char *line, char *word[WORDS], size_t *n)
{
	char *to;

	for (*n = 0;;) {
		while (*line == ' ')
			line++;
		if (!*line)
			return 0;
		if (*n == WORDS)
			return -E2BIG;
		word[(*n)++] = to = line;
		for (bool quoted = false; *line && (quoted || *line != ' ');
		     line++) {
			if (*line == '"')
				quoted = !quoted;
			else if (*line == '\\' && line[1])
				*to++ = *++line;
			else
				*to++ = *line;
		}
		line += *line != '\0';
		*to = '\0';
	}
}

/* "53", "1:65535", ":1023", "22,80,1000:2000" */
static void take_ports(struct rule *rule, enum rule_end end, const char *list,
		       bool negated)
{
	rule->port[end].negated = negated;
	while (*list) {
		char *rest;
		unsigned long first = 0, last;

		if (*list != ':')
			first = strtoul(list, &rest, 10);
		else
			rest = (char *)list;
		last = first;
		if (*rest == ':') {
			list = rest + 1;
			last = isdigit((unsigned char)*list)
				       ? strtoul(list, &rest, 10)
				       : 65535;
			if (last == 65535 && !isdigit((unsigned char)*list))
				rest = (char *)list;
		}
		if (*rest && *rest != ',') { /* a name of a service */
			rule->port[end].doubt = true;
			return;
		}
		rule_add_port(rule, end, first, last);
		list = *rest ? rest + 1 : rest;
	}
}

static void take_addr(struct rule *rule, enum rule_end end, const char *text,
		      bool negated)
{
	rule->addr[end].negated = negated;
	rule_add_addr(rule, end, text);
}

static void take_proto(struct rule *rule, const char *name, bool negated)
{
	uint8_t bit = !strcmp(name, "udp") || !strcmp(name, "17")  ? 1 << AP_UDP
		      : !strcmp(name, "tcp") || !strcmp(name, "6") ? 1 << AP_TCP
		      : !strcmp(name, "all") || !strcmp(name, "0")
			      ? 1 << AP_UDP | 1 << AP_TCP
			      : 0;

	rule->protos &= negated ? ~bit : bit;
}

static void take_match(struct rule *rule, const char *name)
{
	if (rules_xt_tracks(name) && rule->kind == RULE_OTHER)
		rule->kind = RULE_TRACKS;
}

/* REST: the words after "-j TARGET". */
static void take_target(struct rule *rule, const char *name, char **rest,
			size_t n)
{
	if (rules_xt_nats(name)) {
		rule->kind = RULE_NAT;
	} else if (!strcmp(name, "NOTRACK")) {
		rule->kind = RULE_NOTRACK;
	} else if (!strcmp(name, "CT")) {
		rule->kind = RULE_TRACKS;
		for (size_t i = 0; i < n; i++)
			if (!strcmp(rest[i], "--notrack"))
				rule->kind = RULE_NOTRACK;
	} else if (rules_xt_tracks(name)) {
		rule->kind = RULE_TRACKS;
	}
}

/* One option with its argument. */
static void take_option(struct rule *rule, const char *option, const char *arg,
			bool negated)
{
	if (!strcmp(option, "-d"))
		take_addr(rule, RULE_DST, arg, negated);
	else if (!strcmp(option, "-s"))
		take_addr(rule, RULE_SRC, arg, negated);
	else if (!strcmp(option, "-p"))
		take_proto(rule, arg, negated);
	else if (!strcmp(option, "-m"))
		take_match(rule, arg);
	else if (!strcmp(option, "--dport") || !strcmp(option, "--dports"))
		take_ports(rule, RULE_DST, arg, negated);
	else if (!strcmp(option, "--sport") || !strcmp(option, "--sports"))
		take_ports(rule, RULE_SRC, arg, negated);
	else if (!strcmp(option, "-i")) {
		rule->in.negated = negated;
		rule_add_name(rule, arg);
	}
}

static void take_words(struct rule *rule, char **word, size_t n)
{
	bool negated = false;

	for (size_t i = 2; i < n; i++) { /* after -A CHAIN */
		const char *arg = i + 1 < n ? word[i + 1] : "";

		if (!strcmp(word[i], "!")) {
			negated = true;
			continue;
		}
		if (!strcmp(word[i], "-j") || !strcmp(word[i], "-g")) {
			take_target(rule, arg, word + i, n - i);
			return;
		}
		if (word[i][0] == '-') {
			take_option(rule, word[i], arg, negated);
			i += arg[0] != '-' && arg[0] != '!';
		}
		negated = false;
	}
}

static enum rule_hook hook_of(const char *table, const char *chain,
			      enum rule_kind kind)
{
	enum rule_hook hook = HOOK_CHAIN;

	if (!strcmp(chain, "PREROUTING"))
		hook = HOOK_PREROUTING;
	else if (!strcmp(chain, "OUTPUT"))
		hook = HOOK_OUTPUT;
	else if (!strcmp(chain, "INPUT") || !strcmp(chain, "FORWARD") ||
		 !strcmp(chain, "POSTROUTING"))
		hook = HOOK_OTHER;
	/* Elsewhere conntrack has seen the packet before. */
	if (kind == RULE_NOTRACK && strcmp(table, "raw") != 0)
		hook = HOOK_OTHER;
	return hook;
}

static int take_rule(const char *line, const char *table, int family,
		     const char *command, struct rules *rules)
{
	struct rule rule = {
		.families = family == AF_INET ? RULE_V4 : RULE_V6,
		.protos = 1 << AP_UDP | 1 << AP_TCP,
	};
	char *word[WORDS], *copy = strdup(line);
	size_t n;

	if (!copy)
		return -ENOMEM;
	(void)split(copy, word, &n);
	if (n > 2)
		take_words(&rule, word, n);
	if (rule.kind != RULE_OTHER) {
		rule.hook = hook_of(table, word[1], rule.kind);
		rule.text =
			text_of("\"%s\" (%s, table %s)", line, command, table);
		rule.command = text_of("%s -t %s -D %s", command, table,
				       line + strlen("-A "));
	}
	free(copy);
	return rule.kind == RULE_OTHER ? 0 : rules_add(rules, &rule);
}

int rules_parse_iptables(const char *text, int family, const char *command,
			 struct rules *rules)
{
	char table[32] = "";
	char *line, *rest, *copy = strdup(text);
	int err = copy ? 0 : -ENOMEM;

	for (line = copy ? strtok_r(copy, "\n", &rest) : NULL; line && !err;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (line[0] == '*')
			(void)snprintf(table, sizeof(table), "%s", line + 1);
		else if (!strncmp(line, "-A ", 3))
			err = take_rule(line, table, family, command, rules);
	}
	free(copy);
	return err;
}
