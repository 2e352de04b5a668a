/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport stats: what the door has done, in packets. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"
#include "output.h"
#include "view.h"

#define WATCH_MAX 3600 /* s */

struct request {
	bool json;
	unsigned int watch; /* s; 0: once */
};

struct sample {
	uint64_t counter[AP_C_MAX];
	double at; /* s, monotonic */
};

/* The seconds after --watch may be left out, or follow "=" or a blank. */
static bool parse_watch(int argc, char **argv, struct request *r)
{
	const char *text = optarg;

	if (!text && optind < argc && argv[optind][0] != '-')
		text = argv[optind++];
	r->watch = 1;
	if (!text || cmd_seconds(text, WATCH_MAX, &r->watch))
		return true;
	log_error("--watch %s: seconds from 1 to %d are meant", text,
		  WATCH_MAX);
	return false;
}

static int parse_request(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", optional_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*r = (struct request){ 0 };
	while ((option = cmd_option(argc, argv, "", options)) != -1) {
		if (option == 'j')
			r->json = true;
		else if (option != 'w' || !parse_watch(argc, argv, r))
			return cmd_misuse(argv[0]);
	}
	if (optind == argc)
		return EXIT_DONE;
	log_error("stats takes no argument \"%s\"", argv[optind]);
	return cmd_misuse(argv[0]);
}

static int take_sample(struct sample *sample)
{
	struct timespec t;
	int err = view_counters(sample->counter);

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	sample->at = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	return err;
}

/* An unload and load in between starts the counters anew. */
static double rate(const struct sample *now, const struct sample *before,
		   int counter)
{
	uint64_t a = before->counter[counter], b = now->counter[counter];

	return b < a ? 0 : (double)(b - a) / (now->at - before->at);
}

static json_t *counters_json(const struct sample *now,
			     const struct sample *before)
{
	json_t *all = json_object();

	for (int i = 0; i < AP_C_MAX; i++) {
		json_t *value =
			before ? json_real(rate(now, before, i))
			       : json_integer((json_int_t)now->counter[i]);

		if (json_object_set_new(all, counter_name(i), value)) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static int print_json(const struct sample *now, const struct sample *before,
		      bool line)
{
	json_t *root = output_document();

	if (json_object_set_new(root, "counters", counters_json(now, NULL)) ||
	    (before && (json_object_set_new(root, "interval",
					    json_real(now->at - before->at)) ||
			json_object_set_new(root, "rates",
					    counters_json(now, before))))) {
		json_decref(root);
		root = NULL;
	}
	return output_json(root, line);
}

static int print_text(const struct sample *now, const struct sample *before)
{
	const char *dim = colour(stdout, DIM), *plain = colour(stdout, PLAIN);

	for (int i = 0; i < AP_C_MAX; i++) {
		printf("%s%-18s %12" PRIu64, now->counter[i] ? "" : dim,
		       counter_name(i), now->counter[i]);
		if (before)
			printf(" %10.0f/s", rate(now, before, i));
		printf("  %s%s\n", counter_text(i),
		       now->counter[i] ? "" : plain);
	}
	return EXIT_DONE;
}

/* On a terminal the page is written over, in a pipe pages follow each other. */
static int watch(const struct request *r, struct sample *before)
{
	bool tty = isatty(STDOUT_FILENO);
	struct sample now;
	int err;

	for (;;) {
		(void)sleep(r->watch);
		err = take_sample(&now);
		if (err)
			return view_failed(err);
		if (tty && !r->json)
			fputs("\033[H\033[J", stdout);
		if (r->json)
			(void)print_json(&now, before, true);
		else
			(void)print_text(&now, before);
		if (!tty && !r->json)
			putchar('\n');
		if (fflush(stdout))
			return EXIT_FAILED;
		*before = now;
	}
}

int cmd_stats(int argc, char **argv)
{
	struct request request;
	struct sample sample;
	int err, status = parse_request(argc, argv, &request);

	if (status)
		return status;
	err = take_sample(&sample);
	if (err)
		return view_failed(err);
	if (request.watch)
		return watch(&request, &sample);
	return request.json ? print_json(&sample, NULL, false)
			    : print_text(&sample, NULL);
}
