/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Any bytes as an account: refused with at least one "file:line: why", or
 * taken, and then what is written for OpenVPN holds nothing but addresses.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../hook/account.h"
#include "../../hook/prefix.h"
#include "../../hook/pushfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_errors(const char *errors, size_t lines)
{
	while (*errors) {
		check(!strncmp(errors, "fuzz:", 5));
		if (errors[5] != ' ') {
			unsigned long line = strtoul(errors + 5, NULL, 10);

			check(line >= 1 && line <= lines);
		}
		errors = strchr(errors, '\n');
		check(errors);
		errors++;
	}
}

/* No quote, newline or word that an account could have brought in. */
static void check_push(const struct account *account)
{
	static const char plain[] = "0123456789abcdef:./ ";
	struct env env = { .has4 = true, .has6 = true, .length6 = 64 };
	int fd = memfd_create("push", 0);
	char text[8192], *save, *line, *value;
	ssize_t n;

	check(fd >= 0);
	check(pushfile_write(dup(fd), account, &env) == 0);
	n = pread(fd, text, sizeof(text) - 1, 0);
	check(n >= 0 && n < 4000);
	text[n] = '\0';
	close(fd);
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		check(strlen(line) < 255);
		if (!strncmp(line, "push \"setenv-safe DELEGATED_IPV6_PREFIX ",
			     40)) {
			value = line + 40;
			check(value[strlen(value) - 1] == '"');
			value[strlen(value) - 1] = '\0';
			check(value[strspn(value, "0123456789abcdef:./ '")] ==
			      '\0');
			continue;
		}
		value = strchr(line, ' ');
		check(value);
		*value++ = '\0';
		check(!strcmp(line, "ifconfig-push") ||
		      !strcmp(line, "ifconfig-ipv6-push") ||
		      !strcmp(line, "iroute-ipv6"));
		check(value[strspn(value, plain)] == '\0');
	}
}

static void check_account(const struct account *a)
{
	check(a->ip4.family == 0 || a->ip4.family == AF_INET);
	check(a->ip6.family == 0 || a->ip6.family == AF_INET6);
	check(a->ip4.family || a->ip6.family);
	check(!a->n_prefix || a->ip6.family);
	check(a->n_prefix <= ACCOUNT_PREFIXES);
	for (size_t i = 0; i < a->n_prefix; i++)
		check(a->prefix[i].family == AF_INET6 &&
		      a->prefix[i].length <= 128);
	check_push(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *errors = NULL, *notes = NULL;
	struct account account;
	size_t lines = 1, length, noted;
	FILE *out = open_memstream(&errors, &length);
	FILE *aside = open_memstream(&notes, &noted);
	struct account_report report = { .errors = out,
					 .notes = aside,
					 .file = "fuzz" };
	int err;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	err = account_parse((const char *)data, size, &report, &account);
	fclose(out);
	fclose(aside);
	check((err != 0) == (report.n > 0) && (err != 0) == (length > 0));
	check_errors(errors, lines);
	if (!err)
		check_account(&account);
	free(errors);
	free(notes);
	return 0;
}
