/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The file that OpenVPN reads, and the status files that it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../hook/pushfile.h"
#include "../../hook/status_file.h"
#include "scratch.h"

static char file[64], link_to[64];

static struct account sample(const char *text)
{
	struct account_report report = { .errors = stderr, .file = "sample" };
	struct account account;

	assert_int_equal(account_parse(text, strlen(text), &report, &account),
			 0);
	return account;
}

static struct env server(void)
{
	struct env env = { .has4 = true, .has6 = true, .length6 = 64 };

	inet_pton(AF_INET, "255.255.255.0", &env.mask4);
	inet_pton(AF_INET6, "2001:db8:2::1", &env.server6);
	return env;
}

static const char *content(void)
{
	static char text[9000];
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void empty_file(void)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old\n", 4), 4);
	close(fd);
}

static void lines(void **state)
{
	struct account a =
		sample("IP4=203.0.113.10\nIP6=2001:db8:2::a\n"
		       "PREFIX='2001:db8:100::/48 2001:db8:101::/48'");
	struct env env = server();

	(void)state;
	empty_file();
	assert_int_equal(pushfile_write(pushfile_open(file), &a, &env), 0);
	assert_string_equal(
		content(), "ifconfig-push 203.0.113.10 255.255.255.0\n"
			   "ifconfig-ipv6-push 2001:db8:2::a/64 2001:db8:2::1\n"
			   "iroute-ipv6 2001:db8:100::/48\n"
			   "iroute-ipv6 2001:db8:101::/48\n"
			   "push \"setenv-safe DELEGATED_IPV6_PREFIX "
			   "'2001:db8:100::/48 2001:db8:101::/48'\"\n");
	env.has6 = false;
	empty_file();
	assert_int_equal(pushfile_write(pushfile_open(file), &a, &env), 0);
	assert_string_equal(content(),
			    "ifconfig-push 203.0.113.10 255.255.255.0\n");
}

/* OpenVPN cuts a line at 255 characters and takes the rest for another. */
static void long_lists(void **state)
{
	char text[2000] = "IP6=2001:db8:2::a\n";
	struct env env = server();
	struct account a;

	(void)state;
	for (int i = 0; i < ACCOUNT_PREFIXES; i++)
		sprintf(text + strlen(text),
			"PREFIX=2001:db8:1111:2222:3333:4444:%x:0/112\n",
			0x5550 + i);
	a = sample(text);
	empty_file();
	assert_int_equal(pushfile_write(pushfile_open(file), &a, &env), 0);
	strcpy(text, content());
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) < 255);
}

static void not_its_own(void **state)
{
	(void)state;
	empty_file();
	assert_int_equal(pushfile_open(NULL), -EINVAL);
	assert_int_equal(pushfile_open("relative"), -EINVAL);
	assert_int_equal(pushfile_open("/nonexistent/x"), -ENOENT);
	assert_int_equal(pushfile_open(scratch_path), -EISDIR);
	assert_int_equal(pushfile_open("/dev/null"), -EPERM);
	assert_int_equal(symlink(file, link_to), 0);
	assert_int_equal(pushfile_open(link_to), -ELOOP);
	unlink(link_to);
	assert_int_equal(link(file, link_to), 0);
	assert_int_equal(pushfile_open(link_to), -EPERM);
	unlink(link_to);
	assert_int_equal(mkfifo(link_to, 0600), 0);
	assert_true(pushfile_open(link_to) < 0);
	unlink(link_to);
	if (!geteuid()) {
		assert_int_equal(chown(file, 4242, 0), 0);
		assert_int_equal(pushfile_open(file), -EPERM);
		assert_int_equal(chown(file, 0, 0), 0);
	}
	assert_string_equal(content(), "old\n");
}

/* A disk that is full after 20 bytes: nothing is half written. */
static void disk_full(void **state)
{
	struct rlimit small = { 20, RLIM_INFINITY }, was;
	struct account a = sample("IP4=203.0.113.10\n");
	struct env env = server();
	int err;

	(void)state;
	empty_file();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	err = pushfile_write(pushfile_open(file), &a, &env);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(err, -ENOSPC);
	assert_string_equal(content(), "");
}

/* As OpenVPN 2.6.14 wrote it with three members on, one not authenticated. */
#define HEADERS                                                               \
	"HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\t"   \
	"Virtual IPv6 Address\tBytes Received\tBytes Sent\tConnected Since\t" \
	"Connected Since (time_t)\tUsername\tClient ID\tPeer ID\t"            \
	"Data Channel Cipher\n"
#define ROUTES                                                  \
	"HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\t" \
	"Real Address\tLast Ref\tLast Ref (time_t)\n"
