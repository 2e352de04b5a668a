/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* tunhold DEVICE ...: makes tun devices and keeps them, as OpenVPN does. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int hold(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || s < 0)
		return -errno;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request))
		return -errno;
	request.ifr_flags = IFF_UP;
	if (ioctl(s, SIOCSIFFLAGS, &request))
		return -errno;
	close(s);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int err = hold(argv[i]);

		if (err) {
			fprintf(stderr, "tunhold: %s: %s\n", argv[i],
				strerror(-err));
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
