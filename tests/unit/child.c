/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Other programs are run for a bounded time, and their fate is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "child.h"

static void output_is_read_whole(void **state)
{
	const char *const argv[] = { "seq", "1", "100000", NULL };
	char *out;

	(void)state;
	assert_int_equal(child_read(argv, 10000, &out), 0);
	assert_int_equal(strlen(out), 588895);
	assert_string_equal(out + strlen(out) - 7, "100000\n");
	free(out);
}

static void time_is_bounded(void **state)
{
	const char *const argv[] = { "sleep", "60", NULL };
	time_t before = time(NULL);
	char *out;

	(void)state;
	assert_int_equal(child_read(argv, 100, &out), -ETIMEDOUT);
	assert_null(out);
	assert_true(time(NULL) - before < 30);
}

static void silence_is_no_end(void **state)
{
	const char *const argv[] = { "sh", "-c", "exec >&-; exec sleep 60",
				     NULL };
	time_t before = time(NULL);
	char *out;

	(void)state;
	assert_int_equal(child_read(argv, 500, &out), -ETIMEDOUT);
	assert_null(out);
	assert_true(time(NULL) - before < 30);
}

static void failures_are_told(void **state)
{
	const char *const none[] = { "no-such-program", NULL };
	const char *const fails[] = { "false", NULL };
	char *out;
	int err;

	(void)state;
	assert_int_equal(child_read(none, 1000, &out), -ENOENT);
	assert_null(out);
	err = child_read(fails, 10000, &out);
	assert_true(err == -EIO || err == -EPERM);
	assert_null(out);
	assert_true(child_exists("sh"));
	assert_false(child_exists("no-such-program"));
}

/* Whatever the caller's PATH says: the programs are run as root. */
static void path_does_not_matter(void **state)
{
	const char *const argv[] = { "env", NULL };
	char *out;

	(void)state;
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_int_equal(setenv("LD_PRELOAD", "", 1), 0);
	assert_int_equal(child_read(argv, 10000, &out), 0);
	assert_string_equal(out, "LC_ALL=C\nPATH=/usr/sbin:/usr/bin\n");
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_is_read_whole),
		cmocka_unit_test(time_is_bounded),
		cmocka_unit_test(silence_is_no_end),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(path_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
