/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A step is remembered whole or not at all: an undo needs its programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include "steps.h"

/* All descriptors up to LAST are taken; from now on N more can be had. */
#define LAST 100

static void leave(rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = LAST + 1 + n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void whole_or_not(void **state)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct step step = {
		.kind = STEP_XDP, .from = null, .to = null, .map = -1
	};
	struct steps steps = { 0 };
	struct rlimit before;
	int fd;

	(void)state;
	assert_true(null >= 0);
	do
		fd = dup(null);
	while (fd >= 0 && fd < LAST);
	assert_int_equal(fd, LAST);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (rlim_t room = 0; room < 2; room++) {
		leave(room);
		assert_int_equal(steps_note(&steps, &step), -EMFILE);
		assert_int_equal(steps.n, 0);
	}
	leave(2);
	assert_int_equal(steps_note(&steps, &step), 0);
	assert_int_equal(steps.n, 1);
	assert_true(steps.step[0].from > LAST && steps.step[0].to > LAST);
	assert_int_equal(steps.step[0].map, -1);
	steps_free(&steps);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* An interface that is gone took with it what was to be undone. */
static void gone_is_undone(void **state)
{
	const struct step step = { .kind = STEP_XDP,
				   .ifindex = INT_MAX,
				   .from = -1,
				   .to = -1,
				   .map = -1 };
	struct step chained = step, filter = step, elsewhere = step;
	struct steps steps = { 0 };

	(void)state;
	chained.kind = STEP_CHAIN;
	filter.kind = STEP_FILTER;
	assert_int_equal(steps_note(&steps, &step), 0);
	assert_int_equal(steps_note(&steps, &chained), 0);
	assert_int_equal(steps_note(&steps, &filter), 0);
	assert_int_equal(steps_undo(&steps), 0);
	elsewhere.kind = STEP_ACTIVE;
	elsewhere.ifindex = 0;
	assert_int_equal(steps_note(&steps, &elsewhere), 0);
	assert_int_not_equal(steps_undo(&steps), 0);
	steps_free(&steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_or_not),
		cmocka_unit_test(gone_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
