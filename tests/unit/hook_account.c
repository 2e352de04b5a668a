/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Account files: what members have today is read, all else has file:line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../hook/account.h"
#include "../../user/account_dir.h"
#include "../../hook/route.h"
#include "scratch.h"

struct parsed {
	int err;
	struct account account;
	char errors[2000], notes[2000];
};

static struct parsed parse_bytes(const char *text, size_t size)
{
	struct parsed p;
	FILE *errors = fmemopen(p.errors, sizeof(p.errors), "w");
	FILE *notes = fmemopen(p.notes, sizeof(p.notes), "w");
	struct account_report report = { .errors = errors,
					 .notes = notes,
					 .file = "f" };

	p.errors[0] = p.notes[0] = '\0';
	p.err = account_parse(text, size, &report, &p.account);
	fclose(errors);
	fclose(notes);
	assert_int_equal(!p.err, !p.errors[0]);
	return p;
}

static struct parsed parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static const char *shown(const struct ip_prefix *p)
{
	static char text[ROUTE_TEXT];

	return p->family ? route_text(p, text) : "none";
}

static void todays(void **state)
{
	struct parsed p = parse("# Alice, Annecy\n\n"
				"IP4=203.0.113.10\r\n"
				"export IP6=2001:db8:2::a/64\n"
				"PREFIX=\"2001:db8:100::/48 2001:db8:101::/48\""
				"\n  PREFIX='2001:db8:102::/56'  \n"
				"\tNAME=\"Zo\xc3\xa9 (caf\xc3\xa9)\"\n"
				"EMPTY=\nMAIL=a@example.org");

	(void)state;
	assert_int_equal(p.err, 0);
	assert_string_equal(shown(&p.account.ip4), "203.0.113.10");
	assert_string_equal(shown(&p.account.ip6), "2001:db8:2::a");
	assert_int_equal(p.account.n_prefix, 3);
	assert_string_equal(shown(&p.account.prefix[0]), "2001:db8:100::/48");
	assert_string_equal(shown(&p.account.prefix[1]), "2001:db8:101::/48");
	assert_string_equal(shown(&p.account.prefix[2]), "2001:db8:102::/56");
	assert_int_equal(p.account.line6, 4);
	assert_int_equal(p.account.line[2], 6);
	assert_string_equal(
		p.notes,
		"f:7: NAME is not anyport's (IP4, IP6, PREFIX), ignoring\n"
		"f:8: EMPTY is not anyport's (IP4, IP6, PREFIX), ignoring\n"
		"f:9: MAIL is not anyport's (IP4, IP6, PREFIX), ignoring\n");
}

static void parts(void **state)
{
	(void)state;
	assert_int_equal(parse("IP4=203.0.113.10").err, 0);
	assert_int_equal(parse("IP6=2001:db8::1\nIP4=\nPREFIX=\n").err, 0);
	assert_int_equal(parse("IP6='2001:db8::1'\n").err, 0);
	assert_string_equal(parse("").errors,
			    "f: no address: write a line IP4=... or IP6=...\n");
	assert_string_equal(
		parse("IP4=203.0.113.1\nPREFIX=2001:db8::/48").errors,
		"f:2: a PREFIX is routed to IP6: write a line "
		"IP6=...\n");
}

/* Each in line 2 of a good file: one error, of that line. */
static const char *const wrong[] = {
	"IP4=$(id)",
	"IP4=`id`",
	"IP4=203.0.113.10; id",
	"X=$HOME",
	"X=\"$(id)\"",
	"X='`id`'",
	"X=\"a;b\"",
	"X=a\\b",
	"id",
	"id -u",
	"rm -rf /",
	". /etc/x",
	"source x",
	"if true; then",
	"X = 1",
	"X= 1",
	"X =1",
	"=1",
	"1X=1",
	"X-Y=1",
	"export",
	"export X",
	"exportX",
	"X=a b",
	"X=a #b",
	"X=a#b",
	"X=\"a",
	"X='a",
	"X=\"a\"b",
	"X='a' # b",
	"X=\"a\" \"b\"",
	"X=a|b",
	"X=a&b",
	"X=a>b",
	"X=a<b",
	"X=(a b)",
	"X=a*",
	"X=~",
	"X=a!b",
	"X={a,b}",
	"X=a\x01",
	"X=\"a\x7f\x1b[0m\"",
	"\xef\xbb\xbfX=1",
	"IP4+=1",
	"IP4[0]=1",
	"IP4=203.0.113.10",
	"IP4=203.0.113.011",
	"IP6=2001:db8::/48",
	"IP6=2001:db8::1/128",
	"IP6=203.0.113.10",
	"IP6=fe80::1",
	"IP6=::1",
	"IP6=::ffff:1.2.3.4",
	"IP6=2001:db8::1%eth0",
	"IP6=ff02::1",
	"PREFIX=2001:db8::",
	"PREFIX=2001:db8::1/48",
	"PREFIX=203.0.113.0/24",
	"PREFIX=2001:db8::/129",
	"PREFIX=2001:db8::/-1",
	"PREFIX=2001:db8::/ 48",
	"PREFIX=\"2001:db8::/48,2001:db8:1::/48\"",
	"PREFIX=fe80::/64",
	/* of another's making, for the member's configuration */
	"IP4=203.0.113.10\"",
	"IP6=\"2001:db8::1\" \"redirect-gateway\"",
	"IP6=2001:db8::1\\nroute",
	"IP6=2001:db8::1\rroute",
	"PREFIX=\"2001:db8::/48\" push",
};

