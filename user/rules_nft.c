/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads what "nft -j list ruleset" prints (libnftables-json(5)). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "report.h"
#include "rules.h"

/* conntrack looks at a packet at this priority: notrack must come before. */
#define PRIORITY_CONNTRACK (-200)

static const char *text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* The right side is one value, a list in a set, or the name of a set. */
static void each_value(struct rule *rule, const json_t *right,
		       void (*take)(struct rule *, const json_t *, int),
		       int arg)
{
	const json_t *set = json_object_get(right, "set"), *value;
	size_t i;

	if (json_is_array(set))
		json_array_foreach(set, i, value) take(rule, value, arg);
	else
		take(rule, right, arg);
}

static void take_port(struct rule *rule, const json_t *value, int end)
{
	const json_t *range = json_object_get(value, "range");
	json_int_t first = json_integer_value(value), last = first;

	if (json_is_array(range)) {
		first = json_integer_value(json_array_get(range, 0));
		last = json_integer_value(json_array_get(range, 1));
	} else if (!json_is_integer(value)) {
		rule->port[end].doubt = true;
		return;
	}
	rule_add_port(rule, end, (uint32_t)first, (uint32_t)last);
}

static void take_addr(struct rule *rule, const json_t *value, int end)
{
	const json_t *prefix = json_object_get(value, "prefix");
	const char *addr = json_string_value(value);
	char with[80];

	if (prefix) {
		(void)snprintf(with, sizeof(with), "%s/%d",
			       text(prefix, "addr"),
			       (int)json_integer_value(
				       json_object_get(prefix, "len")));
		addr = with;
	}
	rule_add_addr(rule, end, addr ? addr : "");
}

static void take_name(struct rule *rule, const json_t *value, int unused)
{
	const char *name = json_string_value(value);

	(void)unused;
	if (name && name[0] != '@')
		rule_add_name(rule, name);
	else
		rule->in.doubt = true;
}

static uint8_t proto_bits(const json_t *value)
{
	const char *name = json_string_value(value);
	json_int_t number = json_integer_value(value);

	if (number == 17 || (name && !strcmp(name, "udp")))
		return 1 << AP_UDP;
	if (number == 6 || (name && !strcmp(name, "tcp")))
		return 1 << AP_TCP;
	return 0;
}

static void limit_protos(struct rule *rule, const json_t *right, bool negated)
{
	const json_t *set = json_object_get(right, "set"), *value;
	uint8_t bits = 0;
	size_t i;

	json_array_foreach(set, i, value) bits |= proto_bits(value);
	bits |= proto_bits(right);
	rule->protos &= negated ? ~bits : bits;
}

static uint8_t family_bits(const char *name)
{
	if (!strcmp(name, "inet"))
		return RULE_V4 | RULE_V6;
	if (!strcmp(name, "ip") || !strcmp(name, "ipv4"))
		return RULE_V4;
	return !strcmp(name, "ip6") || !strcmp(name, "ipv6") ? RULE_V6 : 0;
}

/* "< 1024", ">= 1024" and the like. */
static void compare_port(struct rule *rule, const char *op, const json_t *right,
			 int end)
{
	uint32_t port = (uint32_t)json_integer_value(right);
	uint32_t edge = op[1] == '=' ? 0 : 1;

	if (!json_is_integer(right))
		rule->port[end].doubt = true;
	else if (op[0] == '<')
		rule_add_port(rule, end, 0, port - edge);
	else
		rule_add_port(rule, end, port + edge, 65535);
}

static void match_port(struct rule *rule, const char *op, const json_t *right,
		       int end)
{
	if (op[0] == '<' || op[0] == '>') {
		compare_port(rule, op, right, end);
		return;
	}
	rule->port[end].negated = op[0] == '!';
	each_value(rule, right, take_port, end);
}

static void match_payload(struct rule *rule, const json_t *payload,
			  const char *op, const json_t *right)
{
	const char *proto = text(payload, "protocol");
	const char *field = text(payload, "field");
	bool ip = !strcmp(proto, "ip") || !strcmp(proto, "ip6");
	int end = field[0] == 'd' ? RULE_DST : RULE_SRC;

	if (ip)
		rule->families &= family_bits(proto);
	if (!strcmp(proto, "udp"))
		rule->protos &= 1 << AP_UDP;
	if (!strcmp(proto, "tcp"))
		rule->protos &= 1 << AP_TCP;
	if (ip && (!strcmp(field, "daddr") || !strcmp(field, "saddr"))) {
		rule->addr[end].negated = op[0] == '!';
		each_value(rule, right, take_addr, end);
	} else if (!strcmp(field, "dport") || !strcmp(field, "sport")) {
		match_port(rule, op, right, end);
	} else if (!strcmp(field, "protocol") || !strcmp(field, "nexthdr")) {
		limit_protos(rule, right, op[0] == '!');
	}
}

static void match_meta(struct rule *rule, const char *key, const char *op,
		       const json_t *right)
{
	const char *word = json_string_value(right);
	bool negated = op[0] == '!';
	uint8_t bits;

	if (!strcmp(key, "l4proto")) {
		limit_protos(rule, right, negated);
	} else if (!strcmp(key, "nfproto") || !strcmp(key, "protocol")) {
		bits = family_bits(word ? word : "");
		rule->families &= negated ? ~bits : bits;
	} else if (!strcmp(key, "iifname") || !strcmp(key, "iif")) {
		rule->in.negated = negated;
		each_value(rule, right, take_name, 0);
	}
}

