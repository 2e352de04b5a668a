/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport status: is the door serving, and if not, why not? */
#include <getopt.h>
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "log.h"
#include "output.h"
#include "quiet.h"
#include "status.h"
#include "view.h"

struct request {
	const char *file; /* NULL: the one that was loaded */
	bool json;
};

static int parse_request(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*r = (struct request){ 0 };
	while ((option = cmd_option(argc, argv, "c:", options)) != -1) {
		if (option == 'j')
			r->json = true;
		else if (option == 'c')
			r->file = optarg;
		else
			return cmd_misuse(argv[0]);
	}
	if (r->file && !output_can_say(r->file)) {
		log_error("-c: the name of the file is not UTF-8: name it by "
			  "another path");
		return EXIT_MISUSE;
	}
	if (optind == argc)
		return EXIT_DONE;
	log_error("status takes no argument \"%s\"; name a file with -c",
		  argv[optind]);
	return cmd_misuse(argv[0]);
}

static int show(const struct status *status, bool json)
{
	if (json && output_json(status_json(status), false))
		return EXIT_FAILED;
	if (!json)
		status_print(status, time(NULL));
	if (!status->loaded)
		return EXIT_NOT_LOADED;
	return report_good(&status->report) ? EXIT_DONE : EXIT_FAILED;
}

int cmd_status(int argc, char **argv)
{
	struct status *status = calloc(1, sizeof(*status));
	struct request request;
	int err, exit = parse_request(argc, argv, &request);

	if (!exit && !status) {
		log_error("out of memory");
		exit = EXIT_FAILED;
	}
	if (!exit) {
		quiet_libraries();
		err = status_gather(status, request.file);
		exit = err ? view_failed(err) : show(status, request.json);
		status_free(status);
	}
	free(status);
	return exit;
}
