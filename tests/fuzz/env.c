/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Any NUL-separated strings as the environment and arguments, the status file
 * and the ledger: what is taken is what the rest of the hook relies on, and
 * what is not ends as OpenVPN needs it to.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../hook/command.h"
#include "../../hook/env.h"
#include "../../hook/hooklog.h"
#include "../../hook/ledger.h"
#include "../../hook/status_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES 64

/* Any path might be named: no file is read, and nothing is logged. */
int __wrap_config_load(const char *path, struct config **out);
__attribute__((format(printf, 1, 2))) void __wrap_hooklog_error(const char *fmt,
								...);
static unsigned int logged;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

int __wrap_config_load(const char *path, struct config **out)
{
	check(terminated(path, 4096));
	*out = NULL;
	logged++;
	return -ENOENT;
}

void __wrap_hooklog_error(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	logged++;
}

/* Without a configuration nobody is let in, and nothing else fails. */
static void check_script(int argc, char *const strings[])
{
	char why[256], *argv[ENTRIES + 1];
	struct deadline deadline = { 0 };
	int status = -1, rc;
	struct env env;

	(void)env_read(strings, &env, why, sizeof(why));
	memcpy(argv, strings, argc * sizeof(*argv));
	argv[argc] = NULL;
	logged = 0;
	rc = hook_script(argc, argv, strings, &deadline, &status);
	if (env.event == EVENT_NONE) {
		check(rc == -ENOENT && !logged);
		return;
	}
	check(!rc && logged);
	check(status ==
	      (env.event == EVENT_CONNECT || env.event == EVENT_VERDICT));
}

static void check_env(char *const envp[])
{
	char why[256] = "";
	struct env env;
	int err = env_read(envp, &env, why, sizeof(why));

	check(terminated(why, sizeof(why)) && (!err || *why));
	check(terminated(env.name, sizeof(env.name)));
	check(terminated(env.from, sizeof(env.from)));
	if (err)
		return;
	if (env.event == EVENT_CONNECT || env.event == EVENT_DISCONNECT)
		check(!name_wrong(env.name) && *env.from);
	if (env.event >= EVENT_CONNECT && env.event <= EVENT_DOWN)
		check(!instance_wrong(env.instance) && *env.dev &&
		      !strchr(env.dev, '/') && env.pid > 0);
	check(!env.has6 || (env.length6 >= 1 && env.length6 <= 128));
}

static void check_ledger(char *text)
{
	static char again[LEDGER_SIZE_MAX], third[LEDGER_SIZE_MAX];
	struct ledger a = { .n = 0 }, b = { .n = 0 };
	size_t n;

	if (ledger_parse(text, &a))
		return;
	check(a.n <= LEDGER_CLAIMS);
	n = ledger_format(&a, again, sizeof(again));
	check(n < sizeof(again));
	memcpy(third, again, n + 1);
	check(!ledger_parse(third, &b) && b.n == a.n);
	(void)ledger_format(&b, third, sizeof(third));
	check(!strcmp(again, third));
	(void)ledger_owner(&a);
	check(ledger_next(&a) > 0);
}

static void check_status(char *text)
{
	struct status_file file;

	if (status_file_parse(text, &file))
		return;
	for (size_t i = 0; i < file.n; i++)
		check(!name_wrong(file.session[i].name));
	status_file_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *copy = malloc(size + 1);
	char *envp[ENTRIES + 1];
	size_t n = 0;

	check(text && copy);
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *at = text; at <= text + size && n < ENTRIES;
	     at += strlen(at) + 1)
		envp[n++] = at;
	envp[n] = NULL;
	check_env(envp);
	check_script(size % 6 < n ? size % 6 : n, envp);
	memcpy(copy, text, size + 1);
	check_ledger(copy);
	memcpy(copy, text, size + 1);
	check_status(copy);
	free(copy);
	free(text);
	return 0;
}
