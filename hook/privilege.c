/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The one capability, and what it must not be used for. */
#include <cap-ng.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege.h"

static void settle_descriptors(void)
{
	int fd;

	/* OpenVPN before 2.6.16 leaves accepted TCP sockets open for us. */
	(void)close_range(3, ~0U, 0);
	/* A file of ours as descriptor 2 would get our messages. */
	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd < 3);
	if (fd >= 3)
		close(fd);
}

void privilege_start(void)
{
	settle_descriptors();
	/* Both end a process by default; a write that fails is dealt with. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	/* What root makes in up must be of use to OpenVPN's user. */
	(void)umask(007);
}

bool privilege_raised(void)
{
	return getauxval(AT_SECURE) != 0;
}

/* libcap-ng would read /proc/PID/status twice to know as much. */
static bool may_route(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	return !syscall(SYS_capget, &header, data) &&
	       (data[0].effective >> CAP_NET_ADMIN & 1);
}

const char *privilege_missing(void)
{
	if (may_route())
		return NULL;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "NoNewPrivileges takes the capability away: remove "
		       "NoNewPrivileges=yes from OpenVPN's systemd unit";
	return "it has no CAP_NET_ADMIN: setcap cap_net_admin+ep on the "
	       "program, and keep CAP_NET_ADMIN in the unit's "
	       "CapabilityBoundingSet";
}

int privilege_drop(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	return capng_apply(CAPNG_SELECT_CAPS);
}