static void take_match(struct rule *rule, const json_t *match)
{
	const json_t *left = json_object_get(match, "left");
	const json_t *right = json_object_get(match, "right");
	const json_t *payload = json_object_get(left, "payload");
	const json_t *meta = json_object_get(left, "meta");
	const char *op = text(match, "op");

	if (json_object_get(left, "ct")) {
		if (rule->kind == RULE_OTHER)
			rule->kind = RULE_TRACKS;
	} else if (payload) {
		match_payload(rule, payload, op, right);
	} else if (meta) {
		match_meta(rule, text(meta, "key"), op, right);
	}
}

/* A rule of iptables-nft that has no words in nft's language. */
static void take_xt(struct rule *rule, const json_t *xt)
{
	const char *name = text(xt, "name");

	if (rules_xt_nats(name))
		rule->kind = RULE_NAT;
	else if (!strcmp(name, "CT") || !strcmp(name, "NOTRACK"))
		rule->kind = RULE_NOTRACK;
	else if (rules_xt_tracks(name) && rule->kind == RULE_OTHER)
		rule->kind = RULE_TRACKS;
}

/* Is there a reference to conntrack anywhere below? "ct mark set 1", maps */
static bool mentions_ct(const json_t *value)
{
	const json_t *part;
	const char *key;
	size_t i;

	json_object_foreach((json_t *)value, key,
			    part) if (!strcmp(key, "ct") ||
				      !strncmp(key, "ct ", 3) ||
				      mentions_ct(part)) return true;
	json_array_foreach(value, i, part) if (mentions_ct(part)) return true;
	return false;
}

static void take_statement(struct rule *rule, const char *key,
			   const json_t *value)
{
	static const char *const tracks[] = { "snat", "masquerade", "synproxy",
					      "flow", NULL };

	for (size_t i = 0; tracks[i]; i++)
		if (!strcmp(key, tracks[i]))
			rule->kind = RULE_TRACKS;
	if (!strcmp(key, "match"))
		take_match(rule, value);
	else if (!strcmp(key, "xt"))
		take_xt(rule, value);
	else if (!strcmp(key, "notrack"))
		rule->kind = RULE_NOTRACK;
	else if (!strcmp(key, "dnat") || !strcmp(key, "redirect"))
		rule->kind = RULE_NAT;
	else if (rule->kind == RULE_OTHER &&
		 (!strncmp(key, "ct ", 3) || mentions_ct(value)))
		rule->kind = RULE_TRACKS;
}

static const json_t *find_chain(const json_t *list, const json_t *rule)
{
	const json_t *item, *chain;
	size_t i;

	json_array_foreach(list, i, item)
	{
		chain = json_object_get(item, "chain");
		if (chain &&
		    !strcmp(text(chain, "name"), text(rule, "chain")) &&
		    !strcmp(text(chain, "table"), text(rule, "table")) &&
		    !strcmp(text(chain, "family"), text(rule, "family")))
			return chain;
	}
	return NULL;
}

static enum rule_hook hook_of(const json_t *chain, enum rule_kind kind)
{
	const char *hook = text(chain, "hook");

	if (!hook[0])
		return HOOK_CHAIN;
	if (kind == RULE_NOTRACK &&
	    json_integer_value(json_object_get(chain, "prio")) >=
		    PRIORITY_CONNTRACK)
		return HOOK_OTHER;
	if (!strcmp(hook, "prerouting"))
		return HOOK_PREROUTING;
	return !strcmp(hook, "output") ? HOOK_OUTPUT : HOOK_OTHER;
}

static void name_rule(struct rule *rule, const json_t *object)
{
	const char *family = text(object, "family");
	const char *table = text(object, "table");
	const char *chain = text(object, "chain");
	long long handle =
		json_integer_value(json_object_get(object, "handle"));

	rule->text = text_of("rule %lld of chain %s in table %s %s (nft)",
			     handle, chain, family, table);
	rule->command = text_of("nft delete rule %s %s %s handle %lld", family,
				table, chain, handle);
}

static int take_rule(const json_t *list, const json_t *object,
		     struct rules *rules)
{
	const char *family = text(object, "family"), *key;
	struct rule rule = { .families = family_bits(family),
			     .protos = 1 << AP_UDP | 1 << AP_TCP };
	const json_t *statement;
	json_t *value;
	size_t i;

	if (!rule.families) /* arp, bridge, netdev */
		return 0;
	json_array_foreach(json_object_get(object, "expr"), i, statement)
		json_object_foreach((json_t *)statement, key, value)
			take_statement(&rule, key, value);
	if (rule.kind == RULE_OTHER)
		return 0;
	rule.hook = hook_of(find_chain(list, object), rule.kind);
	name_rule(&rule, object);
	return rules_add(rules, &rule);
}

int rules_parse_nft(const char *json, struct rules *rules)
{
	json_t *root = json_loads(json, 0, NULL);
	const json_t *list = json_object_get(root, "nftables"), *item, *rule;
	int err = json_is_array(list) ? 0 : -EINVAL;
	size_t i;

	json_array_foreach(list, i, item)
	{
		rule = json_object_get(item, "rule");
		if (rule && !err)
			err = take_rule(list, rule, rules);
	}
	json_decref(root);
	return err;
}
