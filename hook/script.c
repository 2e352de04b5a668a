/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* OpenVPN calls: one event, one exit status. */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "event.h"
#include "hooklog.h"
#include "privilege.h"

static void dispatch(struct hook *hook, const char *file, int *status)
{
	const char *missing = privilege_missing();

	if (missing)
		hooklog_error("routes cannot be changed: %s", missing);
	switch (hook->env.event) {
	case EVENT_CONNECT:
		*status = event_connect(hook, file) ? HOOK_FAILED : HOOK_DONE;
		break;
	case EVENT_DISCONNECT: event_disconnect(hook); break;
	case EVENT_UP: event_up(hook); break;
	case EVENT_DOWN: event_down(hook); break;
	default: break;
	}
}

static void run(int argc, char **argv, struct hook *hook, int *status)
{
	const char *file, *why;
	struct config *config;
	char path[4096];
	int at = 1;

	if (config_option(argc, argv, &at, path, &why)) {
		hooklog_error("%s", why);
		return;
	}
	if (config_load(path, &config))
		return;
	hook->config = config;
	deadline_set(&hook->deadline, config->hook.deadline);
	/* OpenVPN puts its own argument last. */
	file = at < argc ? argv[argc - 1] : NULL;
	dispatch(hook, file, status);
	config_free(config);
	routes_close(hook->routes);
}

/* Only client-connect may refuse: a failing up or down ends OpenVPN. Used for
 * an event that lets people in, the hook must let nobody in. */
static int when_wrong(enum hook_event event)
{
	return event == EVENT_CONNECT || event == EVENT_VERDICT ? HOOK_FAILED
								: HOOK_DONE;
}

int hook_script(int argc, char **argv, char *const envp[],
		struct deadline *deadline, int *status)
{
	struct hook hook = { .deadline = *deadline, .dir = -1 };
	char why[256];
	int err = env_read(envp, &hook.env, why, sizeof(why));

	*status = when_wrong(hook.env.event);
	if (hook.env.event == EVENT_NONE)
		return -ENOENT;
	if (err)
		hooklog_error("%s: OpenVPN's environment: %s",
			      *status ? "refused" : "ignored", why);
	else if (hook.env.event == EVENT_OTHER ||
		 hook.env.event == EVENT_VERDICT)
		hooklog_error("called for a script event that is not ours: "
			      "use it for client-connect, client-disconnect, "
			      "up and down");
	else
		run(argc, argv, &hook, status);
	return 0;
}
