/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What the hook has to say: to syslog, or to stderr for a person. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "hooklog.h"

static bool to_stderr;

void hooklog_stderr(void)
{
	to_stderr = true;
}

/* syslog() would wait for a log daemon that hangs, and OpenVPN with it. */
static int log_socket(void)
{
	static int fd = -1;
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = "/dev/log" };
	int s;

	if (fd >= 0)
		return fd;
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -1;
	if (connect(s, (struct sockaddr *)&addr, sizeof(addr))) {
		close(s);
		return -1;
	}
	fd = s;
	return fd;
}

static bool to_syslog(int priority, const char *text)
{
	char line[1100];
	int fd = log_socket();
	int n;

	if (fd < 0)
		return false;
	n = snprintf(line, sizeof(line), "<%d>anyport-hook[%d]: %s",
		     LOG_DAEMON | priority, getpid(), text);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	return send(fd, line, n, MSG_NOSIGNAL) == n;
}

/* Whoever reads it may have stopped: what does not fit at once is lost. */
static void to_stderr_now(const char *text)
{
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };
	char line[1100];
	int n = snprintf(line, sizeof(line), "anyport-hook: %s\n", text);

	if (n > 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
		(void)!write(STDERR_FILENO, line, n);
}

__attribute__((format(printf, 2, 0))) static void
say(int priority, const char *fmt, va_list args)
{
	int saved = errno;
	char text[1024];
	bool logged = false;

	errno = saved;
	(void)vsnprintf(text, sizeof(text), fmt, args);
	if (!to_stderr)
		logged = to_syslog(priority, text);
	/* Without a log daemon OpenVPN's own log file is the last resort. */
	if (!logged || isatty(STDERR_FILENO))
		to_stderr_now(text);
	errno = saved;
}

#define HOOKLOG(name, priority)                   \
	void hooklog_##name(const char *fmt, ...) \
	{                                         \
		va_list args;                     \
                                                  \
		va_start(args, fmt);              \
		say(priority, fmt, args);         \
		va_end(args);                     \
	}

HOOKLOG(error, LOG_ERR)
HOOKLOG(warn, LOG_WARNING)
HOOKLOG(info, LOG_INFO)

void hooklog_lines(const char *text, int max)
{
	while (text && *text && max-- > 0) {
		size_t n = strcspn(text, "\n");

		hooklog_error("%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}