static void errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[300];
		struct parsed p;

		snprintf(text, sizeof(text), "IP4=203.0.113.9\n%s\n", wrong[i]);
		p = parse(text);
		if (p.err != -EINVAL || strncmp(p.errors, "f:2: ", 5) ||
		    strchr(p.errors, '\n')[1])
			fail_msg("%s: %d %s", wrong[i], p.err, p.errors);
	}
	print_message("req 43\n");
}

static void all_errors(void **state)
{
	struct parsed p = parse("IP4=1\nid\nIP6=2\n");

	(void)state;
	assert_non_null(strstr(p.errors, "f:1: IP4=1: "));
	assert_non_null(strstr(p.errors, "f:2: "));
	assert_non_null(strstr(p.errors, "f:3: IP6=2: "));
}

static void bytes(void **state)
{
	char text[3000];

	(void)state;
	assert_int_equal(parse_bytes("IP4=203.0.113.1\0\n", 17).err, -EINVAL);
	assert_int_equal(parse_bytes("# \0\nIP4=203.0.113.1", 19).err, -EINVAL);
	memset(text, '#', sizeof(text));
	assert_int_equal(parse_bytes(text, sizeof(text)).err, -EINVAL);
	strcpy(text, "IP6=2001:db8::1\n");
	for (int i = 0; i < ACCOUNT_PREFIXES; i++)
		sprintf(text + strlen(text), "PREFIX=2001:db8:%x::/48\n",
			i + 1);
	assert_int_equal(parse(text).err, 0);
	strcat(text, "PREFIX=2001:db8:ff::/48\n");
	assert_int_equal(parse(text).err, -EINVAL);
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd;

	(void)unlinkat(scratch, name, 0);
	fd = openat(scratch, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int read_one(const char *name)
{
	struct account_report report = { .errors = stderr, .file = name };
	struct account account;

	return account_read(scratch, name, &report, &account);
}

static void unix_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket",
		 scratch_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static void files(void **state)
{
	static char huge[ACCOUNT_SIZE_MAX + 2];
	const char *good = "IP4=203.0.113.1\n";

	(void)state;
	put("good", good, 0640);
	assert_int_equal(read_one("good"), 0);
	assert_int_equal(read_one("absent"), -ENOENT);
	put("group", good, 0660);
	assert_int_equal(read_one("group"), -EINVAL);
	put("others", good, 0602);
	assert_int_equal(read_one("others"), -EINVAL);
	assert_int_equal(symlinkat("good", scratch, "link"), 0);
	assert_int_equal(read_one("link"), -EINVAL);
	assert_int_equal(symlinkat("/etc/passwd", scratch, "far"), 0);
	assert_int_equal(read_one("far"), -EINVAL);
	assert_int_equal(mkdirat(scratch, "directory", 0700), 0);
	assert_int_equal(read_one("directory"), -EINVAL);
	assert_int_equal(mkfifoat(scratch, "fifo", 0600), 0);
	assert_int_equal(read_one("fifo"), -EINVAL);
	unix_socket();
	assert_int_equal(read_one("socket"), -EINVAL);
	memset(huge, '#', sizeof(huge) - 1);
	put("huge", huge, 0600);
	assert_int_equal(read_one("huge"), -EINVAL);
	put("shell", "IP4=$(touch /tmp/anyport-account.ran)\n", 0600);
	assert_int_equal(read_one("shell"), -EINVAL);
	assert_int_equal(access("/tmp/anyport-account.ran", F_OK), -1);
}

static void refused_dir(const char *remedy)
{
	char why[ACCOUNT_WHY], end[100];

	snprintf(end, sizeof(end), "%s%s", remedy, scratch_path);
	assert_int_equal(account_dir(scratch_path, geteuid(), why), -EPERM);
	assert_non_null(strstr(why, end));
}

static void directory(void **state)
{
	static const mode_t writable[] = { 0720, 0702, 0770, 01777, 01730 };
	char why[ACCOUNT_WHY];
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(writable) / sizeof(*writable); i++) {
		assert_int_equal(fchmod(scratch, writable[i]), 0);
		refused_dir(": chmod go-w ");
	}
	assert_int_equal(fchmod(scratch, 0755), 0);
	fd = account_dir(scratch_path, geteuid(), why);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fchmod(scratch, 0700), 0);
	assert_int_equal(account_dir("/nowhere", 0, why), -ENOENT);
	assert_string_equal(why, "/nowhere: No such file or directory: make "
				 "it, or name another in [hook] users");
	assert_int_equal(account_dir("/proc/uptime", 0, why), -ENOTDIR);
	assert_string_equal(why, "/proc/uptime: Not a directory: name a "
				 "directory in [hook] users");
}

/* Only root can make these. */
static void root_files(void **state)
{
	(void)state;
	if (geteuid()) {
		print_message("only root can make other users' files\n");
		skip();
	}
	put("foreign", "IP4=203.0.113.1\n", 0600);
	assert_int_equal(fchownat(scratch, "foreign", 4242, 0, 0), 0);
	assert_int_equal(read_one("foreign"), -EINVAL);
	if (!mknodat(scratch, "null", S_IFCHR | 0600, makedev(1, 3)))
		assert_int_equal(read_one("null"), -EINVAL);
	assert_int_equal(fchown(scratch, 4242, -1), 0);
	refused_dir(": chown root ");
	assert_int_equal(fchown(scratch, 0, -1), 0);
	print_message("req 38\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(todays),    cmocka_unit_test(parts),
		cmocka_unit_test(errors),    cmocka_unit_test(all_errors),
		cmocka_unit_test(bytes),     cmocka_unit_test(files),
		cmocka_unit_test(directory), cmocka_unit_test(root_files),
	};

	return cmocka_run_group_tests_name("hook_account", tests, scratch_make,
					   scratch_remove);
}
