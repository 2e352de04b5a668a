/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Is what a claim was made for still there? */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc.h"

uint64_t proc_started(int pid)
{
	char path[32], text[1024], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The second field, the program's name, may hold blanks and ')'. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Asked some ten times in an event: one socket for all. */
static int ask(const char *dev, unsigned long what, struct ifreq *request)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memset(request, 0, sizeof(*request));
	strncpy(request->ifr_name, dev, IFNAMSIZ - 1);
	return ioctl(fd, what, request) ? -errno : 0;
}

uint32_t device_index(const char *dev)
{
	struct ifreq request = { 0 };

	int err = ask(dev, SIOCGIFINDEX, &request);

	errno = -err;
	return err ? 0 : request.ifr_ifindex;
}

/* A tun that no process holds open has no carrier. */
static bool has_carrier(const char *dev)
{
	struct ifreq request = { 0 };

	if (ask(dev, SIOCGIFFLAGS, &request))
		return true;
	return request.ifr_flags & IFF_RUNNING;
}

/* A process that we may not see in /proc may still be there: only ESRCH, or
 * another start time, proves that it is not. */
static bool process_live(int pid, uint64_t started)
{
	uint64_t now;

	if (kill(pid, 0) && errno == ESRCH)
		return false;
	now = proc_started(pid);
	return !now || !started || now == started;
}

/* The same device, or the kernel cannot be asked. */
bool device_same(const struct claim *claim)
{
	uint32_t index = device_index(claim->dev);

	return index ? index == claim->ifindex : errno != ENODEV;
}

bool claim_live(const struct claim *claim)
{
	return device_same(claim) && has_carrier(claim->dev) &&
	       process_live(claim->pid, claim->started);
}
