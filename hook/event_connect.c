/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* client-connect: a member's addresses move to where the member is now. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../user/account_dir.h"
#include "event.h"
#include "held.h"
#include "hooklog.h"
#include "instance.h"
#include "prefix.h"
#include "privilege.h"
#include "proc.h"
#include "pushfile.h"

struct connect {
	struct hook *hook;
	struct account account;
	struct claim claim;
	struct ledger ledger, before;
	bool locked;
	bool unclaimed;          /* no claim can be made: reconcile will */
	char was[INSTANCE_SIZE]; /* where the member was until now */
};

__attribute__((format(printf, 3, 4))) static int
refuse(const struct env *env, int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	hooklog_error("%s from %s on %s refused: %s", env->name, env->from,
		      env->instance, text);
	return err;
}

static int refuse_account(const struct env *env, int err, const char *file,
			  const char *errors)
{
	if (err == -ENOENT)
		return refuse(env, err, "no account: there is no file %s",
			      file);
	if (err != -EINVAL)
		return refuse(env, err,
			      "cannot read %s: %s; OpenVPN's user "
			      "must be able to",
			      file, strerror(-err));
	return refuse(env, err, "%.*s (anyport-hook check %s shows all)",
		      (int)strcspn(errors, "\n"), errors, env->name);
}

static int read_account(struct connect *c)
{
	const struct hook_config *config = &c->hook->config->hook;
	const struct env *env = &c->hook->env;
	struct account_report report = { 0 };
	char *errors = NULL;
	char file[4200], why[ACCOUNT_WHY];
	size_t size;
	int err, dir;

	dir = account_dir(config->users, geteuid(), why);
	if (dir < 0)
		return refuse(env, dir,
			      "cannot use the directory of accounts: %s", why);
	snprintf(file, sizeof(file), "%s/%s", config->users, env->name);
	report.file = file;
	report.errors = open_memstream(&errors, &size);
	err = account_read(dir, env->name, &report, &c->account);
	if (!err)
		err = account_in_ranges(&c->account, config, &report);
	if (report.errors)
		fclose(report.errors);
	close(dir);
	if (err)
		(void)refuse_account(env, err, file, errors ? errors : "");
	free(errors);
	return err;
}

static int check_device(const struct env *env, const struct hook_config *config)
{
	for (size_t i = 0; i < config->n_device; i++)
		if (!strcmp(config->device[i], env->dev))
			return 0;
	return refuse(env, -ENODEV,
		      "device %s is not in the configuration: "
		      "add device = %s to [hook]",
		      env->dev, env->dev);
}

static int make_claim(struct connect *c)
{
	const struct env *env = &c->hook->env;

	claim_fill(&c->claim, env, &c->account, &c->hook->config->hook);
	c->claim.ifindex = device_index(env->dev);
	if (!c->claim.ifindex && errno == ENODEV)
		return refuse(env, -ENODEV, "there is no device %s", env->dev);
	if (!c->claim.ifindex) {
		hooklog_error("%s: cannot ask for device %s: %s; the session "
			      "begins without routes until reconcile",
			      env->name, env->dev, strerror(errno));
		c->unclaimed = true;
	}
	if (c->account.ip4.family && !env->has4)
		return refuse(env, -EINVAL,
			      "ifconfig_netmask is missing: "
			      "OpenVPN's configuration needs \"topology "
			      "subnet\" and \"server\"");
	if (c->account.ip6.family && !env->has6)
		hooklog_warn("%s: instance %s has no IPv6 (\"server-ipv6\"), "
			     "ignoring the account's",
			     env->name, env->instance);
	return 0;
}

/* Earlier sessions of this instance are over: with duplicate-cn off OpenVPN
 * ends the old one before the new one begins. */
static void retire(struct connect *c)
{
	struct ledger *ledger = &c->ledger;

	for (size_t i = ledger->n; i-- > 0;) {
		struct claim *old = &ledger->claim[i];
		bool rest = false;

		if (!old->gone && strcmp(old->instance, c->claim.instance) &&
		    claim_live(old))
			continue;
		old->gone = true;
		for (size_t r = 0; r < old->n_route && !rest; r++)
			rest = !settle_covered(&c->claim, old, r);
		if (!rest)
			ledger_remove(ledger, old);
	}
}

static const char *what_mends(int err)
{
	switch (err) {
	case -ENOSPC:
	case -EDQUOT: return "make room on its file system (df, df -i)";
	case -EBADF: /* as our own openers say it */
	case -EEXIST:
	case -ELOOP:
	case -EISDIR:
	case -ENXIO: return "that is none of anyport's files: remove it";
	case -EACCES:
	case -EPERM:
	case -EROFS: return "OpenVPN's user must be able to write there";
	case -EMFILE: return "raise LimitNOFILE= of OpenVPN's unit";
	case -ENFILE: return "raise sysctl fs.file-max";
	case -ENOMEM:
		return "free memory, or raise MemoryMax= of OpenVPN's unit";
	default: return "the kernel's log (dmesg) may say why";
	}
}

static int refuse_file(struct connect *c, int err, const char *file)
{
	if (err == -ETIMEDOUT) /* no reason to refuse */
		return err;
	return refuse(&c->hook->env, err, "cannot open %s/%s: %s; %s",
		      c->hook->config->hook.state, file, strerror(-err),
		      what_mends(err));
}

