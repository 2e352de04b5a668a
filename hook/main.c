/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport-hook: OpenVPN's script events, and two commands for people. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "deadline.h"
#include "privilege.h"

extern char **environ;

static const struct hook_command commands[] = {
	{ "check", hook_check, "[-c FILE] [NAME]",
	  "read the accounts and report every mistake" },
	{ "reconcile", hook_reconcile,
	  "[-c FILE] [--dry-run] [--json] [--remove]",
	  "make sessions, status files and routes agree" },
};

static void usage(FILE *out)
{
	fprintf(out, "usage: anyport-hook [-c FILE]     as OpenVPN's script: "
		     "client-connect, client-disconnect, up, down\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(out, "       anyport-hook %s %s\n%24s%s\n",
			commands[i].name, commands[i].usage, "",
			commands[i].help);
}

static int run_command(int argc, char **argv, struct deadline *deadline)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(name, "--version")) {
		puts("anyport-hook " VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		int status;

		if (strcmp(commands[i].name, name))
			continue;
		status = commands[i].run(argc - 1, argv + 1, deadline);
		if (status == HOOK_MISUSE)
			usage(stderr);
		return status;
	}
	usage(stderr);
	return HOOK_MISUSE;
}

int main(int argc, char **argv)
{
	struct deadline deadline;
	int status;

	deadline_start(&deadline);
	privilege_start();
	if (!hook_script(argc, argv, environ, &deadline, &status))
		return status;
	return run_command(argc, argv, &deadline);
}
