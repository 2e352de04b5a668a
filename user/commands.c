/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The table of commands, and the usage texts printed from it. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "value.h"

/* In the order of the help: what changes the door, then what reads. */
static const struct command commands[] = {
	{ "load", cmd_load, " [-c FILE] [--confirm SECONDS]",
	  "load the door, or replace the programs of a loaded one",
	  "  -c FILE            read FILE instead of " CONFIG_FILE "\n"
	  "  --confirm SECONDS  undo it unless \"anyport confirm\" follows in time\n"
	  "exit status: 0 loaded, 1 failed and nothing changed, 2 misuse\n" },
	{ "reload", cmd_load, " [-c FILE] [--confirm SECONDS]",
	  "give a loaded door another configuration, without losing a packet",
	  "  -c FILE            read FILE instead of " CONFIG_FILE "\n"
	  "  --confirm SECONDS  undo it unless \"anyport confirm\" follows in time\n"
	  "exit status: 0 done, 1 failed and nothing changed, 2 misuse\n" },
	{ "unload", cmd_unload, "",
	  "take the door away: no program, map or qdisc of it stays",
	  "needs no configuration; unloading what is not loaded is no error\n"
	  "exit status: 0 nothing is loaded any more, 1 failed, 2 misuse\n" },
	{ "confirm", cmd_confirm, " [--wait]",
	  "keep what load or reload --confirm did",
	  "  --wait   keep nothing: wait until it is confirmed or undone\n"
	  "exit status: 0 kept, 1 nothing waited to be confirmed, 2 misuse; with\n"
	  "--wait 0 nothing waits, 1 another configuration is in force than before\n" },
	{ "check", cmd_check, " [-c FILE]",
	  "report errors of the configuration and what the host has in its way",
	  "  -c FILE   read FILE instead of " CONFIG_FILE "\n"
	  "changes nothing; each error is one line on stderr, file:line: why\n"
	  "exit status: 0 no errors, 1 errors, 2 misuse\n" },
	{ "status", cmd_status, " [-c FILE] [--json]",
	  "is the door serving, and if not, which command mends it",
	  "  -c FILE   hold the host against FILE instead of what was loaded\n"
	  "  --json    for programs\n"
	  "exit status: 0 serving, 1 loaded but something is wrong, 2 misuse,\n"
	  "3 not loaded\n" },
	{ "stats", cmd_stats, " [--json] [--watch [SECONDS]]",
	  "what the door has done since it was loaded, in packets",
	  "  --json             for programs\n"
	  "  --watch [SECONDS]  again every SECONDS (1), with rates\n"
	  "exit status: 0 done, 1 failed, 2 misuse\n" },
	{ "flows", cmd_flows,
	  " [--json] [--family 4|6] [--state STATE] [--limit N]",
	  "who is on by UDP, and through which port",
	  "  --json        for programs\n"
	  "  --family 4|6  IPv4 or IPv6 alone\n"
	  "  --state STATE new, verified or established ones alone\n"
	  "  --limit N     no more than N, the busiest first\n"
	  "exit status: 0 done, 1 failed, 2 misuse\n" },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct option cmd_no_long[] = { { NULL, 0, NULL, 0 } };

const struct command *cmd_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

void cmd_list(FILE *out)
{
	fputs("usage: anyport [-v] COMMAND [OPTION ...]\n"
	      "       anyport COMMAND --help | --help | --version\n\n"
	      "  -v        say more, also what the libraries say\n\n",
	      out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-9s %s\n", c->name, c->help);
}

void cmd_help(const struct command *c)
{
	printf("usage: anyport %s%s\n%s\n", c->name, c->usage, c->help);
	if (c->details)
		printf("\n%s", c->details);
}

int cmd_option(int argc, char **argv, const char *letters,
	       const struct option *options)
{
	char *name = argv[0], whole[32];
	int option;

	(void)snprintf(whole, sizeof(whole), "anyport %s", name);
	argv[0] = whole;
	option = getopt_long(argc, argv, letters, options, NULL);
	argv[0] = name;
	return option;
}

int cmd_misuse(const char *name)
{
	const struct command *c = cmd_find(name);

	fprintf(stderr, "usage: anyport %s%s\n", name, c ? c->usage : "");
	return EXIT_MISUSE;
}

bool cmd_seconds(const char *text, unsigned int max, unsigned int *out)
{
	struct why why;
	uint64_t n;

	if (value_number(text, 1, max, &n, &why))
		return false;
	*out = (unsigned int)n;
	return true;
}
