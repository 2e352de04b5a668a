/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport unload. */
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "attach_xdp.h"
#include "cmd.h"
#include "confirm.h"
#include "door.h"
#include "gone.h"
#include "lock.h"
#include "log.h"
#include "quiet.h"

static int unload(void)
{
	struct pin_paths paths;
	bool left = false;
	int err = pin_paths(&paths);

	(void)confirm_cancel();
	err = err ?: door_remove(&paths, &left);
	err = err ?: gone_clean();
	err = err ?: pin_unmount();
	if (err) {
		log_error("cannot unload everything: %s%s", xdp_why(err),
			  err == -EXDEV ? ", then unload again"
					: "; anyport -v unload says more");
		return EXIT_FAILED;
	}
	if (left)
		log_warn("%s: something in it is not anyport's, ignoring",
			 paths.base);
	return EXIT_DONE;
}

int cmd_unload(int argc, char **argv)
{
	sigset_t held, before;
	int lock, status;

	/* -c is taken like load's and not read: unload needs no file. */
	for (int option;
	     (option = cmd_option(argc, argv, "c:", cmd_no_long)) != -1;)
		if (option != 'c')
			return cmd_misuse(argv[0]);
	if (optind < argc) {
		log_error("unload takes no argument \"%s\"", argv[optind]);
		return cmd_misuse(argv[0]);
	}
	if (geteuid()) {
		log_error("unload needs root: run it with sudo");
		return EXIT_FAILED;
	}
	quiet_libraries();
	lock = lock_command();
	if (lock < 0)
		return EXIT_FAILED;
	sigfillset(&held);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	status = unload();
	lock_release(lock);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
