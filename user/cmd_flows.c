/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport flows: who is on by UDP, through which port. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "host.h"
#include "log.h"
#include "output.h"
#include "view.h"

struct request {
	struct flow_filter filter;
	size_t limit;
	bool json;
};

static bool parse_number(const char *text, size_t *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

static bool parse_state(const char *text, int *out)
{
	for (int s = 0; s < AP_STATES; s++) {
		if (strcmp(text, flow_state_name(s)) != 0)
			continue;
		*out = s;
		return true;
	}
	return false;
}

static bool parse_family(const char *text, int *out)
{
	*out = !strcmp(text, "4") ? AF_INET : !strcmp(text, "6") ? AF_INET6 : 0;
	return *out != 0;
}

static bool parse_option(int option, struct request *r)
{
	switch (option) {
	case 'j': r->json = true; return true;
	case 'f':
		if (parse_family(optarg, &r->filter.family))
			return true;
		log_error("--family %s: 4 or 6 is meant", optarg);
		return false;
	case 's':
		if (parse_state(optarg, &r->filter.state))
			return true;
		log_error("--state %s: new, verified or established is meant",
			  optarg);
		return false;
	case 'l':
		if (parse_number(optarg, &r->limit))
			return true;
		log_error("--limit %s: a number is meant", optarg);
		return false;
	default: return false;
	}
}

static int parse_request(int argc, char **argv, struct request *r)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "family", required_argument, NULL, 'f' },
		{ "state", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*r = (struct request){ .filter.state = -1, .limit = SIZE_MAX };
	while ((option = cmd_option(argc, argv, "", options)) != -1)
		if (!parse_option(option, r))
			return cmd_misuse(argv[0]);
	if (optind == argc)
		return EXIT_DONE;
	log_error("flows takes no argument \"%s\"", argv[optind]);
	return cmd_misuse(argv[0]);
}

static const char *ip_text(const struct ip_prefix *a,
			   char out[INET6_ADDRSTRLEN])
{
	if (!a->family || !inet_ntop(a->family, &a->v6, out, INET6_ADDRSTRLEN))
		(void)strcpy(out, "?");
	return out;
}

static json_t *flow_json(const struct flow *f, json_int_t now)
{
	char member[INET6_ADDRSTRLEN], door[INET6_ADDRSTRLEN];

	return json_pack("{s:i, s:s, s:i, s:o, s:s, s:i, s:i, s:s, s:I, s:I}",
			 "family", f->family == AF_INET ? 4 : 6, "address",
			 ip_text(&f->member, member), "port", f->port, "alias",
			 f->alias == f->port ? json_null()
					     : json_integer(f->alias),
			 "dialled_address", ip_text(&f->door, door),
			 "dialled_port", f->dialled, "target", f->target,
			 "state", flow_state_name(f->state), "idle",
			 (json_int_t)f->idle, "seen", now - f->idle);
}

static int print_json(const struct flows *flows, size_t shown)
{
	json_t *root = output_document(), *list = json_array();
	json_int_t now = json_integer_value(json_object_get(root, "time"));

	for (size_t i = 0; i < shown; i++)
		if (json_array_append_new(list,
					  flow_json(&flows->item[i], now))) {
			json_decref(list);
			list = NULL;
		}
	if (json_object_set_new(root, "total",
				json_integer((json_int_t)flows->n)) ||
	    json_object_set_new(root, "flows", list)) {
		json_decref(root);
		root = NULL;
	}
	return output_json(root, false);
}

enum column { MEMBER, ALIAS, DIALLED, TARGET, STATE, IDLE, COLUMNS };

static int fill_line(struct libscols_line *line, const struct flow *f)
{
	char text[ENDPOINT_TEXT];
	int err = scols_line_set_data(line, MEMBER,
				      endpoint_text(&f->member, f->port, text));

	(void)snprintf(text, sizeof(text), "%u", f->alias);
	err |= scols_line_set_data(line, ALIAS,
				   f->alias == f->port ? "" : text);
	if (f->door.family)
		(void)endpoint_text(&f->door, f->dialled, text);
	else
		(void)snprintf(text, sizeof(text), "?:%u", f->dialled);
	err |= scols_line_set_data(line, DIALLED, text);
	(void)snprintf(text, sizeof(text), "%u", f->target);
	err |= scols_line_set_data(line, TARGET, text);
	err |= scols_line_set_data(line, STATE, flow_state_name(f->state));
	(void)snprintf(text, sizeof(text), "%u s", f->idle);
	return err | scols_line_set_data(line, IDLE, text);
}

static struct libscols_table *new_table(void)
{
	static const struct {
		const char *name;
		int flags;
	} columns[COLUMNS] = {
		[MEMBER] = { "MEMBER", 0 },
		[ALIAS] = { "ALIAS", SCOLS_FL_RIGHT },
		[DIALLED] = { "DIALLED", 0 },
		[TARGET] = { "TARGET", SCOLS_FL_RIGHT },
		[STATE] = { "STATE", 0 },
		[IDLE] = { "IDLE", SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = scols_new_table();

	for (int i = 0; table && i < COLUMNS; i++) {
		if (scols_table_new_column(table, columns[i].name, 0,
					   columns[i].flags))
			continue;
		scols_unref_table(table);
		table = NULL;
	}
	return table;
}

static int print_table(const struct flows *flows, size_t shown)
{
	struct libscols_table *table = new_table();
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < shown && !err; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		err = line ? fill_line(line, &flows->item[i]) : -ENOMEM;
	}
	if (!err && shown)
		err = scols_print_table(table);
	scols_unref_table(table);
	if (err) {
		log_error("cannot print the table: out of memory");
		return EXIT_FAILED;
	}
	if (!flows->n)
		puts("no flow: nobody is on by UDP");
	else if (shown < flows->n)
		printf("... and %zu more\n", flows->n - shown);
	return EXIT_DONE;
}

int cmd_flows(int argc, char **argv)
{
	struct request request;
	struct state state;
	struct flows flows;
	size_t shown;
	int err, status = parse_request(argc, argv, &request);

	if (status)
		return status;
	err = state_read(&state);
	if (!err)
		err = view_flows(&state, &request.filter, &flows);
	if (err)
		return view_failed(err);
	shown = flows.n < request.limit ? flows.n : request.limit;
	status = request.json ? print_json(&flows, shown)
			      : print_table(&flows, shown);
	flows_free(&flows);
	return status;
}
