/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport status, for people. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "output.h"
#include "status.h"

#define LABEL "  %-8s "

static const char *ago(int64_t seconds, char out[32])
{
	static const struct {
		int64_t unit;
		const char *name;
	} units[] = { { 86400, "days" }, { 3600, "hours" }, { 60, "minutes" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (seconds >= 2 * units[i].unit) {
			(void)snprintf(out, 32, "%" PRId64 " %s ago",
				       seconds / units[i].unit, units[i].name);
			return out;
		}
	(void)snprintf(out, 32, "%" PRId64 " s ago", seconds > 0 ? seconds : 0);
	return out;
}

static void print_head(const struct status *s, int64_t now)
{
	bool good = report_good(&s->report);
	char when[32], age[32];
	time_t at = s->state.reloaded;
	struct tm tm;

	printf("%s%s%s", colour(stdout, good ? GREEN : RED),
	       good ? "anyport is serving"
		    : "anyport is loaded, but something "
		      "is wrong",
	       colour(stdout, PLAIN));
	if (at && localtime_r(&at, &tm) &&
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm))
		printf("; %s by version %s on %s, %s",
		       s->state.reloaded == s->state.loaded ? "loaded"
							    : "last changed",
		       s->state.version, when, ago(now - at, age));
	putchar('\n');
}

static const char *presence(const struct status_uplink *u)
{
	if (!u->as.ifindex)
		return "not attached";
	if (!u->present)
		return "gone";
	if (u->ingress == NO || u->egress == NO)
		return "detached";
	return u->up ? "up" : "down";
}

static void print_uplinks(const struct status *s)
{
	for (size_t i = 0; i < s->n_uplink; i++) {
		const struct status_uplink *u = &s->uplink[i];

		printf(LABEL "%s: %s", i ? "" : "uplinks", u->as.name,
		       presence(u));
		if (u->as.ifindex)
			printf("; %s", mode_text(&u->as));
		if (u->as.why[0])
			printf(" (%s)", u->as.why);
		putchar('\n');
	}
}

static void print_addresses(const struct status *s)
{
	const char *label = "door";
	char ip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < AP_IDS; i++) {
		const struct ip_prefix *a = &s->state.address[i];

		if (!s->state.in_use[i] ||
		    !inet_ntop(a->family, &a->v6, ip, sizeof(ip)))
			continue;
		printf(LABEL "%s%s\n", label, ip,
		       s->held[i] ? "" : " (inactive: on no interface)");
		label = "";
	}
}

static void print_targets(const struct status *s)
{
	for (size_t i = 0; i < s->n_target; i++) {
		const struct status_target *t = &s->target[i];
		const char *who = t->program[0] ? t->program : "somebody";

		printf(LABEL "%s %u: %s listens\n", i ? "" : "targets",
		       t->proto == AP_UDP ? "udp" : "tcp", t->port,
		       t->listening ? who : "nothing");
	}
	if (s->steering == UNKNOWN)
		printf(LABEL "only root can see whether TCP is steered\n", "");
}

static void print_fill(const char *label, const char *name,
		       const struct status_fill *fill)
{
	printf(LABEL "%u %s (IPv4 %u of %u, IPv6 %u of %u)\n", label,
	       fill->entries[0] + fill->entries[1], name, fill->entries[0],
	       fill->room[0], fill->entries[1], fill->room[1]);
}

static void print_shown(const struct status *s)
{
	const char *label = "open";
	char where[ENDPOINT_TEXT];

	for (size_t i = 0; i < s->n_met; i++) {
		const struct host_socket *l = &s->met[i].socket;

		if (s->met[i].fate != FATE_OWN && s->met[i].fate != FATE_PASS)
			continue;
		printf(LABEL "%s %s %s\n", label,
		       l->proto == AP_UDP ? "udp" : "tcp",
		       endpoint_text(&l->address, l->port, where),
		       l->program[0] ? l->program : "");
		label = "";
	}
	if (!*label)
		printf(LABEL "these listeners show through the door; a "
			     "firewall decides who gets to them\n",
		       "");
}

static void print_findings(const struct status *s, bool wrong)
{
	enum colour c = wrong ? RED : YELLOW;

	for (size_t i = 0; i < s->report.n; i++) {
		const struct finding *f = &s->report.item[i];

		if (f->wrong != wrong)
			continue;
		printf("%s%s%s %s\n", colour(stdout, c),
		       wrong ? "wrong:" : "note:", colour(stdout, PLAIN),
		       f->what);
		if (f->command)
			printf("  mend: %s\n", f->command);
	}
}

void status_print(const struct status *s, int64_t now)
{
	if (!s->loaded)
		puts("anyport is not loaded in this network namespace");
	else
		print_head(s, now);
	if (s->path) {
		printf(LABEL "%s\n", "config", s->path);
		print_uplinks(s);
		print_addresses(s);
		print_targets(s);
		print_fill("flows", "established", &s->established);
		print_fill("", "half-open", &s->half_open);
		printf(LABEL "%" PRIu64 " packets dropped since it was loaded, "
			     "%.0f/s now\n",
		       "limiter", s->dropped, s->dropping);
		print_shown(s);
	}
	print_findings(s, true);
	print_findings(s, false);
}
