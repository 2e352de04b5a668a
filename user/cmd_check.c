/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport check: is the configuration right, and what would it do? */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account_dir.h"
#include "cmd.h"
#include "config.h"
#include "host.h"
#include "log.h"
#include "value.h"

#define PORTS 65536
#define LABEL "  %-8s "

static void print_door(const struct config *c)
{
	static const char *const modes[] = {
		[ATTACH_AUTO] = "attach = auto",
		[ATTACH_NATIVE] = "XDP native",
		[ATTACH_GENERIC] = "XDP generic",
		[ATTACH_TC] = "tc ingress",
	};
	char text[PREFIX_TEXT];

	printf(LABEL, "door");
	for (size_t i = 0; i < c->n_address; i++)
		printf("%s%s", i ? ", " : "",
		       prefix_text(&c->address[i], text));
	for (size_t i = 0; i < c->n_interface; i++)
		printf("%s%s", i ? ", " : " on ", c->interface[i]);
	printf(" (%s)\n", modes[c->attach]);
}

/* A target's own port counts with the ports that lead to it. */
static bool alike(const struct ap_policy *a, const struct ap_policy *b)
{
	if (a->flags == AP_PASS || b->flags == AP_PASS)
		return a->flags == b->flags;
	return a->port == b->port &&
	       (a->flags & AP_CLAIM) == (b->flags & AP_CLAIM);
}

/* Ranges of ports whose policy is LIKE, on one line; nothing if none is. */
static void print_ports(const char *label, const char *text,
			const struct ap_policy *table,
			const struct ap_policy *like)
{
	const char *between = "";
	unsigned int from = 1, to;

	for (; from < PORTS; from = to + 1) {
		for (to = from; to < PORTS; to++)
			if (!alike(&table[to], like))
				break;
		if (to-- == from) {
			to++;
			continue;
		}
		if (!*between)
			printf(LABEL "%s", label, text);
		printf(to > from ? "%s%u-%u" : "%s%u", between, from, to);
		between = ", ";
	}
	if (*between)
		putchar('\n');
}

static void print_proto(const struct config *c, enum ap_proto proto,
			struct ap_policy *table)
{
	static const char *const names[AP_PROTOS] = { "udp", "tcp" };
	struct ap_policy like = { .flags = AP_PASS };
	struct ap_config kernel;
	char text[80];

	policy_build(c, proto, table, &kernel);
	for (size_t i = 0; i < kernel.n_target[proto]; i++) {
		unsigned int port = ntohs(kernel.target[proto][i]);

		like.port = kernel.target[proto][i];
		(void)snprintf(text, sizeof(text),
			       "to %u, local services excepted: ", port);
		like.flags = 0;
		print_ports(names[proto], text, table, &like);
		(void)snprintf(text, sizeof(text),
			       "to %u, local services too: ", port);
		like.flags = AP_CLAIM;
		print_ports(names[proto], text, table, &like);
	}
	like.flags = AP_PASS;
	print_ports(names[proto], "left alone: ", table, &like);
}

static void print_limits(const struct limits_config *l)
{
	static const char *const names[AP_CLASSES] = { "resets",
						       "other control",
						       "data" };

	printf(LABEL "packets a second of unknown flows:", "limits");
	for (int i = 0; i < AP_CLASSES; i++)
		if (l->budget[i])
			printf("%s %s %u", i ? "," : "", names[i],
			       l->budget[i]);
		else
			printf("%s %s unlimited", i ? "," : "", names[i]);
	printf("\n" LABEL "idle: established %u s, half-open %u s\n", "limits",
	       l->established_idle, l->half_open_idle);
	if (l->nat_first <= l->nat_last)
		printf(LABEL "masqueraded clients leave from UDP %u-%u\n",
		       "limits", l->nat_first, l->nat_last);
}

static void print_hook(const struct hook_config *h)
{
	char text[PREFIX_TEXT];

	if (!h->n_range)
		return;
	printf(LABEL "accounts in %s; addresses from ", "hook", h->users);
	for (size_t i = 0; i < h->n_range; i++)
		printf("%s%s", i ? ", " : "", prefix_text(&h->range[i], text));
	for (size_t i = 0; i < h->n_device; i++)
		printf("%s%s", i ? ", " : ", by ", h->device[i]);
	putchar('\n');
}

static int print_summary(const struct config *c)
{
	struct ap_policy *table = calloc(PORTS, sizeof(*table));

	if (!table)
		return EXIT_FAILED;
	printf("%s: no errors\n", c->path);
	print_door(c);
	for (enum ap_proto proto = 0; proto < AP_PROTOS; proto++)
		print_proto(c, proto, table);
	print_limits(&c->limits);
	print_hook(&c->hook);
	free(table);
	return EXIT_DONE;
}

/* ---- accounts -----------------------------------------------------------*/

static bool is_link(const char *path)
{
	size_t n = strlen(path);
	char name[PATH_MAX];
	struct stat st;

	while (n > 1 && path[n - 1] == '/') /* it would be followed */
		n--;
	if (n >= sizeof(name))
		return false;
	memcpy(name, path, n);
	name[n] = '\0';
	return !lstat(name, &st) && S_ISLNK(st.st_mode);
}

/* What the hook refuses members for, by its own words; and a link, which leads
 * elsewhere as soon as somebody changes it. */
static void look_at_accounts(const char *path, struct report *report)
{
	char why[ACCOUNT_WHY], *real;
	int fd;

	if (is_link(path)) {
		real = realpath(path, NULL);
		report_add(report, true, NULL,
			   "accounts: %s is a symbolic link: name the "
			   "directory itself in [hook] users%s%s",
			   path, real ? ": " : "", real ? real : "");
		free(real);
	}
	fd = account_dir(path, account_as_owner(), why);
	if (fd >= 0)
		close(fd);
	else
		report_add(report, true, NULL, "accounts: %s%s", why,
			   fd == -EACCES && geteuid()
				   ? "; check as root says more"
				   : "");
}

static void check_accounts(const struct hook_config *h)
{
	struct report report = { 0 };

	if (h->n_range)
		look_at_accounts(h->users, &report);
	report_print(&report, "warning: ", stdout);
	report_free(&report);
}

int cmd_check(int argc, char **argv)
{
	const char *file = CONFIG_FILE;
	struct config *config;
	int option, status;

	while ((option = cmd_option(argc, argv, "c:", cmd_no_long)) != -1) {
		if (option != 'c')
			return cmd_misuse(argv[0]);
		file = optarg;
	}
	if (optind < argc) {
		log_error("check takes no argument \"%s\"; name a file with -c",
			  argv[optind]);
		return cmd_misuse(argv[0]);
	}
	if (config_read(file, stderr, &config))
		return EXIT_FAILED;
	status = ssh_guard(config) ? print_summary(config) : EXIT_FAILED;
	if (status == EXIT_DONE) {
		host_report(config, stdout);
		check_accounts(&config->hook);
	}
	config_free(config);
	return status;
}
