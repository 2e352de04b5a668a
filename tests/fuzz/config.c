/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Any bytes as anyport.conf: refused with at least one "file:line: why" and
 * no line that the file does not have, or taken, and then what it means holds
 * what the programs rely on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_errors(const char *errors, size_t lines)
{
	while (*errors) {
		unsigned long line;
		char *end;

		check(!strncmp(errors, "fuzz:", 5));
		line = strtoul(errors + 5, &end, 10);
		check(line >= 1 && line <= lines && !strncmp(end, ": ", 2));
		errors = strchr(end, '\n');
		check(errors);
		errors++;
	}
}

static void check_policy(const struct config *c, enum ap_proto proto)
{
	static struct ap_policy table[65536];
	uint16_t target[AP_TARGETS];
	struct ap_config kernel;
	size_t n = config_targets(c, proto, target);

	policy_build(c, proto, table, &kernel);
	policy_limits(c, &kernel);
	check(n == kernel.n_target[proto] && n >= 1 && n <= AP_TARGETS);
	check(table[0].flags == AP_PASS);
	for (size_t i = 0; i < n; i++)
		check(target[i] && table[target[i]].flags == AP_OWN &&
		      table[target[i]].target == i);
	for (size_t i = 0; i < 65536; i++)
		check(table[i].target < n &&
		      table[i].port == kernel.target[proto][table[i].target]);
	for (size_t i = 0; i < AP_CLASSES; i++)
		check(!!kernel.budget[i].cost == !!kernel.budget[i].prefix &&
		      !!kernel.budget[i].cost == !!kernel.budget[i].reserve);
}

static void parse(const uint8_t *data, size_t size, enum config_part part)
{
	struct config *config = NULL;
	size_t length, lines = 1;
	char *errors;
	FILE *in = fmemopen((void *)(uintptr_t)data, size, "r");
	FILE *out = open_memstream(&errors, &length);
	int err;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	check(in && out);
	err = config_parse(in, "fuzz", part, out, &config);
	fclose(in);
	fclose(out);
	check(err == 0 || err == -EINVAL);
	check(!config == !!err && !length == !err);
	check_errors(errors, lines);
	if (config && part == CONFIG_ALL) {
		check_policy(config, AP_UDP);
		check_policy(config, AP_TCP);
	}
	config_free(config);
	free(errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	parse(data, size, CONFIG_ALL);
	parse(data, size, CONFIG_HOOK);
	return 0;
}
