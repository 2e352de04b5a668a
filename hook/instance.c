/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which OpenVPN process serves an instance: a ledger of one claim without
 * routes, under a name that no member can have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "directory.h"
#include "hooklog.h"
#include "instance.h"
#include "proc.h"

static void file_name(const char *instance, char out[INSTANCE_SIZE + 1])
{
	snprintf(out, INSTANCE_SIZE + 1, "@%s", instance);
}

static bool same(const struct claim *c, const struct env *env, uint32_t ifindex)
{
	return c->pid == env->pid && c->daemon_start == env->daemon_start &&
	       c->ifindex == ifindex && !strcmp(c->dev, env->dev);
}

void instance_note(struct hook *hook, uint32_t ifindex, uint64_t started)
{
	const struct env *env = &hook->env;
	char name[INSTANCE_SIZE + 1];
	struct ledger ledger;
	struct claim *c;

	file_name(env->instance, name);
	if (!ledger_peek(hook->dir, name, &ledger) && ledger.n == 1 &&
	    same(ledger.claim, env, ifindex))
		return;
	if (ledger_open(hook->dir, name, &hook->deadline, &ledger))
		return;
	ledger.n = 0;
	c = ledger_add(&ledger);
	c->seq = 1;
	strcpy(c->instance, env->instance);
	strcpy(c->dev, env->dev);
	c->ifindex = ifindex;
	c->pid = env->pid;
	c->started = started;
	c->daemon_start = env->daemon_start;
	c->at = time(NULL);
	if (ledger_write(&ledger))
		hooklog_warn("cannot note that instance %s runs; reconcile "
			     "may not restore lost sessions",
			     env->instance);
	ledger_close(&ledger);
}

void instance_forget(struct hook *hook)
{
	char name[INSTANCE_SIZE + 1];
	struct ledger ledger;

	file_name(hook->env.instance, name);
	if (ledger_open(hook->dir, name, &hook->deadline, &ledger))
		return;
	if (ledger.n == 1 && ledger.claim->pid == hook->env.pid) {
		ledger.n = 0;
		(void)ledger_write(&ledger);
	}
	ledger_close(&ledger);
}

int instance_find(int dir, const char *instance, struct claim *out)
{
	char name[INSTANCE_SIZE + 1];
	struct ledger ledger;

	if (strlen(instance) >= INSTANCE_SIZE)
		return -ENOENT;
	file_name(instance, name);
	if (ledger_peek(dir, name, &ledger) || ledger.n != 1 ||
	    !claim_live(ledger.claim))
		return -ENOENT;
	strcpy(out->instance, instance);
	strcpy(out->dev, ledger.claim->dev);
	out->ifindex = ledger.claim->ifindex;
	out->pid = ledger.claim->pid;
	out->started = ledger.claim->started;
	out->daemon_start = ledger.claim->daemon_start;
	return 0;
}

static bool has_status(const struct config *config, const char *instance)
{
	for (size_t i = 0; i < config->n_instance; i++)
		if (!strcmp(config->instance[i].name, instance))
			return config->instance[i].status;
	return false;
}

void instance_warn_unseen(struct hook *hook)
{
	DIR *d = directory_entries(hook->dir);
	struct dirent *entry;
	struct claim claim;

	while (d && deadline_left(&hook->deadline) && (entry = readdir(d))) {
		const char *name = entry->d_name + 1;

		if (*entry->d_name != '@' || instance_wrong(name) ||
		    has_status(hook->config, name) ||
		    instance_find(hook->dir, name, &claim))
			continue;
		hooklog_warn("instance %s: its sessions are compared with "
			     "nothing: add \"status = %s PATH\" to [openvpn] "
			     "in anyport.conf, PATH being that of \"status\" "
			     "in OpenVPN's configuration",
			     name, name);
	}
	if (d)
		closedir(d);
}
