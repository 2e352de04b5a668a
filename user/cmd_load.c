/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport load and anyport reload. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "confirm.h"
#include "door.h"
#include "host.h"
#include "lock.h"
#include "log.h"
#include "quiet.h"

#define CONFIRM_MAX 86400 /* s */
#define SSH_PORTS   256

struct request {
	const char *command;
	bool reload;
	const char *file;
	unsigned int confirm; /* s; 0: no */
};

static int parse_request(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		{ "confirm", required_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*request = (struct request){ .command = argv[0],
				     .reload = !strcmp(argv[0], "reload"),
				     .file = CONFIG_FILE };
	while ((option = cmd_option(argc, argv, "c:", options)) != -1) {
		if (option == 'c') {
			request->file = optarg;
		} else if (option != 'C') {
			return cmd_misuse(argv[0]);
		} else if (!cmd_seconds(optarg, CONFIRM_MAX,
					&request->confirm)) {
			log_error("--confirm %s: seconds from 1 to %d are "
				  "meant",
				  optarg, CONFIRM_MAX);
			return EXIT_MISUSE;
		}
	}
	if (optind == argc)
		return EXIT_DONE;
	log_error("%s takes no argument \"%s\"; name a file with -c", argv[0],
		  argv[optind]);
	return cmd_misuse(argv[0]);
}

/* Whoever types this by SSH must still be there afterwards. */
static int refuse_ssh_ports(const struct config *config)
{
	const struct proto_config *tcp = &config->proto[AP_TCP];
	uint16_t port[SSH_PORTS];
	size_t n = host_ssh_ports(port, SSH_PORTS);
	int status = EXIT_DONE;

	for (size_t i = 0; i < n && i < SSH_PORTS; i++) {
		const char *key =
			port_in(&tcp->claim, port[i]) ? "claim" : NULL;

		for (size_t j = 0; !key && j < tcp->n_map; j++)
			if (tcp->map[j].dialled == port[i])
				key = "map";
		if (!key || port_in(&tcp->pass, port[i]))
			continue;
		log_error("%s: [tcp] %s takes port %u, by which somebody is "
			  "connected by SSH: leave it out, or pass = %u",
			  config->path, key, port[i], port[i]);
		status = EXIT_FAILED;
	}
	return status;
}

static void report_attached(const struct door *door)
{
	static const char *const modes[] = {
		[ATTACH_NATIVE] = "native XDP",
		[ATTACH_GENERIC] = "generic XDP",
		[ATTACH_TC] = "tc ingress",
	};

	for (size_t i = 0; i < door->state.n_uplink; i++) {
		const struct state_uplink *u = &door->state.uplink[i];

		log_info("%s: %s%s%s%s%s", u->name, modes[u->mode],
			 u->mode == ATTACH_TC ? ""
			 : u->dispatcher      ? " behind the dispatcher"
					      : ", a single program",
			 u->why[0] ? " (" : "", u->why, u->why[0] ? ")" : "");
	}
	if (door->state.peer_why[0])
		log_warn(PEERS_ALIKE ": %s", door->state.peer_why);
}

/* ---- the change ---------------------------------------------------------*/

static int undo(void *argument)
{
	struct door *door = argument;
	int err = door_undo(door);

	if (door->fresh)
		(void)pin_unmount();
	return err ?: door->fresh;
}

static int arm(struct door *door, const struct request *request, int lock)
{
	int err, undone;

	if (!request->confirm)
		return EXIT_DONE;
	err = confirm_start(request->confirm, lock, undo, door);
	if (!err) {
		log_info("undone in %u s unless you type: anyport confirm",
			 request->confirm);
		return EXIT_DONE;
	}
	log_error("cannot wait for a confirmation (%s): undoing it now",
		  strerror(-err));
	(void)confirm_cancel();
	undone = undo(door);
	if (undone < 0)
		log_error("undoing failed: %s: " UNDO_FAILED,
			  strerror(-undone));
	return EXIT_FAILED;
}

static void report_error(char *lines)
{
	const char *line;

	while ((line = strsep(&lines, "\n")))
		log_error("%s", line);
}

static int change(const struct request *request, const struct config *config,
		  struct door *door, int lock)
{
	int err = door_open(door);

	if (!err && request->reload && door->fresh) {
		(void)pin_unmount();
		log_error("no door is loaded in this network namespace, so "
			  "there is nothing to reload: anyport load");
		return EXIT_FAILED;
	}
	err = err ?: door_apply(door, config, !request->reload);
	if (err && door->fresh)
		(void)pin_unmount(); /* the lock was made for nothing */
	if (err) {
		report_error(door->error);
		if (door->superseded)
			log_warn("what was not confirmed yet stays, and is not "
				 "undone any more");
		return EXIT_FAILED;
	}
	report_attached(door);
	return arm(door, request, lock);
}

/*
 * Interrupted by a key or a closed terminal, a change would stop in the
 * middle; it takes less than a second.
 */
static void hold_signals(sigset_t *before)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &held, before);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int locked_change(const struct request *request,
			 const struct config *config)
{
	struct door *door = calloc(1, sizeof(*door));
	sigset_t before;
	int lock, status;

	if (!door) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	lock = lock_command();
	if (lock < 0) {
		free(door);
		return EXIT_FAILED;
	}
	hold_signals(&before);
	status = change(request, config, door, lock);
	door_close(door);
	lock_release(lock);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	free(door);
	return status;
}

int cmd_load(int argc, char **argv)
{
	struct request request;
	struct config *config;
	int status = parse_request(argc, argv, &request);

	if (status)
		return status;
	if (geteuid()) {
		log_error("%s needs root: run it with sudo", request.command);
		return EXIT_FAILED;
	}
	if (config_read(request.file, stderr, &config))
		return EXIT_FAILED;
	(void)umask(022);
	quiet_libraries();
	status = refuse_ssh_ports(config);
	if (!status && !ssh_guard(config))
		status = EXIT_FAILED;
	if (!status)
		status = locked_change(&request, config);
	if (!status && request.reload)
		host_report_door(config, stderr);
	else if (!status)
		host_report(config, stderr);
	config_free(config);
	return status;
}
