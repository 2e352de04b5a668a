/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * hookbench PAIRS UID DIR HOOK SCRIPT EMPTY: how long OpenVPN waits for a
 * connect and a disconnect, for the hook, for the script that it replaces (as
 * OpenVPN's user with sudo, and as root) and for a program that does nothing;
 * one pair of each in turn. After each event routes and config are checked.
 * DIR has push.expected; the environment is OpenVPN's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../hook/route.h"
#include "../bench/lib/figure.h"

#define PAIRS_MAX 10000

extern char **environ;

struct contestant {
	const char *name, *program, *sudo;
	bool root, idle; /* idle: changes nothing */
	double us[PAIRS_MAX];
};

static char push[200], expected[4096];

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "hookbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* As OpenVPN does: fork, become the user (it is already), execve, waitpid. */
static double run_once(const struct contestant *c, uid_t uid, bool connect)
{
	const char *argv[] = { c->program, connect ? push : NULL, NULL };
	volatile double start; /* vfork() returns twice */
	int status;
	pid_t pid;

	setenv("script_type", connect ? "client-connect" : "client-disconnect",
	       1);
	setenv("SUDO", c->sudo, 1);
	start = now_us();
	pid = vfork();
	if (pid < 0)
		die("vfork");
	if (!pid) {
		if (!c->root && (syscall(SYS_setresgid, uid, uid, uid) ||
				 syscall(SYS_setresuid, uid, uid, uid)))
			_exit(126);
		execve(c->program, (char **)argv, environ);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	start = now_us() - start;
	if (status) {
		fprintf(stderr, "hookbench: %s: status %#x\n", c->name, status);
		exit(1);
	}
	return start;
}

static void count(void *arg, const struct kernel_route *route)
{
	(void)route;
	++*(int *)arg;
}

static void check_routes(const struct contestant *c, int want)
{
	struct deadline deadline;
	int n = 0;

	deadline_start(&deadline);
	if (routes_each(254, 4, &deadline, count, &n) || n != want) {
		fprintf(stderr, "hookbench: %s: %d routes, not %d\n", c->name,
			n, want);
		exit(1);
	}
}

static size_t slurp(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		die(path);
	close(fd);
	text[n] = '\0';
	return n;
}

static void check_push(const struct contestant *c)
{
	char text[4096];

	slurp(push, text, sizeof(text));
	if (strcmp(text, expected)) {
		fprintf(stderr, "hookbench: %s wrote:\n%s", c->name, text);
		exit(1);
	}
}

static double pair(const struct contestant *c, uid_t uid)
{
	int fd = open(push, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	double us;

	if (fd < 0 || fchown(fd, c->root ? 0 : uid, 0))
		die(push);
	close(fd);
	us = run_once(c, uid, true);
	if (!c->idle) {
		check_routes(c, 3);
		check_push(c);
	}
	us += run_once(c, uid, false);
	check_routes(c, 0);
	return us;
}

/* Both sides log to a daemon that is there. */
static void log_daemon(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[2048];

	(void)unlink("/dev/log");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    chmod("/dev/log", 0666))
		die("/dev/log");
	if (fork()) {
		close(fd);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		if (recv(fd, text, sizeof(text), 0) < 0)
			_exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(struct contestant *c, int n)
{
	qsort(c->us, n, sizeof(*c->us), compare);
	return n % 2 ? c->us[n / 2] : (c->us[n / 2 - 1] + c->us[n / 2]) / 2;
}

/* What all three waited for besides the empty process, pair by pair. */
static void put_ratio(const struct contestant *c, int pairs, int other,
		      const char *name)
{
	struct samples ratio = { 0 };

	for (int i = 0; i < pairs; i++)
		samples_add(&ratio, (c[0].us[i] - c[3].us[i]) /
					    (c[other].us[i] - c[3].us[i]));
	figure_put(&ratio, "ratio", "hook/%s/pair", name);
}

/* For the benchmark, if it is what runs us. */
static void put_figures(const struct contestant *c, int pairs)
{
	const char *path = getenv("BENCH_FIGURES");

	if (!path)
		return;
	if (pairs > SAMPLES_MAX)
		pairs = SAMPLES_MAX;
	figures_open(path);
	for (int j = 0; j < 4; j++) {
		struct samples us = { 0 };

		for (int i = 0; i < pairs; i++)
			samples_add(&us, c[j].us[i]);
		figure_put(&us, "us", "hook/%s/pair", c[j].name);
	}
	put_ratio(c, pairs, 1, "hook:sudo");
	put_ratio(c, pairs, 2, "hook:root");
	figures_close();
}

static int report(struct contestant *c, int pairs)
{
	double m[4], sudo, root;

	put_figures(c, pairs);
	printf("%-20s %10s %10s %10s\n", "us per pair", "median", "p10", "p90");
	for (int i = 0; i < 4; i++) {
		m[i] = median(&c[i], pairs);
		printf("%-20s %10.0f %10.0f %10.0f\n", c[i].name, m[i],
		       c[i].us[pairs / 10], c[i].us[pairs * 9 / 10]);
	}
	sudo = (m[0] - m[3]) / (m[1] - m[3]);
	root = (m[0] - m[3]) / (m[2] - m[3]);
	printf("(hook - empty) / (script with sudo - empty) = %.3f, "
	       "at most 0.05\n",
	       sudo);
	printf("(hook - empty) / (script as root - empty)   = %.3f, "
	       "at most 0.14\n",
	       root);
	/* the benchmark judges by itself */
	return !getenv("BENCH_FIGURES") && (sudo > 0.05 || root > 0.14);
}

int main(int argc, char **argv)
{
	static struct contestant c[4] = {
		{ .name = "hook", .sudo = "" },
		{ .name = "script with sudo", .sudo = "sudo" },
		{ .name = "script as root", .sudo = "", .root = true },
		{ .name = "empty", .sudo = "", .idle = true },
	};
	int pairs;
	uid_t uid;

	if (argc != 7)
		return 2;
	pairs = atoi(argv[1]);
	uid = atoi(argv[2]);
	if (pairs < 1 || pairs > PAIRS_MAX)
		return 2;
	c[0].program = argv[4];
	c[1].program = c[2].program = argv[5];
	c[3].program = argv[6];
	snprintf(push, sizeof(push), "%s/push.expected", argv[3]);
	slurp(push, expected, sizeof(expected));
	snprintf(push, sizeof(push), "%s/push", argv[3]);
	log_daemon();
	for (int i = -3; i < pairs; i++)
		for (int j = 0; j < 4; j++) {
			struct contestant *who = &c[(i + 3 + j) % 4];
			double us = pair(who, uid);

			/* The first rounds fill the caches. */
			if (i >= 0)
				who->us[i] = us;
		}
	return report(c, pairs);
}