/* With the lock of all addresses held: a claim, and it alone. */
static int take_locked(struct connect *c)
{
	const char *name = c->hook->env.name;
	char other[NAME_MAX_LENGTH + 1], text[ROUTE_TEXT],
		file[HELD_LINK] = ".";
	struct ip_prefix which;
	int err;

	err = held_by_other(c->hook->dir, name, &c->claim, other, &which);
	if (err == -EADDRINUSE)
		return refuse(&c->hook->env, err,
			      "%s is in use by %s: one of "
			      "the two accounts is wrong (anyport-hook check)",
			      route_text(&which, text), other);
	if (!err)
		err = held_put(c->hook->dir, name, &c->claim, file);
	c->claim.seq = ledger_next(&c->ledger);
	retire(c);
	*ledger_add(&c->ledger) = c->claim;
	if (!err) {
		snprintf(file, sizeof(file), "%s~", name);
		err = ledger_write(&c->ledger);
	}
	if (!err)
		return 0;
	held_drop(&c->before, &c->claim);
	c->ledger.n = c->before.n; /* as the file still is */
	return refuse(&c->hook->env, err, "cannot write %s/%s: %s; %s",
		      c->hook->config->hook.state, file, strerror(-err),
		      what_mends(err));
}

static int take(struct connect *c, const struct deadline *deadline)
{
	struct claim *owner;
	int err, lock;

	err = ledger_open(c->hook->dir, c->hook->env.name, deadline,
			  &c->ledger);
	if (err)
		return refuse_file(c, err, c->hook->env.name);
	c->locked = true;
	if (c->ledger.damaged)
		hooklog_warn("%s: the ledger's file is damaged, ignoring it",
			     c->hook->env.name);
	c->before = c->ledger;
	owner = ledger_owner(&c->ledger);
	if (owner && strcmp(owner->instance, c->claim.instance))
		strcpy(c->was, owner->instance);
	lock = held_lock(c->hook->dir, deadline);
	if (lock < 0)
		return refuse_file(c, lock, ".lock");
	err = take_locked(c);
	close(lock);
	return err;
}

/*
 * A lock that does not come free must not throw the member out: the tunnel
 * comes up, and reconcile finds the session in OpenVPN's status file.
 */
static int claim_session(struct connect *c)
{
	struct deadline wait = c->hook->deadline;
	int err;

	wait.end -= (wait.end - wait.start) / 4;
	c->hook->dir = ledger_dir(c->hook->config->hook.state);
	if (c->hook->dir < 0)
		return refuse(&c->hook->env, c->hook->dir,
			      "cannot open the state directory %s: %s; "
			      "systemd-tmpfiles --create anyport.conf makes it",
			      c->hook->config->hook.state,
			      strerror(-c->hook->dir));
	err = take(c, &wait);
	if (err != -ETIMEDOUT)
		return err;
	if (c->locked)
		ledger_close(&c->ledger);
	c->locked = false;
	hooklog_error("%s: another event has the lock, no time left; the "
		      "session begins without routes until reconcile",
		      c->hook->env.name);
	return 0;
}

static void roll_back(struct connect *c)
{
	struct ledger tried = c->ledger;

	if (!c->locked)
		return;
	c->before.fd = c->ledger.fd;
	if (settle_write(c->hook, &c->before, &tried))
		hooklog_error("%s: cannot take the claim back; reconcile will",
			      c->hook->env.name);
	c->ledger.fd = c->before.fd;
	c->ledger.n = c->before.n;
}

static void say_done(const struct connect *c, int err)
{
	const struct env *env = &c->hook->env;
	int64_t us = deadline_spent(&c->hook->deadline);
	char list[400] = "", text[ROUTE_TEXT];
	size_t at = 0;

	for (size_t r = 0; r < c->claim.n_route && at < sizeof(list); r++)
		at += snprintf(list + at, sizeof(list) - at, "%s%s",
			       r ? ", " : "",
			       route_text(&c->claim.route[r].dst, text));
	hooklog_info("%s from %s on %s: %s %s %s%s%s, %d.%d ms", env->name,
		     env->from, env->instance, list,
		     err ? "NOT all routed to" : "routed to", env->dev,
		     *c->was ? ", moved from " : "", c->was, (int)(us / 1000),
		     (int)(us / 100 % 10));
}

static void route(struct connect *c)
{
	struct ledger made = c->ledger;
	struct claim *owner = ledger_owner(&c->ledger);
	int err = settle_put(c->hook, c->hook->env.name, owner);

	(void)settle_sweep(c->hook, &c->ledger, owner);
	owner = ledger_owner(&c->ledger);
	(void)privilege_drop();
	/* Nothing to note when all went as the claim says already. */
	if ((owner->repair || c->ledger.n != made.n) &&
	    settle_write(c->hook, &c->ledger, &made))
		hooklog_warn("%s: the claim stays marked for reconcile",
			     c->hook->env.name);
	instance_note(c->hook, owner->ifindex, owner->started);
	say_done(c, err);
}

int event_connect(struct hook *hook, const char *file)
{
	struct connect c = { .hook = hook };
	int err, fd = -1;

	err = check_device(&hook->env, &hook->config->hook);
	if (!err)
		err = read_account(&c);
	if (!err)
		err = make_claim(&c);
	if (!err) {
		fd = pushfile_open(file);
		if (fd < 0)
			err = refuse(&hook->env, fd,
				     "cannot write OpenVPN's "
				     "file %s: %s",
				     file ? file : "(none)", strerror(-fd));
	}
	if (!err && !c.unclaimed)
		err = claim_session(&c);
	if (!err) {
		err = pushfile_write(fd, &c.account, &hook->env);
		fd = -1;
		if (err) {
			roll_back(&c);
			(void)refuse(&hook->env, err,
				     "cannot write OpenVPN's "
				     "file %s: %s",
				     file, strerror(-err));
		}
	}
	pushfile_abandon(fd);
	if (!err && c.locked)
		route(&c);
	if (c.locked)
		ledger_close(&c.ledger);
	return err;
}
