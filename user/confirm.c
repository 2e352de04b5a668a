/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Undoing what nobody confirms: a process that waits, then acts. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "confirm.h"
#include "lock.h"
#include "log.h"
#include "pin.h"
#include "state.h"

/*
 * The file says until when. The process that waits holds a record lock on it:
 * the kernel names its owner, so that no number is trusted that may have gone
 * to another process.
 */
static int confirm_path(char *path, size_t size)
{
	struct pin_paths paths;
	int err = pin_paths(&paths);

	if (!err)
		(void)snprintf(path, size, STATE_DIR "/%llu.confirm",
			       (unsigned long long)paths.netns);
	return err;
}

static pid_t waiting(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

int64_t confirm_deadline(void)
{
	char path[PATH_MAX], text[32] = "";
	int64_t deadline = 0;
	int fd, err = confirm_path(path, sizeof(path));

	if (err)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (waiting(fd) && read(fd, text, sizeof(text) - 1) > 0)
		deadline = strtoll(text, NULL, 10);
	close(fd);
	return deadline;
}

bool confirm_failed(void)
{
	char path[PATH_MAX];
	int fd = confirm_path(path, sizeof(path))
			 ? -1
			 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool failed = fd >= 0 && !waiting(fd);

	if (fd >= 0)
		close(fd);
	return failed;
}

int confirm_cancel(void)
{
	char path[PATH_MAX];
	int fd, err = confirm_path(path, sizeof(path));
	pid_t pid;

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	pid = waiting(fd);
	/* Without the file it does nothing, whether or not it is hit. */
	if (unlink(path))
		err = -errno;
	else if (pid > 0)
		(void)kill(pid, SIGTERM);
	close(fd);
	return err ?: pid != 0;
}

/* ---- the process that waits ---------------------------------------------*/

static int detach_self(int lock)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	if (null < 0)
		return -errno;
	close(lock);
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	if (null > 2)
		close(null);
	if (setsid() < 0 || chdir("/"))
		return -errno;
	(void)signal(SIGHUP, SIG_IGN);
	sigemptyset(&none); /* the command that forked it holds signals back */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_NAME, "anyport-confirm");
	return 0;
}

static int sign(int64_t deadline)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int fd, err = confirm_path(path, sizeof(path));

	if (err)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0640);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock) || fchown(fd, 0, pin_group()) ||
	    fchmod(fd, 0640) ||
	    dprintf(fd, "%lld\n", (long long)deadline) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static bool is_current(int fd)
{
	char path[PATH_MAX];
	struct stat ours, named;

	return !confirm_path(path, sizeof(path)) && !fstat(fd, &ours) &&
	       !stat(path, &named) && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

static void sleep_seconds(unsigned int seconds)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_BOOTTIME, &until);
	until.tv_sec += seconds;
	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) ==
	       EINTR)
		;
}

static void act(int fd, int (*undo)(void *argument), void *argument)
{
	pid_t holder;
	int lock, err;

	do
		lock = lock_take(60, &holder);
	while (lock == -EBUSY && is_current(fd));
	openlog("anyport", LOG_PID, LOG_DAEMON);
	if (lock < 0) {
		syslog(LOG_ERR, "cannot undo what nobody confirmed: %s",
		       strerror(-lock));
		return;
	}
	if (is_current(fd)) {
		syslog(LOG_WARNING, "nobody confirmed in time: undoing");
		err = undo(argument);
		if (err) /* the file stays: status tells by it */
			syslog(LOG_ERR,
			       "undoing failed: %s: anyport unload, then "
			       "anyport load",
			       strerror(-err));
		else
			(void)confirm_cancel();
	}
	lock_release(lock);
}

static _Noreturn void wait_and_act(unsigned int seconds, int lock, int ready,
				   int (*undo)(void *argument), void *argument)
{
	int fd, err = detach_self(lock);

	fd = err ? err : sign(time(NULL) + seconds);
	err = fd < 0 ? fd : 0;
	(void)!write(ready, &err, sizeof(err));
	close(ready);
	if (fd >= 0) {
		sleep_seconds(seconds);
		act(fd, undo, argument);
	}
	_exit(0);
}

int confirm_start(unsigned int seconds, int lock, int (*undo)(void *argument),
		  void *argument)
{
	int ready[2], err = -EIO;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		close(ready[0]);
		wait_and_act(seconds, lock, ready[1], undo, argument);
	}
	close(ready[1]);
	if (pid < 0)
		err = -EAGAIN;
	else if (read(ready[0], &err, sizeof(err)) != sizeof(err))
		err = -EIO;
	close(ready[0]);
	return err;
}

/* ---- anyport confirm ----------------------------------------------------*/

struct look {
	bool waits;
	int64_t mtime; /* of the configuration in force; 0: no door */
};

/* Under the lock: a load that is at work may be one to be confirmed. */
static int look(struct look *now)
{
	struct state state;
	int lock = lock_command();

	if (lock < 0)
		return lock;
	now->waits = confirm_deadline();
	now->mtime = state_read(&state) ? 0 : state.config_mtime;
	if (!now->mtime)
		(void)pin_unmount(); /* the lock was made for nothing */
	lock_release(lock);
	return 0;
}

/*
 * Who then loads by himself must not bring back what was undone: what was in
 * force during the wait has to be so still.
 */
static int wait_until_over(void)
{
	struct look first, now;

	if (look(&first))
		return EXIT_FAILED;
	now = first;
	while (now.waits) {
		sleep(1);
		if (look(&now))
			return EXIT_FAILED;
	}
	if (now.mtime == first.mtime)
		return EXIT_DONE;
	log_error("the change that waited was undone or replaced: put its "
		  "configuration right, then anyport reload");
	return EXIT_FAILED;
}

static int parse_confirm(int argc, char **argv, bool *wait)
{
	static const struct option options[] = {
		{ "wait", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = cmd_option(argc, argv, "", options)) != -1) {
		if (option != 'w')
			return cmd_misuse(argv[0]);
		*wait = true;
	}
	if (optind == argc)
		return EXIT_DONE;
	log_error("confirm takes no argument \"%s\"", argv[optind]);
	return cmd_misuse(argv[0]);
}

int cmd_confirm(int argc, char **argv)
{
	bool wait = false;
	int lock, waited, status = parse_confirm(argc, argv, &wait);

	if (status)
		return status;
	if (geteuid()) {
		log_error("confirm needs root: run it with sudo");
		return EXIT_FAILED;
	}
	if (wait)
		return wait_until_over();
	if (access(STATE_DIR, F_OK)) {
		log_error("nothing waits to be confirmed: no door is loaded");
		return EXIT_FAILED;
	}
	lock = lock_command();
	if (lock < 0)
		return EXIT_FAILED;
	waited = confirm_cancel();
	lock_release(lock);
	if (waited > 0)
		return EXIT_DONE;
	if (waited < 0)
		log_error("cannot confirm: %s", strerror(-waited));
	else
		log_error("nothing waits to be confirmed: it was confirmed, "
			  "undone or replaced by a later command; see anyport "
			  "status");
	return EXIT_FAILED;
}
