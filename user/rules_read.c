/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Asks nft and iptables-save for the rules of this network namespace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules.h"
#include "child.h"

#define PATIENCE_MS 10000

static int read_nft(struct rules *rules)
{
	/* -t: without the elements of named sets, which may be a million. */
	const char *const argv[] = {
		"nft", "-j", "-t", "list", "ruleset", NULL
	};
	char *out;
	int err = child_read(argv, PATIENCE_MS, &out);

	if (!err)
		err = rules_parse_nft(out, rules);
	free(out);
	return err;
}

static int read_save(const char *program, int family, const char *command,
		     struct rules *rules)
{
	const char *const argv[] = { program, NULL };
	char *out;
	int err = child_read(argv, PATIENCE_MS, &out);

	if (!err)
		err = rules_parse_iptables(out, family, command, rules);
	free(out);
	return err;
}

/* A program that lists legacy tables would otherwise load their modules. */
static int has_legacy(const char *path)
{
	FILE *file = fopen(path, "re");
	int c;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	c = fgetc(file);
	(void)fclose(file);
	return c != EOF;
}

static int read_legacy(struct rules *rules)
{
	int v4 = has_legacy("/proc/net/ip_tables_names");
	int v6 = has_legacy("/proc/net/ip6_tables_names");
	int err = 0;

	if (v4 < 0 || v6 < 0)
		return v4 < 0 ? v4 : v6;
	if (v4)
		err = read_save("iptables-legacy-save", AF_INET,
				"iptables-legacy", rules);
	if (v6 && !err)
		err = read_save("ip6tables-legacy-save", AF_INET6,
				"ip6tables-legacy", rules);
	return err;
}

/* What one kind of tool cannot list, another may; the first error is told. */
int rules_read(struct rules *rules)
{
	int err, legacy;

	*rules = (struct rules){ 0 };
	err = read_nft(rules);
	if (err == -ENOENT) {
		err = read_save("iptables-nft-save", AF_INET, "iptables-nft",
				rules);
		if (!err)
			err = read_save("ip6tables-nft-save", AF_INET6,
					"ip6tables-nft", rules);
	}
	legacy = read_legacy(rules);
	err = err ?: legacy;
	return err == -EACCES ? -EPERM : err;
}
