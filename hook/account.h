/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A member's account file: addresses as data, nothing is ever executed. */
#ifndef HOOK_ACCOUNT_H
#define HOOK_ACCOUNT_H

#include <stdio.h>

#include "../user/config.h"

#define ACCOUNT_PREFIXES 16
#define ACCOUNT_SIZE_MAX 16384 /* bytes; more is another file */
#define ACCOUNT_LINE_MAX 1000

struct account {
	struct ip_prefix ip4; /* family 0: none */
	struct ip_prefix ip6;
	struct ip_prefix prefix[ACCOUNT_PREFIXES];
	size_t n_prefix;
	unsigned int line4, line6, line[ACCOUNT_PREFIXES]; /* where from */
};

/* Where something is wrong goes to ERRORS, if there is one, as file:line: why;
 * names that mean nothing to us to NOTES. */
struct account_report {
	FILE *errors, *notes;
	const char *file;
	unsigned int n;
	/* Says whether a NAME is worth a note; NULL: each is. */
	bool (*worth)(void *arg, const char *name);
	void *arg;
};

__attribute__((format(printf, 3, 4))) void
account_error(struct account_report *report, unsigned int line, const char *fmt,
	      ...);

/*
 * Reads account NAME (a valid one) of the directory DIR, opened by
 * account_dir(). 0; -ENOENT when there is none; -EINVAL when it is wrong, which
 * is reported; or -errno.
 */
int account_read(int dir, const char *name, struct account_report *report,
		 struct account *out);
/* The same from memory; the fuzzer's way in. */
int account_parse(const char *text, size_t size, struct account_report *report,
		  struct account *out);
/* Reports every address outside CONFIG's ranges: 0 or -EINVAL. */
int account_in_ranges(const struct account *account,
		      const struct hook_config *config,
		      struct account_report *report);

#endif
