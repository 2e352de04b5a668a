/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which common names can be an account's; OpenVPN lets almost any text in. */
#include <net/if.h>
#include <stddef.h>
#include <string.h>

#include "name.h"

/* ctype.h follows the locale; names do not. */
static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool plain(char c)
{
	return letter(c) || (c >= '0' && c <= '9') || (c && strchr("._-@", c));
}

const char *name_wrong(const char *name)
{
	size_t n;

	if (!name || !*name)
		return "it is empty";
	if (!letter(*name))
		return "it does not begin with a letter";
	n = strnlen(name, NAME_MAX_LENGTH + 1);
	if (n > NAME_MAX_LENGTH)
		return "it has more than 64 characters";
	for (size_t i = 0; i < n; i++)
		if (!plain(name[i]))
			return "only letters, digits, . _ - and @ may be in it";
	return NULL;
}

const char *instance_wrong(const char *name)
{
	if (!name || !*name)
		return "it is empty";
	if (strnlen(name, 32) > 31)
		return "it has more than 31 characters";
	if (*name == '.')
		return "it begins with a dot";
	for (; *name; name++)
		if (!plain(*name))
			return "only letters, digits, . _ - and @ may be in it";
	return NULL;
}

const char *device_wrong(const char *name)
{
	if (!name || !*name)
		return "it is empty";
	if (strnlen(name, IF_NAMESIZE) == IF_NAMESIZE)
		return "it has more than 15 characters";
	for (; *name; name++)
		/* What follows a colon is not looked up: "lo:x" would be lo. */
		if (*name <= ' ' || *name > '~' || strchr("/:", *name))
			return "only plain characters may be in it";
	return NULL;
}

bool device_plain(const char *name)
{
	while (plain(*name))
		name++;
	return !*name;
}

const char *name_shown(const char *name, char out[NAME_SHOWN])
{
	size_t n = strnlen(name, NAME_SHOWN - 1);

	for (size_t i = 0; i < n; i++)
		out[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
	out[n] = '\0';
	return out;
}
