/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Looks at a loaded door from all sides. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "confirm.h"
#include "gone.h"
#include "link.h"
#include "pin.h"
#include "status.h"
#include "tables.h"
#include "view.h"

#define SAMPLE_MS 250 /* between two looks at the limiter's counters */

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static uint64_t limiter_drops(void)
{
	uint64_t counter[AP_C_MAX];

	if (view_counters(counter))
		return 0;
	return counter[AP_C_drop_reset] + counter[AP_C_drop_control] +
	       counter[AP_C_drop_data];
}

static void pause_until(uint64_t ns)
{
	uint64_t now = now_ns();
	struct timespec t = { 0 };

	if (now >= ns)
		return;
	t.tv_nsec = (long)(ns - now);
	(void)nanosleep(&t, NULL);
}

static void second_look(struct status *s, uint64_t first, uint64_t at)
{
	pause_until(at + SAMPLE_MS * 1000000ULL);
	s->dropped = limiter_drops();
	if (s->dropped > first)
		s->dropping = (double)(s->dropped - first) * 1e9 /
			      (double)(now_ns() - at);
	if (s->dropping > 0)
		report_add(&s->report, false, NULL,
			   "the limiter is dropping first packets: a flood, or "
			   "budgets below what members need; anyport "
			   "stats --watch shows which");
}

/* The maps are opened one by one: which of them is wrong is worth knowing. */
static void check_maps(struct status *s)
{
	struct pin_paths paths;
	const char *bad = "";
	char *again = text_of("anyport unload && %s", s->load);
	int err = pin_paths(&paths);

	err = err ?: tables_look(paths.door, &bad);
	if (err)
		report_add(&s->report, true, again, "the table \"%s\" in %s %s",
			   bad, paths.door,
			   err == -EBADMSG  ? "is not this version's"
			   : err == -ENOENT ? "is missing"
					    : "cannot be read");
	free(again);
}

static void count_flows(struct status *s)
{
	const struct flow_filter all = { .state = -1 };
	struct ap_config config;
	struct flows flows;

	if (!view_config(&config))
		for (int v6 = 0; v6 < 2; v6++) {
			s->established.room[v6] = config.established;
			s->half_open.room[v6] = config.half_open;
		}
	if (view_flows(&s->state, &all, &flows))
		return;
	for (size_t i = 0; i < flows.n; i++) {
		struct status_fill *fill = flows.item[i].state == AP_ESTABLISHED
						   ? &s->established
						   : &s->half_open;

		fill->entries[flows.item[i].family == AF_INET6]++;
	}
	flows_free(&flows);
}

/* Every entry of a full table is somebody who is thrown out for the next. */
static void check_fill(struct status *s)
{
	for (int v6 = 0; v6 < 2; v6++)
		if (s->established.room[v6] &&
		    s->established.entries[v6] >=
			    s->established.room[v6] / 10 * 9)
			report_add(&s->report, false, NULL,
				   "the table of established IPv%c flows is "
				   "nearly full (%u of %u): raise \"established"
				   "\" under [limits], unload and load",
				   v6 ? '6' : '4', s->established.entries[v6],
				   s->established.room[v6]);
}

static void check_addresses(struct status *s)
{
	struct config *scratch = calloc(1, sizeof(*scratch));
	bool held[AP_ADDRS];
	size_t id[AP_ADDRS];

	if (!scratch)
		return;
	for (size_t i = 0; i < AP_IDS && scratch->n_address < AP_ADDRS; i++) {
		if (!s->state.in_use[i])
			continue;
		id[scratch->n_address] = i;
		scratch->address[scratch->n_address++] = s->state.address[i];
	}
	if (!host_holds(scratch, held))
		for (size_t i = 0; i < scratch->n_address; i++)
			s->held[id[i]] = held[i];
	free(scratch);
}

