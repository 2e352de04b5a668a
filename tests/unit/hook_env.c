/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Hostile names, arguments and environments: what lets nobody in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "../../hook/command.h"
#include "../../hook/hooklog.h"

/* Reading the configuration is the first thing that opens a file. */
static unsigned int loads;

int __wrap_config_load(const char *path, struct config **out);
int __wrap_config_load(const char *path, struct config **out)
{
	(void)path;
	(void)out;
	loads++;
	return -ENOENT;
}

static const char *const hostile[] = {
	"",
	".",
	"..",
	"...",
	"/",
	"//",
	"../..",
	"../../etc/shadow",
	"/etc/passwd",
	"a/b",
	"a/../b",
	"./a",
	".hidden",
	"-rf",
	"-",
	"--help",
	"_a",
	"@a",
	"1a",
	"0",
	" a",
	"a ",
	"a b",
	"a\tb",
	"a\nb",
	"a\n",
	"a\rb",
	"a\x7f",
	"a\x01",
	"a\"b",
	"a'b",
	"a`id`",
	"a$(id)",
	"$HOME",
	"a;b",
	"a|b",
	"a&b",
	"a>b",
	"a<b",
	"a*",
	"a?",
	"a[b]",
	"a{b}",
	"a~",
	"~root",
	"a\\b",
	"a%n%s",
	"a:b",
	"a,b",
	"a=b",
	"a#b",
	"a!b",
	"a^b",
	"\xc3\xa9t\xc3\xa9",
	"a\xc3\xa9",
	"a\xff",
	"\xe2\x80\xae"
	"a",
	"a\xef\xbc\x8f"
	"b",
	"\xd0\xb0lice",
	"../a b$x\"q",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

static const char *const plain[] = {
	"a",
	"Z",
	"alice",
	"Alice.B",
	"a-b_c@example.org",
	"m1",
	"a..b",
	"a-",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

#define CONNECT                                                          \
	"script_type=client-connect", "dev=tunudp", "OVPN_INSTANCE=udp", \
		"daemon_pid=77", "daemon_start_time=1", "time_unix=2",   \
		"trusted_ip=192.0.2.9", "trusted_port=5000",             \
		"ifconfig_netmask=255.255.255.0",                        \
		"ifconfig_ipv6_local=2001:db8::1", "ifconfig_ipv6_netbits=64"

static int script(const char **envp)
{
	const char *argv[] = { "anyport-hook", "/nonexistent/file", NULL };
	struct deadline deadline;
	int status = -1;

	deadline_start(&deadline);
	loads = 0;
	assert_int_equal(hook_script(2, (char **)argv, (char **)envp, &deadline,
				     &status),
			 0);
	return status;
}

static void names(void **state)
{
	(void)state;
	assert_true(sizeof(hostile) / sizeof(*hostile) >= 40);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		char name[256];
		const char *envp[] = { CONNECT, name, NULL };

		snprintf(name, sizeof(name), "common_name=%s", hostile[i]);
		assert_non_null(name_wrong(hostile[i]));
		assert_int_equal(script(envp), 1);
		assert_int_equal(loads, 0);
		envp[0] = "script_type=client-disconnect";
		assert_int_equal(script(envp), 0);
		assert_int_equal(loads, 0);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		char name[256];
		const char *envp[] = { CONNECT, name, NULL };

		snprintf(name, sizeof(name), "common_name=%s", plain[i]);
		assert_null(name_wrong(plain[i]));
		(void)script(envp);
		assert_int_equal(loads, 1);
	}
}

static void two_hundred(void **state)
{
	char name[300] = "common_name=a";
	const char *envp[] = { CONNECT, name, NULL };

	(void)state;
	memset(name + strlen(name), 'a', 200);
	assert_int_equal(script(envp), 1);
	assert_int_equal(loads, 0);
	print_message("req 36\n");
}

/* One entry of a good environment is replaced. */
static const char *const wrong[] = {
	"common_name",
	"common_name=",
	"dev",
	"dev=",
	"dev=../x",
	"dev=a/b",
	"dev=aaaaaaaaaaaaaaaa",
	"dev=a b",
	"OVPN_INSTANCE=",
	"OVPN_INSTANCE=../x",
	"OVPN_INSTANCE=.x",
	"OVPN_INSTANCE=a b",
	"OVPN_INSTANCE=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"daemon_pid",
	"daemon_pid=",
	"daemon_pid=0",
	"daemon_pid=-1",
	"daemon_pid=1x",
	"daemon_pid=99999999999999999999",
	"daemon_pid= 1",
	"daemon_start_time",
	"daemon_start_time=x",
	"time_unix",
	"time_unix=",
	"time_unix=-1",
	"time_unix=0x10",
	"ifconfig_netmask=255.0.255.0",
	"ifconfig_netmask=255.255.255",
	"ifconfig_netmask=hello",
	"ifconfig_ipv6_local=1.2.3.4",
	"ifconfig_ipv6_local=x",
	"ifconfig_ipv6_netbits",
	"ifconfig_ipv6_netbits=129",
	"ifconfig_ipv6_netbits=",
	"ifconfig_ipv6_netbits=64 1",
	/* of another's making, for the member's configuration */
	"ifconfig_netmask=255.255.255.0\npush \"route 0.0.0.0\"",
	"ifconfig_netmask=255.255.255.0\"",
	"ifconfig_ipv6_local=2001:db8::1\"",
	"ifconfig_ipv6_local=2001:db8::1\nroute",
	"ifconfig_ipv6_netbits=64\n",
	"ifconfig_ipv6_netbits=64\"",
};

static void replace(const char **envp, const char *entry)
{
	size_t n = strcspn(entry, "=");

	for (; *envp; envp++)
		if (!strncmp(*envp, entry, n) && (*envp)[n] == '=')
			*envp = entry;
}

static void wrong_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *envp[] = { CONNECT, "common_name=alice", NULL };

		replace(envp, wrong[i]);
		assert_int_equal(script(envp), 1);
		assert_int_equal(loads, 0);
	}
	print_message("req 43\n");
}

