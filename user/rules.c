/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the host's packet filter rules mean for a door. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

void rule_clear(struct rule *rule)
{
	free(rule->text);
	free(rule->command);
	rule->text = rule->command = NULL;
}

int rules_add(struct rules *rules, const struct rule *rule)
{
	struct rule *item = NULL, lost = *rule;

	if (rule->text && rule->command)
		item = reallocarray(rules->item, rules->n + 1, sizeof(*item));
	if (!item) {
		rule_clear(&lost);
		return -ENOMEM;
	}
	rules->item = item;
	item[rules->n++] = *rule;
	return 0;
}

void rules_free(struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		rule_clear(&rules->item[i]);
	free(rules->item);
	*rules = (struct rules){ 0 };
}

void rule_add_port(struct rule *rule, enum rule_end end, uint32_t first,
		   uint32_t last)
{
	struct rule_ports *p = &rule->port[end];

	if (p->n == RULE_ITEMS || first > last || last > 65535) {
		p->doubt = true;
		return;
	}
	p->item[p->n].first = first;
	p->item[p->n++].last = last;
}

static bool parse_prefix(const char *text, struct ip_prefix *p)
{
	char ip[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	unsigned long bits, most;

	if (length >= sizeof(ip))
		return false;
	memcpy(ip, text, length);
	ip[length] = '\0';
	p->family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(p->family, ip, &p->v6) != 1)
		return false;
	bits = most = p->family == AF_INET ? 32 : 128;
	if (text[length])
		bits = strtoul(text + length + 1, NULL, 10);
	p->length = (uint8_t)bits;
	return bits <= most;
}

void rule_add_addr(struct rule *rule, enum rule_end end, const char *text)
{
	struct rule_addrs *a = &rule->addr[end];
	struct ip_prefix p = { 0 };

	if (a->n < RULE_ITEMS && parse_prefix(text, &p))
		a->item[a->n++] = p;
	else
		a->doubt = true;
}

void rule_add_name(struct rule *rule, const char *name)
{
	struct rule_names *in = &rule->in;

	if (in->n == RULE_ITEMS || strlen(name) >= IF_NAMESIZE) {
		in->doubt = true;
		return;
	}
	(void)strcpy(in->item[in->n++], name);
}

static bool prefix_has(const struct ip_prefix *prefix,
		       const struct ip_prefix *address)
{
	const uint8_t *p = (const uint8_t *)&prefix->v6;
	const uint8_t *a = (const uint8_t *)&address->v6;
	uint8_t whole = prefix->length / 8, rest = prefix->length % 8;

	if (prefix->family != address->family || memcmp(p, a, whole))
		return false;
	return !rest || !((p[whole] ^ a[whole]) >> (8 - rest));
}

static bool addrs_have(const struct rule_addrs *addrs,
		       const struct ip_prefix *address)
{
	bool found = false;

	for (size_t i = 0; i < addrs->n; i++)
		found |= prefix_has(&addrs->item[i], address);
	return !addrs->n || addrs->doubt || found != addrs->negated;
}

static bool ports_have(const struct rule_ports *ports, uint16_t port)
{
	bool found = false;

	for (size_t i = 0; i < ports->n; i++)
		found |= port >= ports->item[i].first &&
			 port <= ports->item[i].last;
	return !ports->n || ports->doubt || found != ports->negated;
}

static bool name_is(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (n && (pattern[n - 1] == '*' || pattern[n - 1] == '+'))
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

/* Does it concern packets that come in by one of the door's interfaces? */
static bool names_have(const struct rule_names *names,
		       const struct config *config)
{
	if (!names->n || names->doubt)
		return true;
	for (size_t i = 0; i < config->n_interface; i++) {
		bool found = false;

		for (size_t j = 0; j < names->n; j++)
			found |= name_is(names->item[j], config->interface[i]);
		if (found != names->negated)
			return true;
	}
	return false;
}

static uint8_t family_bit(int family)
{
	return family == AF_INET ? RULE_V4 : RULE_V6;
}

/* A port that the door would take for PROTO, and the rule takes instead. */
static bool takes_port(const struct rule *rule,
		       const struct proto_config *proto)
{
	for (uint32_t port = 1; port <= 65535; port++)
		if (ports_have(&rule->port[RULE_DST], (uint16_t)port) &&
		    !port_in(&proto->pass, (uint16_t)port))
			return true;
	return false;
}

static bool takes_address(const struct rule *rule, const struct config *config)
{
	for (size_t i = 0; i < config->n_address; i++) {
		const struct ip_prefix *a = &config->address[i];

		if (rule->families & family_bit(a->family) &&
		    addrs_have(&rule->addr[RULE_DST], a))
			return true;
	}
	return false;
}

bool rule_catches(const struct rule *rule, const struct config *config)
{
	if (rule->kind != RULE_NAT ||
	    (rule->hook != HOOK_PREROUTING && rule->hook != HOOK_CHAIN) ||
	    !names_have(&rule->in, config) || !takes_address(rule, config))
		return false;
	for (int p = 0; p < AP_PROTOS; p++)
		if (rule->protos & 1 << p &&
		    takes_port(rule, &config->proto[p]))
			return true;
	return false;
}

/*
 * Conditions that are not understood count as fulfilled: this is to find the
 * rules that nobody wrote, not to argue with those that somebody did.
 */
bool rules_notrack(const struct rules *rules, const struct config *config,
		   enum rule_end end, const struct ip_prefix *address,
		   uint16_t port)
{
	enum rule_hook hook = end == RULE_DST ? HOOK_PREROUTING : HOOK_OUTPUT;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->item[i];

		if (r->kind == RULE_NOTRACK &&
		    (r->hook == hook || r->hook == HOOK_CHAIN) &&
		    r->families & family_bit(address->family) &&
		    r->protos & 1 << AP_UDP &&
		    addrs_have(&r->addr[end], address) &&
		    ports_have(&r->port[end], port) && !r->addr[!end].n &&
		    !r->port[!end].n &&
		    (end == RULE_SRC || names_have(&r->in, config)))
			return true;
	}
	return false;
}

uint8_t rules_track(const struct rules *rules)
{
	uint8_t families = 0;

	for (size_t i = 0; i < rules->n; i++)
		if (rules->item[i].kind == RULE_TRACKS ||
		    rules->item[i].kind == RULE_NAT)
			families |= rules->item[i].families;
	return families;
}