static void read_config(struct status *s)
{
	FILE *sink = fopen("/dev/null", "we");

	if (sink && config_read(s->path, sink, &s->config)) {
		s->config = NULL;
		report_add(&s->report, false, NULL,
			   "%s cannot be read, so it is not known whether the "
			   "host agrees with it; \"anyport check -c %s\" says "
			   "why",
			   s->path, s->path);
	} else if (s->config && !strcmp(s->path, s->state.config) &&
		   s->config->mtime > s->state.config_mtime) {
		char *command = text_of("anyport reload -c %s", s->path);

		report_add(&s->report, false, command,
			   "%s was changed after it was loaded", s->path);
		free(command);
	}
	if (sink)
		(void)fclose(sink);
}

/* Who may not open links, cannot tell. */
static void warn_gone(struct status *s)
{
	struct pin_paths paths;

	if (!gone_find(&paths))
		report_add(&s->report, false,
			   s->loaded ? "anyport load" : "anyport unload",
			   "%s is left of a network namespace that is gone",
			   paths.base);
}

static void warn_undo(struct status *s)
{
	int64_t left = s->state.undo_at - (int64_t)time(NULL);

	if (s->state.undo_at)
		report_add(&s->report, false, "anyport confirm",
			   "the last change will be undone in %" PRId64
			   " s unless it is confirmed",
			   left > 0 ? left : 0);
}

/* Also where what is left is no door any more. */
static void warn_failed(struct status *s)
{
	if (confirm_failed())
		report_add(&s->report, true, "anyport unload",
			   "the last change was not confirmed, and undoing it "
			   "failed: put the configuration right before the "
			   "next anyport load");
}

/* The door's pins are of a shape that state_read() takes for "not loaded". */
static int look_for_remains(struct status *s)
{
	struct pin_paths paths;
	enum pin_state state = PIN_NONE;
	char offender[PATH_MAX] = "";
	int err = pin_paths(&paths);

	err = err ?: pin_inspect(&paths, &state, offender);
	if (err)
		return err == -EACCES || err == -EPERM ? 0 : err;
	s->loaded = state == PIN_LAYOUT || state == PIN_CORRUPT;
	if (state == PIN_LAYOUT)
		report_add(&s->report, true, "anyport unload && anyport load",
			   "%s is another version's: this one cannot read it",
			   offender);
	else if (state == PIN_CORRUPT)
		report_add(&s->report, true, "anyport unload && anyport load",
			   "%s is missing or is not this version's", offender);
	else if (state == PIN_REMAINS)
		report_add(&s->report, true,
			   confirm_failed() ? "anyport unload" : "anyport load",
			   "%s was left by a command that did not finish",
			   offender);
	return 0;
}

static void inspect_host(struct status *s)
{
	if (!s->config)
		return;
	if (host_met(s->config, &s->met, &s->n_met))
		s->n_met = 0;
	status_targets(s);
	host_inspect(s->config, &s->report);
}

static void gather_loaded(struct status *s, const char *path)
{
	uint64_t first = limiter_drops(), at = now_ns();

	s->path = path ? path : s->state.config;
	(void)snprintf(s->load, sizeof(s->load),
		       strcmp(s->path, CONFIG_FILE) ? "anyport load -c %s"
						    : "anyport load",
		       s->path);
	warn_undo(s);
	read_config(s);
	check_maps(s);
	status_uplinks(s);
	status_links(s);
	check_addresses(s);
	count_flows(s);
	check_fill(s);
	inspect_host(s);
	second_look(s, first, at);
}

static int gather(struct status *s, const char *path)
{
	int err;

	err = state_read(&s->state);
	if (!err)
		err = view_config(&s->kernel);
	if (err == -ENOENT || err == -ESTALE)
		return look_for_remains(s);
	if (err == -EBADMSG) {
		s->loaded = true;
		report_add(&s->report, true, "anyport load",
			   "the record of what is loaded, in %s, is damaged",
			   STATE_DIR);
		return 0;
	}
	err = err ?: links_read(&s->links);
	if (err)
		return err;
	s->loaded = true;
	gather_loaded(s, path);
	return 0;
}

int status_gather(struct status *s, const char *path)
{
	int err;

	memset(s, 0, sizeof(*s));
	err = gather(s, path);
	if (!err) {
		warn_failed(s);
		warn_gone(s);
	}
	return err;
}

void status_free(struct status *s)
{
	if (s->config)
		config_free(s->config);
	links_free(&s->links);
	free(s->met);
	report_free(&s->report);
}