static void other_events(void **state)
{
	static const char *const types[] = { "client-disconnect", "up",
					     "down" };

	(void)state;
	for (size_t t = 0; t < 3; t++)
		for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
			const char *envp[] = { CONNECT, "common_name=alice",
					       NULL };
			char type[64];

			snprintf(type, sizeof(type), "script_type=%s",
				 types[t]);
			envp[0] = type;
			replace(envp, wrong[i]);
			assert_int_equal(script(envp), 0);
		}
}

static void missing(void **state)
{
	const char *all[] = { CONNECT, "common_name=alice", NULL };
	const char *alone[] = { "script_type=client-connect", NULL };
	const char *verify[] = { "script_type=tls-verify", NULL };
	const char *learn[] = { "script_type=learn-address", NULL };
	char *none[] = { NULL };
	const char *odd[] = {
		"", "=", "=x", "script_type", "common_name", NULL
	};
	struct deadline deadline;
	int status;

	(void)state;
	assert_int_equal(script(alone), 1);
	assert_int_equal(script(verify), 1);
	assert_int_equal(script(learn), 0);
	assert_int_equal(loads, 0);
	deadline_start(&deadline);
	assert_int_equal(hook_script(0, (char *[]){ NULL }, none, &deadline,
				     &status),
			 -ENOENT);
	assert_int_equal(hook_script(0, (char *[]){ NULL }, NULL, &deadline,
				     &status),
			 -ENOENT);
	assert_int_equal(hook_script(0, (char *[]){ NULL }, (char **)odd,
				     &deadline, &status),
			 -ENOENT);
	assert_int_equal(script(all), 1);
	assert_int_equal(loads, 1);
}

static void twice(void **state)
{
	const char *envp[] = { CONNECT, "common_name=alice", "common_name=bob",
			       NULL };
	const char *same[] = { CONNECT, "common_name=alice",
			       "common_name=alice", NULL };

	(void)state;
	assert_int_equal(script(envp), 1);
	assert_int_equal(script(same), 1);
	assert_int_equal(loads, 0);
}

/* A client sends what it likes as IV_ and UV_, up to 255 bytes each. */
static void huge(void **state)
{
	enum { MANY = 2000, LONG = 1 << 20 };
	const char **envp = calloc(MANY + 20, sizeof(*envp));
	const char *base[] = { CONNECT, "common_name=alice", NULL };
	char *text = malloc(LONG + 1);
	size_t n = 0;

	(void)state;
	memset(text, 'A', LONG);
	text[LONG] = '\0';
	memcpy(text, "UV_X=", 5);
	for (; n < MANY; n++)
		envp[n] = n % 2 ? text : "IV_SSO=common_name=../../x";
	for (size_t i = 0; base[i]; i++)
		envp[n++] = base[i];
	assert_int_equal(script(envp), 1);
	assert_int_equal(loads, 1);
	memcpy(text, "trusted_ip=", 11);
	replace(envp, "trusted_ip");
	for (n = 0; envp[n]; n++)
		if (!strncmp(envp[n], "trusted_ip", 10))
			envp[n] = text;
	assert_int_equal(script(envp), 1);
	assert_int_equal(loads, 0);
	free(text);
	free(envp);
}

static void arguments(void **state)
{
	const char *all[] = {
		"anyport-hook", "-c", "x", "-c", "/dev/null", NULL
	};

	(void)state;
	for (int argc = 0; argc <= 5; argc++) {
		const char *argv[6] = { NULL };
		const char *envp[] = { CONNECT, "common_name=alice", NULL };
		struct deadline deadline;
		int status = -1;

		memcpy(argv, all, argc * sizeof(*argv));
		deadline_start(&deadline);
		assert_int_equal(hook_script(argc, (char **)argv, (char **)envp,
					     &deadline, &status),
				 0);
		assert_int_equal(status, 1);
		envp[0] = "script_type=client-disconnect";
		assert_int_equal(hook_script(argc, (char **)argv, (char **)envp,
					     &deadline, &status),
				 0);
		assert_int_equal(status, 0);
	}
	print_message("req 37\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),        cmocka_unit_test(two_hundred),
		cmocka_unit_test(wrong_values), cmocka_unit_test(other_events),
		cmocka_unit_test(missing),      cmocka_unit_test(twice),
		cmocka_unit_test(huge),         cmocka_unit_test(arguments),
	};

	hooklog_stderr();
	return cmocka_run_group_tests_name("hook_env", tests, NULL, NULL);
}
