/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the figures are to be. */
#include <string.h>

#include "results.h"

struct target {
	const char *text, *figure;
	const char *key; /* "median", or the interval's end that has to hold */
	bool at_least;
	double limit;
};

static const struct target targets[] = {
	{ "a packet of 1 flow, door : iptables",
	  "in/native:iptables/v4/1/small", "median", false, 0.20 },
	{ "a packet of 10,000 flows, door : iptables",
	  "in/native:iptables/v4/10000/small", "median", false, 0.15 },
	{ "a packet that makes a flow, door : iptables",
	  "new/native:iptables/v4", "median", false, 0.25 },
	{ "... that the limiter drops, above a bare drop : iptables",
	  "new/limited:iptables/v4", "median", false, 0.05 },
	{ "the program alone, 1,000 flows, ns", "program/door/v4/1,000 flows",
	  "median", false, 18 },
	{ "the program alone, traffic not for the door, ns",
	  "program/door/v4/not for the door", "median", false, 4 },
	{ "TCP connections/s, 443 : 1194", "connect/native 443:1194/v4",
	  "median", true, 0.98 },
	{ "TCP throughput, 443 : 1194", "bulk/native 443:1194/v4", "median",
	  true, 0.98 },
	{ "OpenVPN throughput, UDP 443 : 1194, interval above",
	  "openvpn/443:1194/udp", "low", true, 0.97 },
	{ "OpenVPN throughput, TCP 443 : 1194, interval above",
	  "openvpn/443:1194/tcp", "low", true, 0.97 },
	{ "kernel memory of a flow, door : conntrack, IPv4",
	  "memory/door:conntrack/v4", "median", false, 0.28 },
	{ "kernel memory of a flow, door : conntrack, IPv6",
	  "memory/door:conntrack/v6", "median", false, 0.33 },
	{ "hook : script with sudo, both above an empty process",
	  "hook/hook:sudo/pair", "median", false, 0.05 },
	{ "hook : script as root, both above an empty process",
	  "hook/hook:root/pair", "median", false, 0.14 },
};

void targets_judge(json_t *results)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		const struct target *t = &targets[i];
		const json_t *figure = results_figure(results, t->figure);
		double value;

		if (!figure)
			continue;
		value = figure_number(figure, t->key);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:f, s:f, s:b}", "text",
					t->text, "figure", t->figure,
					t->at_least ? "at_least" : "at_most",
					t->limit, "value", value, "reached",
					t->at_least ? value >= t->limit
						    : value <= t->limit));
	}
	(void)json_object_set_new(results, "targets", list);
}

void targets_print(const json_t *results, FILE *out)
{
	const json_t *one;
	size_t i;

	(void)fputs("\nTargets\n", out);
	json_array_foreach(json_object_get(results, "targets"), i, one)
	{
		bool most = json_object_get(one, "at_most") != NULL;

		(void)fprintf(out, "  %-58s %8.3f  %s %-5g  %s\n",
			      json_string_value(json_object_get(one, "text")),
			      figure_number(one, "value"), most ? "<=" : ">=",
			      figure_number(one, most ? "at_most" : "at_least"),
			      json_is_true(json_object_get(one, "reached"))
				      ? "reached"
				      : "missed");
	}
}
