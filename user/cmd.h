/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The commands: one function each, dispatched from the table in commands.c. */
#ifndef CMD_H
#define CMD_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_MISUSE = 2,
	EXIT_NOT_LOADED = 3, /* status only */
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
	const char *usage;		   /* " [-c FILE] [--json]" */
	const char *help;		   /* one line */
	const char *details;		   /* for NAME --help: options */
};

int cmd_load(int argc, char **argv);	/* cmd_load.c: load and reload */
int cmd_unload(int argc, char **argv);	/* cmd_unload.c */
int cmd_confirm(int argc, char **argv); /* confirm.c */
int cmd_check(int argc, char **argv);	/* cmd_check.c */
int cmd_status(int argc, char **argv);	/* cmd_status.c */
int cmd_stats(int argc, char **argv);	/* cmd_stats.c */
int cmd_flows(int argc, char **argv);	/* cmd_flows.c */

/* commands.c: NULL when there is no such command. */
const struct command *cmd_find(const char *name);
void cmd_list(FILE *out);
void cmd_help(const struct command *command);

/* For those without any: the errors name a long one whole. */
extern const struct option cmd_no_long[];

/* getopt_long(), whose errors begin with "anyport NAME:". */
int cmd_option(int argc, char **argv, const char *letters,
	       const struct option *options);

/* Prints the named command's usage; returns EXIT_MISUSE. */
int cmd_misuse(const char *name);

/* Whole seconds from 1 to MAX. */
bool cmd_seconds(const char *text, unsigned int max, unsigned int *out);

#define CONFIG_FILE "/etc/anyport/anyport.conf"

#endif
