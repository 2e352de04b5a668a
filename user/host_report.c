/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What load, reload and check say about the host. */
#include <stdlib.h>
#include <string.h>

#include "host.h"

void host_inspect(const struct config *config, struct report *report)
{
	host_addresses(config, report);
	host_routes(config, report);
	host_conntrack(config, report);
}

static void print_listeners(const struct config *config, FILE *out)
{
	struct host_listener *met;
	char where[ENDPOINT_TEXT];
	size_t n;
	int err = host_met(config, &met, &n);

	if (err) {
		fprintf(out, "warning: cannot list local listeners: %s\n",
			strerror(-err));
		return;
	}
	if (n)
		fprintf(out, "local listeners at the door's addresses:\n");
	for (size_t i = 0; i < n; i++) {
		const struct host_socket *s = &met[i].socket;

		fprintf(out, "  %s %-24s %-15s %s\n",
			s->proto == AP_TCP ? "tcp" : "udp",
			endpoint_text(&s->address, s->port, where),
			s->program[0] ? s->program : "-",
			fate_text(met[i].fate));
	}
	free(met);
}

static void print_warnings(struct report *report, FILE *out)
{
	report_print(report, "warning: ", out);
	report_free(report);
}

void host_report(const struct config *config, FILE *out)
{
	struct report report = { 0 };

	print_listeners(config, out);
	host_interfaces(config, &report);
	host_inspect(config, &report);
	print_warnings(&report, out);
}

void host_report_door(const struct config *config, FILE *out)
{
	struct report report = { 0 };

	host_interfaces(config, &report);
	host_addresses(config, &report);
	print_warnings(&report, out);
}
