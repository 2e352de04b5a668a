/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* A kernel that refuses the programs is named; one that takes them is not
 * asked for its version. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "door.h"

static int verdict;
static char release[32];

int __wrap_programs_load(const struct tables *tables, struct programs *out,
			 const char **refused);
int __wrap_uname(struct utsname *out);

int __wrap_programs_load(const struct tables *tables, struct programs *out,
			 const char **refused)
{
	(void)tables;
	(void)out;
	*refused = verdict ? "anyport_lookup" : NULL;
	return verdict;
}

int __wrap_uname(struct utsname *out)
{
	memset(out, 0, sizeof(*out));
	(void)snprintf(out->release, sizeof(out->release), "%s", release);
	return 0;
}

static int load(struct door *door, const char *kernel, int says)
{
	memset(door, 0, sizeof(*door));
	(void)snprintf(release, sizeof(release), "%s", kernel);
	verdict = says;
	return door_load_programs(door);
}

static void refused_by_name(void **state)
{
	static struct door door;

	(void)state;
	assert_int_equal(load(&door, "5.10.0-35-amd64", -EINVAL), -EINVAL);
	assert_non_null(strstr(door.error, "Linux 5.10.0-35-amd64"));
	assert_non_null(strstr(door.error, "anyport_lookup"));
	assert_non_null(strstr(door.error, "6.1 or newer"));
}

/* Of a kernel that should have taken them, nobody is told to get a newer. */
static void fault_of_ours(void **state)
{
	static struct door door;

	(void)state;
	assert_int_equal(load(&door, "6.1.0-50-amd64", -EINVAL), -EINVAL);
	assert_non_null(strstr(door.error, "report"));
	assert_null(strstr(door.error, "newer"));
	assert_int_equal(load(&door, "10.0.3", -EINVAL), -EINVAL);
	assert_null(strstr(door.error, "newer"));
}

static void taken_when_it_can(void **state)
{
	static struct door door;

	(void)state;
	assert_int_equal(load(&door, "5.19.0-backports", 0), 0);
	assert_string_equal(door.error, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_by_name),
		cmocka_unit_test(fault_of_ours),
		cmocka_unit_test(taken_when_it_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