#define STATUS                                                                   \
	"TITLE\tOpenVPN 2.6.14\nTIME\t2026-11-23 00:00:00\t1795392000\n" HEADERS \
	"CLIENT_LIST\talice\tudp4:192.0.2.9:5000\t203.0.113.10\t"                \
	"2001:db8:2::a\t10\t20\tx\t1795391000\tUNDEF\t0\t0\tAES-256-GCM\n"       \
	"CLIENT_LIST\tUNDEF\t192.0.2.8:1\t\t\t1\t2\tx\t1795391001\tUNDEF\t"      \
	"1\t1\t\n"                                                               \
	"CLIENT_LIST\t../a,b\t[2001:db8::9]:1\t203.0.113.66\t\t1\t2\tx\t"        \
	"1795391002\tUNDEF\t2\t2\tAES-256-GCM\n"                                 \
	"CLIENT_LIST\tbob\t192.0.2.7:1\t203.0.113.11\t\t1\t2\tx\t"               \
	"1795391003\tUNDEF\t3\t3\tAES-256-GCM\n" ROUTES                          \
	"ROUTING_TABLE\t2001:db8:100::/48\talice\t192.0.2.9:5000\tx\t"           \
	"1795391900\n"                                                           \
	"ROUTING_TABLE\t203.0.113.10\talice\t192.0.2.9:5000\tx\t1795391800\n"    \
	"ROUTING_TABLE\t203.0.113.11C\tbob\t192.0.2.7:1\tx\t1795391005\n"        \
	"GLOBAL_STATS\tMax bcast/mcast queue length\t0\nEND\n"

static void check_status(char *text)
{
	struct status_file f;

	assert_int_equal(status_file_parse(text, &f), 0);
	assert_int_equal(f.time, 1795392000);
	assert_int_equal(f.n, 2);
	assert_string_equal(f.session[0].name, "alice");
	assert_int_equal(f.session[0].since, 1795391000);
	assert_int_equal(f.session[0].last_ref, 1795391900);
	assert_int_equal(f.session[0].ip4.family, AF_INET);
	assert_int_equal(f.session[0].ip6.family, AF_INET6);
	assert_string_equal(f.session[1].name, "bob");
	assert_int_equal(f.session[1].ip6.family, 0);
	assert_int_equal(f.session[1].last_ref, 1795391005);
	status_file_free(&f);
}

static void status(void **state)
{
	char text[] = STATUS, commas[] = STATUS;

	(void)state;
	check_status(text);
	/* "../a,b" now has a field too many, and is skipped for that. */
	for (char *c = commas; *c; c++)
		if (*c == '\t')
			*c = ',';
	check_status(commas);
}

/* A name with the other version's separator must not spoil the file. */
static void tab_in_name(void **state)
{
	char text[sizeof(STATUS) + 8] = STATUS;
	char *name;

	(void)state;
	for (char *c = text; *c; c++)
		if (*c == '\t')
			*c = ',';
	name = strstr(text, "../a,b");
	memcpy(name, "..\ta.b", 6);
	check_status(text);
}

static void cut(void **state)
{
	struct status_file f;

	(void)state;
	for (size_t n = 0; n < sizeof(STATUS) - 5; n++) {
		char text[] = STATUS;

		text[n] = '\0';
		assert_int_equal(status_file_parse(text, &f), -EAGAIN);
		assert_null(f.session);
	}
	{
		char text[] = "hello\nEND\n";

		assert_int_equal(status_file_parse(text, &f), -EINVAL);
	}
}

/* An OpenVPN that writes a row whenever the reader waits. */
static struct {
	const char *rest; /* of what it writes; NULL: nothing at all */
	const char *then; /* begins with this when all is written */
	int fd;
	int waits; /* of the reader, until there is no time left */
} writer = { .waits = 100 };

static void write_row(void)
{
	size_t n = strcspn(writer.rest, "\n") + 1;

	assert_int_equal(write(writer.fd, writer.rest, n), n);
	writer.rest += n;
	if (*writer.rest)
		return;
	assert_int_equal(ftruncate(writer.fd, lseek(writer.fd, 0, SEEK_CUR)),
			 0);
	assert_int_equal(lseek(writer.fd, 0, SEEK_SET), 0);
	writer.rest = writer.then;
}

int __wrap_deadline_sleep(const struct deadline *deadline, int ms);
int __wrap_deadline_sleep(const struct deadline *deadline, int ms)
{
	(void)deadline;
	assert_true(ms >= 20);
	if (!writer.waits--)
		return -ETIMEDOUT;
	if (writer.rest)
		write_row();
	return 0;
}

#define ROW(name)   "CLIENT_LIST\t" name "\t1795391000\n"
#define ROUTE(name) "ROUTING_TABLE\t203.0.113.1\t" name "\t1795391900\n"
#define FILE_OF(time, rows, routes)                             \
	"TITLE\tx\nTIME\tx\t" time "\nHEADER\tCLIENT_LIST\t"    \
	"Common Name\tConnected Since (time_t)\n" rows          \
	"HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\t" \
	"Last Ref (time_t)\n" routes "GLOBAL_STATS\tx\t0\nEND\n"
#define OLD(rows, routes) FILE_OF("1795392000", rows, routes)
#define NEW(rows, routes) FILE_OF("1795392010", rows, routes)
#define BEFORE            OLD(ROW("alice") ROW("bob") ROW("carol"), ROUTE("alice"))
/* Between the first row and the old END alice's and bob's are then missing. */
#define AFTER                                                       \
	NEW(ROW("a.name.longer.than.alice") ROW("alice") ROW("bob") \
		    ROW("carol"),                                   \
	    ROUTE("alice"))
