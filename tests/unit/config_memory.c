/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The configuration when memory runs out: refused, nothing leaks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conftext.h"

static const char text[] = DOOR "[udp]\npass = 1, 2, 3-4\nmap = 80:81\n"
				"[hook]\ndevice = a\ndevice = b\n"
				"range = 192.0.2.0/24\nrange = 2001:db8::/32\n"
				"users = /x\n[openvpn]\nstatus = a /x\n"
				"management = a /y\nmanagement = b /z\n";

static int left; /* allocations that succeed; -1: all */

static bool spent(void)
{
	if (left < 0)
		return false;
	return left-- == 0;
}

void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *array, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *array, size_t n, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_calloc(size_t n, size_t size)
{
	return spent() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *array, size_t n, size_t size)
{
	return spent() ? NULL : __real_reallocarray(array, n, size);
}

char *__wrap_strdup(const char *s)
{
	return spent() ? NULL : __real_strdup(s);
}

static void each_allocation_fails(void **state)
{
	struct config *config = NULL;
	char *errors;
	int n, err = -ENOMEM;

	(void)state;
	for (n = 0; n < 100 && err; n++) {
		left = n;
		err = conf_parse(text, strlen(text), CONFIG_ALL, &config,
				 &errors);
		left = -1;
		assert_int_equal(err, config ? 0 : -ENOMEM);
		assert_int_equal(conf_lines(errors), err && n ? 1 : 0);
		free(errors);
	}
	assert_true(n > 20 && n < 100);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails),
	};

	left = -1;
	return cmocka_run_group_tests_name("config_memory", tests, NULL, NULL);
}
