/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport: finds the command and runs it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "log.h"

static bool wants_help(const char *argument)
{
	return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static int run(int argc, char **argv)
{
	const struct command *c = cmd_find(argv[0]);

	if (!c) {
		log_error("no command \"%s\"; \"anyport --help\" lists them",
			  argv[0]);
		return EXIT_MISUSE;
	}
	for (int i = 1; i < argc; i++) {
		if (!wants_help(argv[i]))
			continue;
		cmd_help(c);
		return EXIT_DONE;
	}
	return c->run(argc, argv);
}

static int dispatch(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-v")) {
			log_verbose = true;
		} else if (!strcmp(argv[i], "--version")) {
			puts("anyport " VERSION);
			return EXIT_DONE;
		} else if (wants_help(argv[i])) {
			cmd_list(stdout);
			return EXIT_DONE;
		} else {
			log_error("no option \"%s\"", argv[i]);
			cmd_list(stderr);
			return EXIT_MISUSE;
		}
	}
	if (i < argc)
		return run(argc - i, argv + i);
	cmd_list(stderr);
	return EXIT_MISUSE;
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_error("cannot write to standard output: %m");
	return status ? status : EXIT_FAILED;
}
