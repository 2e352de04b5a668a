/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The key of the programs' hashes, made once per host. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"

#define SECRET_SIZE 16

int secret_random(uint64_t secret[2])
{
	return getrandom(secret, SECRET_SIZE, 0) == SECRET_SIZE ? 0 : -EIO;
}

/* Whoever can read it can choose alias collisions: root's alone. */
static int read_file(uint64_t secret[2])
{
	struct stat st;
	int err = 0;
	int fd = open(SECRET_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_uid || st.st_mode & 077)
		err = -EPERM;
	else if (st.st_size != SECRET_SIZE ||
		 read(fd, secret, SECRET_SIZE) != SECRET_SIZE)
		err = -EBADMSG;
	close(fd);
	return err;
}

static int write_file(const uint64_t secret[2])
{
	static const char temporary[] = SECRET_FILE ".new";
	int err = 0;
	int fd;

	if (mkdir(SECRET_DIR, 0755) && errno != EEXIST)
		return -errno;
	(void)unlink(temporary); /* of an interrupted load */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, secret, SECRET_SIZE) != SECRET_SIZE || fsync(fd) ||
	    rename(temporary, SECRET_FILE))
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

int secret_read(uint64_t secret[2])
{
	int err = read_file(secret);

	if (err != -ENOENT)
		return err;
	err = secret_random(secret);
	return err ?: write_file(secret);
}
