/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Who holds which address: links in the state directory. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "held.h"
#include "prefix.h"
#include "proc.h"

int held_lock(int dir, const struct deadline *deadline)
{
	struct stat st;
	int err, fd = openat(dir, ".lock",
			     O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
				     O_CLOEXEC,
			     0660);

	if (fd < 0)
		return -errno;
	err = !fstat(fd, &st) && S_ISREG(st.st_mode)
		      ? deadline_flock(deadline, fd)
		      : -EBADF;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static void link_name(const struct ip_prefix *prefix, char out[HELD_LINK])
{
	char text[64];

	snprintf(out, HELD_LINK, "=%s_%u", prefix_address(prefix, text),
		 prefix->length);
}

static int link_prefix(const char *link, struct ip_prefix *out)
{
	char text[HELD_LINK], *length, *end;
	unsigned long bits;

	if (*link != '=' || strlen(link) >= sizeof(text))
		return -EINVAL;
	strcpy(text, link + 1);
	length = strchr(text, '_');
	if (!length)
		return -EINVAL;
	*length++ = '\0';
	memset(out, 0, sizeof(*out));
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(out->family, text, &out->v6) != 1)
		return -EINVAL;
	bits = strtoul(length, &end, 10);
	if (*end || !*length || bits > (out->family == AF_INET ? 32 : 128))
		return -EINVAL;
	out->length = bits;
	return 0;
}

int held_owner(int dir, const char *link, char name[NAME_MAX_LENGTH + 1])
{
	ssize_t n = readlinkat(dir, link, name, NAME_MAX_LENGTH + 1);

	if (n < 0 || n > NAME_MAX_LENGTH)
		return -EINVAL;
	name[n] = '\0';
	return name_wrong(name) ? -EINVAL : 0;
}

int held_each(int dir,
	      int (*fn)(void *arg, const char *link,
			const struct ip_prefix *prefix),
	      void *arg)
{
	struct ip_prefix prefix;
	DIR *d = directory_entries(dir);
	struct dirent *entry;
	int err = 0;

	if (!d)
		return -errno;
	while (!err && (entry = readdir(d)))
		if (!link_prefix(entry->d_name, &prefix))
			err = fn(arg, entry->d_name, &prefix);
	closedir(d);
	return err;
}

/* Does a live session of NAME have something of PREFIX? */
static bool holds(int dir, const char *name, const struct ip_prefix *prefix)
{
	struct ledger ledger;

	if (ledger_peek(dir, name, &ledger))
		return false;
	for (size_t i = 0; i < ledger.n; i++) {
		const struct claim *c = &ledger.claim[i];

		if (c->gone || !claim_live(c))
			continue;
		for (size_t r = 0; r < c->n_route; r++)
			if (prefix_overlaps(&c->route[r].dst, prefix))
				return true;
	}
	return false;
}

struct search {
	int dir;
	const char *name;
	const struct claim *claim;
	char *other;
	struct ip_prefix *which;
};

static int look(void *arg, const char *link, const struct ip_prefix *prefix)
{
	char name[NAME_MAX_LENGTH + 1];
	const struct search *s = arg;
	bool ours = false;

	for (size_t i = 0; i < s->claim->n_route && !ours; i++)
		ours = prefix_overlaps(&s->claim->route[i].dst, prefix);
	if (!ours)
		return 0;
	if (held_owner(s->dir, link, name))
		name[0] = '\0';
	if (!strcmp(name, s->name))
		return 0;
	if (!*name || !holds(s->dir, name, prefix)) {
		(void)unlinkat(s->dir, link, 0);
		return 0;
	}
	strcpy(s->other, name);
	*s->which = *prefix;
	return -EADDRINUSE;
}

/* Moving between instances is the usual case: every link is there already. */
static bool all_ours(int dir, const char *name, const struct claim *claim)
{
	char owner[NAME_MAX_LENGTH + 1], link[HELD_LINK];

	for (size_t i = 0; i < claim->n_route; i++) {
		link_name(&claim->route[i].dst, link);
		if (held_owner(dir, link, owner) || strcmp(owner, name))
			return false;
	}
	return true;
}

int held_by_other(int dir, const char *name, const struct claim *claim,
		  char other[NAME_MAX_LENGTH + 1], struct ip_prefix *which)
{
	struct search s = { dir, name, claim, other, which };

	if (all_ours(dir, name, claim))
		return 0;
	return held_each(dir, look, &s);
}

int held_put(int dir, const char *name, const struct claim *claim,
	     char link[HELD_LINK])
{
	char owner[NAME_MAX_LENGTH + 1];

	for (size_t i = 0; i < claim->n_route; i++) {
		link_name(&claim->route[i].dst, link);
		if (!symlinkat(name, dir, link))
			continue;
		if (errno != EEXIST)
			return -errno;
		if (!held_owner(dir, link, owner) && !strcmp(owner, name))
			continue;
		(void)unlinkat(dir, link, 0);
		if (symlinkat(name, dir, link))
			return -errno;
	}
	return 0;
}

static bool needed(const struct ledger *ledger, const struct ip_prefix *dst)
{
	for (size_t i = 0; i < ledger->n; i++)
		if (claim_route(&ledger->claim[i], dst))
			return true;
	return false;
}

void held_drop(const struct ledger *ledger, const struct claim *claim)
{
	char owner[NAME_MAX_LENGTH + 1], link[HELD_LINK];

	for (size_t i = 0; i < claim->n_route; i++) {
		if (needed(ledger, &claim->route[i].dst))
			continue;
		link_name(&claim->route[i].dst, link);
		if (!held_owner(ledger->dir, link, owner) &&
		    !strcmp(owner, ledger->name))
			(void)unlinkat(ledger->dir, link, 0);
	}
}

bool held_route(int dir, const struct ip_prefix *dst, const char *dev,
		const char *but)
{
	char owner[NAME_MAX_LENGTH + 1], link[HELD_LINK];
	struct ledger ledger;

	link_name(dst, link);
	if (held_owner(dir, link, owner) || (but && !strcmp(owner, but)) ||
	    ledger_peek(dir, owner, &ledger))
		return false;
	for (size_t i = 0; i < ledger.n; i++) {
		const struct claim *c = &ledger.claim[i];

		if (!c->gone && !strcmp(c->dev, dev) && claim_route(c, dst))
			return true;
	}
	return false;
}

int held_lock_unused(int dir, const struct ip_prefix *dst, const char *dev,
		     const char *but, const struct deadline *deadline)
{
	int lock = held_lock(dir, deadline);

	if (lock < 0 || !held_route(dir, dst, dev, but))
		return lock;
	close(lock);
	return -EADDRINUSE;
}
