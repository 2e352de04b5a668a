/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* anyport-hook check: every mistake in the accounts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "../user/account_dir.h"
#include "account.h"
#include "command.h"
#include "directory.h"
#include "hooklog.h"
#include "instance.h"
#include "names.h"
#include "prefix.h"
#include "route.h"

/* An address of an account, to be compared with all others'. */
struct owned {
	struct ip_prefix prefix;
	const char *name;
	unsigned int line;
};

struct check {
	const struct hook_config *config;
	int dir;
	struct names names;
	struct names noted; /* of variables that are not ours */
	const char *only;   /* the account that was asked for, or NULL */
	struct owned *owned;
	size_t n_owned, room;
	unsigned int n_errors;
	size_t n_read;
};

static int own(struct check *c, const struct ip_prefix *prefix,
	       const char *name, unsigned int line)
{
	if (!prefix->family)
		return 0;
	if (c->n_owned == c->room) {
		size_t room = c->room ? 2 * c->room : 256;
		struct owned *more;

		more = reallocarray(c->owned, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		c->owned = more;
		c->room = room;
	}
	c->owned[c->n_owned++] = (struct owned){ *prefix, name, line };
	return 0;
}

static int own_all(struct check *c, const struct account *a, const char *name)
{
	int err = own(c, &a->ip4, name, a->line4);

	if (!err)
		err = own(c, &a->ip6, name, a->line6);
	for (size_t i = 0; i < a->n_prefix && !err; i++)
		err = own(c, &a->prefix[i], name, a->line[i]);
	return err;
}

static bool asked(const struct check *c, const char *name)
{
	return !c->only || !strcmp(c->only, name);
}

/* Once for each name: an operator who uses one uses it everywhere. */
static bool first_time(void *arg, const char *name)
{
	struct names *noted = arg;

	for (size_t i = 0; i < noted->n; i++)
		if (!strcmp(noted->name[i], name))
			return false;
	return !names_add(noted, name);
}

static int check_one(struct check *c, const char *name)
{
	struct account_report report = { 0 };
	struct account account;
	char file[4200];
	int err;

	snprintf(file, sizeof(file), "%s/%s", c->config->users, name);
	report.file = file;
	if (asked(c, name)) {
		report.errors = stderr;
		report.notes = stderr;
		report.worth = first_time;
		report.arg = &c->noted;
		c->n_read++;
	}
	err = account_read(c->dir, name, &report, &account);
	if (err == -EACCES)
		account_error(&report, 0,
			      "%s: OpenVPN's user must be able to read it: "
			      "chgrp openvpn, chmod g+r %s",
			      strerror(-err), file);
	else if (err && err != -EINVAL)
		account_error(&report, 0, "%s", strerror(-err));
	if (!err) {
		err = own_all(c, &account, name);
		(void)account_in_ranges(&account, c->config, &report);
	}
	if (asked(c, name))
		c->n_errors += report.n;
	return err == -ENOMEM ? err : 0;
}

/* Every name that is not an account's: OpenVPN would refuse that member. */
static void check_names(struct check *c)
{
	DIR *d = directory_entries(c->dir);
	struct dirent *entry;
	char shown[NAME_SHOWN];

	while (d && (entry = readdir(d))) {
		const char *wrong = name_wrong(entry->d_name);

		if (!wrong || *entry->d_name == '.')
			continue;
		fprintf(stderr,
			"%s/%s: cannot be a member's name: %s, "
			"ignoring\n",
			c->config->users, name_shown(entry->d_name, shown),
			wrong);
	}
	if (d)
		closedir(d);
}

/* By first address, the wider one first: what overlaps is then adjacent to
 * the last one that reached as far. */
static int by_address(const void *a, const void *b)
{
	const struct ip_prefix *p = &((const struct owned *)a)->prefix;
	const struct ip_prefix *q = &((const struct owned *)b)->prefix;
	int order;

	if (p->family != q->family)
		return p->family < q->family ? -1 : 1;
	order = memcmp(&p->v6, &q->v6, p->family == AF_INET ? 4 : 16);
	return order ? order : p->length - q->length;
}

static void say_overlap(struct check *c, const struct owned *a,
			const struct owned *b)
{
	char x[ROUTE_TEXT], y[ROUTE_TEXT];

	if (!asked(c, a->name) && !asked(c, b->name))
		return;
	c->n_errors++;
	fprintf(stderr, "%s/%s:%u: %s is also %s's: %s in %s/%s:%u\n",
		c->config->users, b->name, b->line, route_text(&b->prefix, y),
		a->name, route_text(&a->prefix, x), c->config->users, a->name,
		a->line);
}

/* One's own IP6 inside one's own PREFIX is a matter of taste; the same thing
 * twice is a slip of the pen. */
static bool harmless(const struct owned *a, const struct owned *b)
{
	return !strcmp(a->name, b->name) &&
	       a->prefix.length != b->prefix.length && b->prefix.length == 128;
}

static void check_overlaps(struct check *c)
{
	struct owned *wide[129];
	size_t depth = 0;

	if (!c->n_owned)
		return;
	qsort(c->owned, c->n_owned, sizeof(*c->owned), by_address);
	for (size_t i = 0; i < c->n_owned; i++) {
		struct owned *o = &c->owned[i];

		while (depth &&
		       !prefix_covers(&wide[depth - 1]->prefix, &o->prefix))
			depth--;
		if (depth && !harmless(wide[depth - 1], o))
			say_overlap(c, wide[depth - 1], o);
		/* Equal ones do not go deeper than there are lengths. */
		if (!depth ||
		    wide[depth - 1]->prefix.length != o->prefix.length)
			wide[depth++] = o;
	}
}

static int check_all(struct check *c)
{
	int err = names_of_directory(c->dir, &c->names);

	names_sort(&c->names);
	for (size_t i = 0; i < c->names.n && !err; i++)
		err = check_one(c, c->names.name[i]);
	if (err) {
		hooklog_error("%s: %s", c->config->users, strerror(-err));
		return HOOK_FAILED;
	}
	if (c->only && !c->n_read) {
		const char *wrong = name_wrong(c->only);

		hooklog_error("there is no account %s/%s%s%s", c->config->users,
			      c->only, wrong ? ": " : "", wrong ? wrong : "");
		return HOOK_FAILED;
	}
	if (!c->only)
		check_names(c);
	check_overlaps(c);
	printf("%zu account%s read, %u error%s\n", c->n_read,
	       c->n_read == 1 ? "" : "s", c->n_errors,
	       c->n_errors == 1 ? "" : "s");
	return c->n_errors ? HOOK_FAILED : HOOK_DONE;
}

static int run(const struct config *config, const char *only)
{
	struct check c = { .config = &config->hook, .only = only };
	int status = HOOK_FAILED;
	char why[ACCOUNT_WHY];

	c.dir = account_dir(config->hook.users, geteuid() ?: account_as_owner(),
			    why);
	if (c.dir < 0)
		hooklog_error("cannot use the directory of accounts: %s", why);
	else
		status = check_all(&c);
	if (c.dir >= 0)
		close(c.dir);
	names_free(&c.names);
	names_free(&c.noted);
	free(c.owned);
	return status;
}

/* Before root becomes OpenVPN's user; others may not see the ledger at all. */
static void check_instances(const struct config *config,
			    const struct deadline *deadline)
{
	struct hook hook = { .config = config, .deadline = *deadline };

	hook.dir = ledger_dir(config->hook.state);
	if (hook.dir < 0)
		return;
	instance_warn_unseen(&hook);
	close(hook.dir);
}

int hook_check(int argc, char **argv, struct deadline *deadline)
{
	struct config *config;
	char path[4096];
	const char *why;
	int at = 1, status;

	hooklog_stderr();
	if (config_option(argc, argv, &at, path, &why)) {
		hooklog_error("%s", why);
		return HOOK_MISUSE;
	}
	if (argc - at > 1 || (at < argc && *argv[at] == '-'))
		return HOOK_MISUSE;
	if (config_load(path, &config))
		return HOOK_FAILED;
	if (at == argc)
		check_instances(config, deadline);
	status = run(config, at < argc ? argv[at] : NULL);
	config_free(config);
	return status;
}
