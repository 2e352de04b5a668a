/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The command line of anyport: exit status, and what goes to which stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "conftext.h"

static char binary[4096]; /* beside this test's own build directory */
static char dir[] = "/tmp/anyport-command-XXXXXX";
static char out[8192], err[8192];

static void read_file(const char *name, char *text)
{
	char path[64];
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	in = fopen(path, "r");
	assert_non_null(in);
	text[fread(text, 1, 8191, in)] = '\0';
	fclose(in);
}

/* Runs "anyport ARGUMENTS" in DIR; its exit status. */
static int anyport(const char *arguments)
{
	char command[8192];
	int status;

	assert_true(snprintf(command, sizeof(command),
			     "cd %s && exec 2>err >out && %s %s", dir, binary,
			     arguments) < (int)sizeof(command));
	status = system(command);
	assert_true(WIFEXITED(status));
	read_file("out", out);
	read_file("err", err);
	return WEXITSTATUS(status);
}

static void write_file(const char *name, const char *text)
{
	char path[64];
	FILE *to;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	to = fopen(path, "w");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static void help(void **state)
{
	static const char *const asked[] = { "--help", "-h", "-v --help",
					     "check --help",
					     "check -c /nonexistent -h" };

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		assert_int_equal(anyport(asked[i]), 0);
		assert_int_equal(strncmp(out, "usage: anyport ", 15), 0);
		assert_string_equal(err, "");
	}
	assert_int_equal(anyport("--version"), 0);
	assert_string_equal(out, "anyport " VERSION "\n");
	assert_true(strlen(VERSION) >= 3);
}

static void misuse(void **state)
{
	static const char *const wrong[] = { "",           "-x",
					     "frobnicate", "check -x",
					     "check x",    "check -c",
					     "--help-me",  "-v" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(anyport(wrong[i]), 2);
		assert_string_equal(out, "");
		assert_true(strlen(err) > 20);
	}
	assert_int_equal(anyport("check -x"), 2);
	assert_int_equal(strncmp(err, "anyport check: ", 15), 0);
	assert_int_equal(anyport("stats --slow"), 2);
	assert_int_equal(strncmp(err, "anyport stats: ", 15), 0);
	assert_int_equal(anyport("frobnicate"), 2);
	assert_string_equal(err, "anyport: no command \"frobnicate\"; "
				 "\"anyport --help\" lists them\n");
}

static void full_disk(void **state)
{
	(void)state;
	if (access("/dev/full", W_OK)) {
		print_message("no /dev/full\n");
		skip();
	}
	assert_int_equal(anyport("--help >/dev/full"), 1);
	assert_string_equal(err, "anyport: cannot write to standard output: "
				 "No space left on device\n");
}

static void check_command(void **state)
{
	(void)state;
	write_file("good", DOOR "[tcp]\npass = 22\nmap = 443:4443\n");
	assert_int_equal(anyport("check -c good"), 0);
	assert_string_equal(err, "");
	assert_non_null(strstr(out, "good: no errors\n"));
	assert_non_null(strstr(out, "198.51.100.1 on eth0"));
	assert_non_null(strstr(out, "to 1194, local services excepted: "
				    "1-66, 69-545, 548-65535\n"));
	assert_non_null(strstr(out, "left alone: 67-68, 546-547\n"));
	assert_non_null(strstr(out, "to 4443, local services excepted: "
				    "443, 4443\n"));
	assert_non_null(strstr(out, "left alone: 22\n"));

	write_file("bad", "[udp]\ntarget = 70000\n[upd]\n");
	assert_int_equal(anyport("check -c bad"), 1);
	assert_string_equal(out, "");
	assert_int_equal(conf_lines(err), 4);
	assert_int_equal(strncmp(err, "bad:2: target = 70000: ", 23), 0);

	assert_int_equal(anyport("check -c nowhere"), 1);
	assert_string_equal(err, "nowhere: No such file or directory; name "
				 "another file with -c\n");
}

/* Checks with [hook] users = PATH: is there a warning of it that has TEXT, or
 * (NULL) none? */
static void check_accounts(const char *path, const char *text)
{
	static const char label[] = "warning: accounts: ";
	char *said, conf[256];

	(void)snprintf(conf, sizeof(conf),
		       DOOR "[hook]\nusers = %s\ndevice = tun0\n"
			    "range = 203.0.113.0/24\n",
		       path);
	write_file("good", conf);
	assert_int_equal(anyport("check -c good"), 0);
	assert_string_equal(err, "");
	said = strstr(out, label);
	if (!text) {
		assert_null(said);
		return;
	}
	assert_non_null(said);
	said[strcspn(said, "\n")] = '\0';
	assert_non_null(strstr(said, path));
	assert_non_null(strstr(said, text));
}

static void accounts(void **state)
{
	static const char a_link[] = " is a symbolic link: name the directory "
				     "itself in [hook] users: /etc";
	char users[64], link[64];

	(void)state;
	(void)snprintf(users, sizeof(users), "%s/users", dir);
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	check_accounts("/etc", NULL); /* root's alone to write */
	check_accounts(users, ": No such file or directory: make it, or name "
			      "another in [hook] users");
	write_file("users", "");
	check_accounts(users, ": Not a directory: name a directory in [hook] "
			      "users");
	assert_int_equal(unlink(users), 0);
	assert_int_equal(mkdir(users, 0755), 0);
	assert_int_equal(chmod(users, 0775), 0);
	check_accounts(users, ": chmod go-w ");
	assert_int_equal(chmod(users, 0757), 0);
	check_accounts(users, "group or others can write to ");
	assert_int_equal(rmdir(users), 0);
	assert_int_equal(symlink("/etc", link), 0);
	check_accounts(link, a_link);
	strcat(link, "/");
	check_accounts(link, a_link);

	/* Without [hook] nobody asks for accounts. */
	write_file("good", DOOR);
	assert_int_equal(anyport("check -c good"), 0);
	assert_null(strstr(out, "accounts"));
}

static int find_binary(void **state)
{
	ssize_t n = readlink("/proc/self/exe", binary, sizeof(binary) - 16);

	(void)state;
	if (n < 0)
		return -1;
	binary[n] = '\0';
	/* build/tests/unit/command -> build/anyport */
	for (int up = 0; up < 3; up++)
		*strrchr(binary, '/') = '\0';
	strcat(binary, "/anyport");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_files(void **state)
{
	static const char *const names[] = { "out", "err", "good", "bad",
					     "link" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help),
		cmocka_unit_test(misuse),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(check_command),
		cmocka_unit_test(accounts),
	};

	return cmocka_run_group_tests_name("command", tests, find_binary,
					   remove_files);
}
