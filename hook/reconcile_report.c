/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What reconcile found and did: for people, or as JSON. */
#include <stdio.h>
#include <string.h>

#include "hooklog.h"
#include "reconcile_parts.h"

static const char *done(const struct reconciler *r, int err)
{
	if (r->options->dry_run)
		return "would be put right";
	return err ? "could not be put right" : "put right";
}

static void say(const struct reconciler *r, const struct change *change,
		int err)
{
	char dst[ROUTE_TEXT] = "", line[400];
	const char *where = change->dst ? " dev " : "on ";

	snprintf(line, sizeof(line), "%s%s%s%s%s%s%s: %s%s%s",
		 change->name ? change->name : "", change->name ? ": " : "",
		 change->dst ? route_text(change->dst, dst) : "",
		 change->dev ? where : "", change->dev ? change->dev : "",
		 change->dst || change->dev ? " " : "", change->text,
		 done(r, err), err ? ": " : "", err ? strerror(-err) : "");
	if (!r->options->quiet)
		puts(line);
	else if (err)
		hooklog_error("reconcile: %s", line);
	else
		hooklog_info("reconcile: %s", line);
}

/* Names, addresses and devices are of plain characters: nothing to escape. */
static void text_or_null(const char *key, const char *text)
{
	printf(",\"%s\":", key);
	if (text)
		printf("\"%s\"", text);
	else
		printf("null");
}

static void say_json(const struct reconciler *r, const struct change *change,
		     int err)
{
	char dst[ROUTE_TEXT];

	printf("%s\n  {\"what\":\"%s\"", r->result.drift > 1 ? "," : "",
	       change->what);
	text_or_null("name", change->name);
	text_or_null("route",
		     change->dst ? route_text(change->dst, dst) : NULL);
	text_or_null("device", change->dev);
	text_or_null("error", err ? strerror(-err) : NULL);
	printf(",\"repaired\":%s}",
	       err || r->options->dry_run ? "false" : "true");
}

void report_change(struct reconciler *r, const struct change *change, int err)
{
	r->result.drift++;
	if (err)
		r->result.failed++;
	if (r->options->json)
		say_json(r, change, err);
	else
		say(r, change, err);
}

void report_start(const struct reconciler *r)
{
	if (r->options->json)
		printf("{\"schema\":1,\"dry_run\":%s,\"changes\":[",
		       r->options->dry_run ? "true" : "false");
}

void report_end(const struct reconciler *r)
{
	if (r->options->json)
		printf("%s],\"drift\":%zu,\"failed\":%zu}\n",
		       r->result.drift ? "\n" : "", r->result.drift,
		       r->result.failed);
	else if (!r->options->quiet && !r->result.drift)
		puts("in order");
}
