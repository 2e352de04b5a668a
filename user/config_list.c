/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Sets the keys that repeat, one entry each: interfaces, addresses, instances.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config_set.h"

typedef char if_name[IF_NAMESIZE];

static int add_name(struct parser *p, const struct config_key *key,
		    const char *value, if_name **list, size_t *n, size_t max)
{
	if_name name = "", *longer;
	struct why why;
	int err = value_interface(value, name, &why);

	for (size_t i = 0; i < *n && !err; i++)
		if (!strcmp((*list)[i], name))
			err = why_not(&why, "is named twice");
	if (!err && *n == max)
		err = why_not(&why, "there can be at most %zu", max);
	if (err)
		return set_refused(p, key, value, &why);
	longer = set_grow(*list, *n, sizeof(if_name));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	memcpy((*list)[(*n)++], name, sizeof(name));
	return 0;
}

int set_interface(struct parser *p, const struct config_key *key,
		  const char *value)
{
	struct config *c = p->config;

	return add_name(p, key, value, &c->interface, &c->n_interface,
			AP_UPLINKS);
}

int set_device(struct parser *p, const struct config_key *key,
	       const char *value)
{
	struct hook_config *h = &p->config->hook;

	return add_name(p, key, value, &h->device, &h->n_device,
			CONFIG_DEVICES_MAX);
}

static int not_twice(const struct ip_prefix *list, size_t n,
		     const struct ip_prefix *one, struct why *why)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_equal(&list[i], one))
			return why_not(why, "is named twice");
	return 0;
}

int set_address(struct parser *p, const struct config_key *key,
		const char *value)
{
	struct config *c = p->config;
	struct ip_prefix address;
	struct why why;
	int err = value_address(value, &address, &why);

	if (!err)
		err = not_twice(c->address, c->n_address, &address, &why);
	if (!err && c->n_address == AP_ADDRS)
		err = why_not(&why, "there can be at most %d", AP_ADDRS);
	if (err)
		return set_refused(p, key, value, &why);
	c->address[c->n_address++] = address;
	return 0;
}

int set_range(struct parser *p, const struct config_key *key, const char *value)
{
	struct hook_config *h = &p->config->hook;
	struct ip_prefix range, *longer;
	struct why why;
	int err = value_prefix(value, &range, &why);

	if (!err)
		err = not_twice(h->range, h->n_range, &range, &why);
	if (!err && h->n_range == CONFIG_RANGES_MAX)
		err = why_not(&why, "there can be at most %d",
			      CONFIG_RANGES_MAX);
	if (err)
		return set_refused(p, key, value, &why);
	longer = set_grow(h->range, h->n_range, sizeof(range));
	if (!longer)
		return -ENOMEM;
	h->range = longer;
	h->range[h->n_range++] = range;
	return 0;
}

/* ---- NAME PATH ----------------------------------------------------------*/

/* Finds or makes the instance of that name; NULL: no memory. */
static struct instance_config *instance(struct config *c, const char *name)
{
	struct instance_config *longer;

	for (size_t i = 0; i < c->n_instance; i++)
		if (!strcmp(c->instance[i].name, name))
			return &c->instance[i];
	longer = set_grow(c->instance, c->n_instance, sizeof(*longer));
	if (!longer)
		return NULL;
	c->instance = longer;
	longer += c->n_instance;
	*longer = (struct instance_config){ .name = strdup(name) };
	if (!longer->name)
		return NULL;
	c->n_instance++;
	return longer;
}

/* Splits VALUE; NAME is also what scripts and metrics call the instance. */
static int name_and_path(const char *value, char name[32], const char **path,
			 struct why *why)
{
	size_t n = 0;

	while (isalnum((unsigned char)value[n]) ||
	       (n && value[n] && strchr("_-.", value[n])))
		n++;
	*path = value + n + strspn(value + n, " \t");
	if (!n || n > 31 || *path == value + n || value_path(*path, why))
		return why_not(why,
			       "must be an instance's NAME (letters, digits, "
			       "\"_\", \"-\", \".\"; at most 31), a blank and "
			       "an absolute PATH");
	memcpy(name, value, n);
	name[n] = '\0';
	return 0;
}

static int set_instance(struct parser *p, const struct config_key *key,
			const char *value, bool socket)
{
	struct instance_config *one;
	const char *path;
	struct why why;
	char name[32], **place;

	if (name_and_path(value, name, &path, &why))
		return set_refused(p, key, value, &why);
	if (socket &&
	    strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		(void)why_not(&why, "a socket's path has at most 107 bytes");
		return set_refused(p, key, value, &why);
	}
	one = instance(p->config, name);
	if (!one)
		return -ENOMEM;
	place = socket ? &one->management : &one->status;
	if (*place) {
		(void)why_not(&why, "the instance has one already");
		return set_refused(p, key, value, &why);
	}
	*place = strdup(path);
	if (!*place)
		return -ENOMEM;
	if (p->config->n_instance <= CONFIG_INSTANCES_MAX)
		return 0;
	(void)why_not(&why, "there can be at most %d instances",
		      CONFIG_INSTANCES_MAX);
	return set_refused(p, key, value, &why);
}

int set_management(struct parser *p, const struct config_key *key,
		   const char *value)
{
	return set_instance(p, key, value, true);
}

int set_status(struct parser *p, const struct config_key *key,
	       const char *value)
{
	return set_instance(p, key, value, false);
}
