/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The ways in: OpenVPN's script, and the commands. */
#ifndef HOOK_COMMAND_H
#define HOOK_COMMAND_H

#include "settle.h"

enum hook_status {
	HOOK_DONE = 0,
	HOOK_FAILED = 1,
	HOOK_MISUSE = 2,
	HOOK_DRIFT = 3, /* reconcile --dry-run only */
};

struct hook_command {
	const char *name;
	int (*run)(int argc, char **argv, struct deadline *deadline);
	const char *usage, *help;
};

int hook_check(int argc, char **argv, struct deadline *deadline);
int hook_reconcile(int argc, char **argv, struct deadline *deadline);
/* -ENOENT when OpenVPN did not call us; else 0 and the exit status. */
int hook_script(int argc, char **argv, char *const envp[],
		struct deadline *deadline, int *status);

/*
 * Where the configuration is, from argv[*AT] on ("-c FILE", which is then
 * stepped over). With raised privilege FILE is a bare name below
 * /etc/anyport. 0, or -EINVAL and in WHY the reason.
 */
int config_option(int argc, char **argv, int *at, char path[4096],
		  const char **why);
/* Reads it; every error is logged. */
int config_load(const char *path, struct config **out);

#endif
