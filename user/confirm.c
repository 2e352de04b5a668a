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
 * The file says until when, or UNDONE. The process that waits holds a record
 * lock on it: the kernel names its owner, so that no number is trusted that may
 * have gone to another process. A time without a process: it failed.
 */
#define UNDONE "undone\n"

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

/* Nobody waits any more; what he left is in TEXT. */
static bool is_over(char *text, size_t size)
{
	char path[PATH_MAX];
	int fd = confirm_path(path, sizeof(path))
			 ? -1
			 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool over = fd >= 0 && !waiting(fd);
	ssize_t n = over ? read(fd, text, size - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return over;
}

bool confirm_failed(void)
{
	char text[32];

	return is_over(text, sizeof(text)) && strcmp(text, UNDONE) != 0;
}

bool confirm_undone(void)
{
	char text[32];

	return is_over(text, sizeof(text)) && !strcmp(text, UNDONE);
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

/* The file stays: who loads by himself must not bring that back. */
static int note_undone(int fd)
{
	const ssize_t n = sizeof(UNDONE) - 1;

	return ftruncate(fd, 0) || pwrite(fd, UNDONE, n, 0) != n ? -EIO : 0;
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
		if (err > 0)
			err = note_undone(fd);
		else if (!err)
			(void)confirm_cancel();
		if (err) /* the file stays: status tells by it */
			syslog(LOG_ERR, "undoing failed: %s: " UNDO_FAILED,
			       strerror(-err));
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
	bool waits, failed, undone;
	int err; /* of the state; -ENOENT: no door */
	int64_t mtime;
};

/* Under the lock: a load that is at work may be one to be confirmed. */
static int look(struct look *now)
{
	struct state state;
	int lock = lock_command();

	if (lock < 0)
		return lock;
	now->waits = confirm_deadline();
	now->failed = confirm_failed();
	now->undone = confirm_undone();
	now->err = state_read(&state);
	now->mtime = now->err ? 0 : state.config_mtime;
	if (now->err == -ENOENT)
		(void)pin_unmount(); /* the lock was made for nothing */
	lock_release(lock);
	return 0;
}

static bool in_force(const struct look *now)
{
	struct stat st;

	return !stat(CONFIG_FILE, &st) &&
	       st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec ==
		       now->mtime;
}

/*
 * Who then loads by himself must bring in nothing that nobody has confirmed:
 * the file has to be the one in force, or no load may have been undone.
 */
static int wait_until_over(void)
{
	struct look now = { .waits = true };
	bool waited = false;

	while (!look(&now) && now.waits) {
		waited = true;
		sleep(1);
	}
	if (now.waits)
		return EXIT_FAILED;
	if (now.failed)
		log_error("a change was to be undone, and that failed: "
			  UNDO_FAILED);
	else if (now.err == -ENOENT && (waited || now.undone))
		log_error("the door that waited was undone or unloaded: put "
			  "its configuration right, then anyport load");
	else if (now.err && now.err != -ENOENT)
		log_error("the record of what is loaded, in " STATE_DIR
			  ", cannot be read: anyport load");
	else if (!now.err && !in_force(&now))
		log_error(CONFIG_FILE " is not what is in force: it was "
			  "changed, or a change was undone: put it right, then "
			  "anyport reload");
	else
		return EXIT_DONE;
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
	bool failed, wait = false;
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
	waited = confirm_deadline() ? confirm_cancel() : 0;
	failed = confirm_failed();
	lock_release(lock);
	if (waited > 0)
		return EXIT_DONE;
	if (waited < 0)
		log_error("cannot confirm: %s", strerror(-waited));
	else if (failed)
		log_error("nothing waits to be confirmed: the change was to be "
			  "undone, and that failed: " UNDO_FAILED);
	else
		log_error("nothing waits to be confirmed: it was confirmed, "
			  "undone or replaced by a later command; see anyport "
			  "status");
	return EXIT_FAILED;
}
