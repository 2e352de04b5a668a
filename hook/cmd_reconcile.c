/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport-hook reconcile */
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "hooklog.h"
#include "privilege.h"
#include "reconcile.h"

#define RECONCILE_MS 30000

static int parse(int argc, char **argv, struct reconcile_options *options,
		 char path[4096])
{
	const char *why;
	int at = 1;

	if (config_option(argc, argv, &at, path, &why)) {
		hooklog_error("%s", why);
		return -1;
	}
	for (; at < argc; at++) {
		if (!strcmp(argv[at], "--dry-run"))
			options->dry_run = true;
		else if (!strcmp(argv[at], "--json"))
			options->json = true;
		else if (!strcmp(argv[at], "--remove"))
			options->remove = true;
		else
			return -1;
	}
	return 0;
}

static int run(struct hook *hook, const struct reconcile_options *options)
{
	const char *missing = privilege_missing();
	const char *state = hook->config->hook.state;
	struct reconcile_result result;

	hook->dir = ledger_dir(state);
	if (hook->dir < 0) {
		hooklog_error("cannot open the state directory %s: %s; "
			      "systemd-tmpfiles --create anyport.conf makes it",
			      state, strerror(-hook->dir));
		return HOOK_FAILED;
	}
	if (missing && !options->dry_run)
		hooklog_error("routes cannot be changed: %s", missing);
	result = reconcile(hook, options);
	if (options->dry_run)
		return result.drift ? HOOK_DRIFT : HOOK_DONE;
	return result.failed ? HOOK_FAILED : HOOK_DONE;
}

int hook_reconcile(int argc, char **argv, struct deadline *deadline)
{
	struct reconcile_options options = { 0 };
	struct hook hook = { .deadline = *deadline, .dir = -1 };
	struct config *config;
	char path[4096];
	int status;

	hooklog_stderr();
	if (parse(argc, argv, &options, path))
		return HOOK_MISUSE;
	if (config_load(path, &config))
		return HOOK_FAILED;
	deadline_set(&hook.deadline, RECONCILE_MS);
	hook.config = config;
	status = run(&hook, &options);
	routes_close(hook.routes);
	config_free(config);
	return status;
}