#define HEAD 3 /* rows */

static int read_rewritten(const char *then, int rows, struct status_file *f)
{
	struct deadline deadline;
	int err;

	deadline_start(&deadline);
	writer.fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(writer.fd >= 0);
	for (writer.then = writer.rest = BEFORE; *writer.rest != 'E';)
		write_row();
	writer.then = AFTER;
	write_row();
	for (writer.then = then; rows--;)
		write_row();
	err = status_file_read(file, &deadline, f);
	close(writer.fd);
	writer.rest = writer.then = NULL;
	writer.waits = 100;
	return err;
}

/* However far it is, all that is on are there, or nothing is said. */
static void rewritten(void **state)
{
	struct status_file f;

	(void)state;
	for (int rows = HEAD; rows < HEAD + 5; rows++) {
		assert_int_equal(read_rewritten(NULL, rows, &f), 0);
		assert_int_equal(f.time, 1795392010);
		assert_int_equal(f.n, 4);
		assert_string_equal(f.session[1].name, "alice");
		assert_string_equal(f.session[2].name, "bob");
		status_file_free(&f);
	}
	assert_int_equal(read_rewritten(ROW("x") BEFORE AFTER, HEAD, &f),
			 -EBUSY);
}

/* Read only once, it may be as it should. */
static void no_time(void **state)
{
	struct status_file f;

	(void)state;
	writer.waits = 0;
	assert_int_equal(read_rewritten(NULL, HEAD, &f), -ETIMEDOUT);
	writer.waits = 1;
	assert_int_equal(read_rewritten(NULL, HEAD, &f), -EBUSY);
}

/* One file over another: alice, who is in both, is seen, or it is refused. */
static const struct {
	const char *what, *before, *after;
} stopped_in[] = {
	{ "a name is longer", BEFORE, AFTER },
	{ "another of that length comes first",
	  OLD(ROW("alice") ROW("bob"), ROUTE("alice") ROUTE("bob")),
	  NEW(ROW("carol") ROW("alice") ROW("bob"),
	      ROUTE("carol") ROUTE("alice") ROUTE("bob")) },
	{ "another way round",
	  OLD(ROW("alice") ROW("bobby"), ROUTE("alice") ROUTE("bobby")),
	  NEW(ROW("bobby") ROW("alice"), ROUTE("bobby") ROUTE("alice")) },
	{ "many have come", OLD(ROW("alice"), ROUTE("alice")),
	  NEW(ROW("m1") ROW("m2") ROW("m3") ROW("m4") ROW("m5") ROW("m6")
		      ROW("m7") ROW("m8") ROW("m9") ROW("alice"),
	      ROUTE("m1") ROUTE("alice")) },
	{ "many have left",
	  OLD(ROW("m1") ROW("m2") ROW("m3") ROW("alice"),
	      ROUTE("m1") ROUTE("m2") ROUTE("m3") ROUTE("alice")),
	  NEW(ROW("alice"), ROUTE("alice")) },
};

/* OpenVPN has written the first N bytes of AFTER, and is stopped. */
static void stopped_at(size_t i, size_t n, char separator)
{
	const char *before = stopped_in[i].before, *after = stopped_in[i].after;
	struct status_file f;
	char text[4096];
	int err;

	memcpy(text, after, n);
	strcpy(text + n, n < strlen(before) ? before + n : "");
	for (char *c = text; *c; c++)
		if (*c == '\t')
			*c = separator;
	err = status_file_parse(text, &f);
	if (err && err != -EAGAIN)
		fail_msg("%s, %zu bytes: %d", stopped_in[i].what, n, err);
	if (!err && f.time == 1795392010 && !status_file_first(&f, "alice"))
		fail_msg("%s, %zu bytes: no alice", stopped_in[i].what, n);
	if (n == strlen(after) && err)
		fail_msg("%s: %d", stopped_in[i].what, err);
	status_file_free(&f);
}

static void stopped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stopped_in) / sizeof(*stopped_in); i++)
		for (const char *c = stopped_in[i].after; *c; c++)
			if (*c == '\n')
				for (int s = 0; s < 2; s++)
					stopped_at(i,
						   c + 1 - stopped_in[i].after,
						   "\t,"[s]);
}

static int set_up(void **state)
{
	if (scratch_make(state))
		return -1;
	snprintf(file, sizeof(file), "%s/push", scratch_path);
	snprintf(link_to, sizeof(link_to), "%s/link", scratch_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),       cmocka_unit_test(long_lists),
		cmocka_unit_test(not_its_own), cmocka_unit_test(disk_full),
		cmocka_unit_test(status),      cmocka_unit_test(tab_in_name),
		cmocka_unit_test(cut),         cmocka_unit_test(rewritten),
		cmocka_unit_test(stopped),     cmocka_unit_test(no_time),
	};

	return cmocka_run_group_tests_name("hook_files", tests, set_up,
					   scratch_remove);
}
