/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The file in which client-connect tells OpenVPN what to push. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prefix.h"
#include "pushfile.h"

/* A full account is about 2.5 kB. */
#define PUSHFILE_SIZE 8192

int pushfile_open(const char *path)
{
	struct stat st;
	int fd;

	if (!path || *path != '/')
		return -EINVAL;
	fd = open(path,
		  O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_uid == geteuid())
		return fd;
	close(fd);
	return -EPERM;
}

void pushfile_abandon(int fd)
{
	if (fd < 0)
		return;
	(void)!ftruncate(fd, 0);
	close(fd);
}

struct text {
	char text[PUSHFILE_SIZE];
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t,
						      const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->text + t->size, sizeof(t->text) - t->size, fmt, args);
	va_end(args);
	if (n > 0)
		t->size += n;
}

/* A line that OpenVPN reads has at most 255 characters; what does not fit in
 * the list is routed all the same. */
#define LIST_MAX 200

/* One value for all prefixes: a client keeps only the last of several. */
static void put_delegated(struct text *t, const struct account *account)
{
	const char *quote = account->n_prefix > 1 ? "'" : "";
	char list[LIST_MAX + 1] = "", ip[64];
	size_t at = 0;

	for (size_t i = 0; i < account->n_prefix; i++) {
		int n = snprintf(list + at, sizeof(list) - at, "%s%s/%u",
				 i ? " " : "",
				 prefix_address(&account->prefix[i], ip),
				 account->prefix[i].length);

		if (n < 0 || (size_t)n >= sizeof(list) - at) {
			list[at] = '\0';
			break;
		}
		at += n;
	}
	if (at)
		put(t, "push \"setenv-safe DELEGATED_IPV6_PREFIX %s%s%s\"\n",
		    quote, list, quote);
}

/*
 * Every value is one that inet_ntop() wrote: OpenVPN would ask the resolver
 * for anything else, with all members waiting.
 */
static void put_account(struct text *t, const struct account *account,
			const struct env *env)
{
	char ip[64], mask[INET_ADDRSTRLEN], server[INET6_ADDRSTRLEN];

	if (account->ip4.family && env->has4)
		put(t, "ifconfig-push %s %s\n",
		    prefix_address(&account->ip4, ip),
		    inet_ntop(AF_INET, &env->mask4, mask, sizeof(mask)));
	if (!account->ip6.family || !env->has6)
		return;
	put(t, "ifconfig-ipv6-push %s/%u %s\n",
	    prefix_address(&account->ip6, ip), env->length6,
	    inet_ntop(AF_INET6, &env->server6, server, sizeof(server)));
	for (size_t i = 0; i < account->n_prefix; i++)
		put(t, "iroute-ipv6 %s/%u\n",
		    prefix_address(&account->prefix[i], ip),
		    account->prefix[i].length);
	put_delegated(t, account);
}

int pushfile_write(int fd, const struct account *account, const struct env *env)
{
	struct text t = { .size = 0 };
	ssize_t n;
	int err = 0;

	put_account(&t, account, env);
	if (ftruncate(fd, 0))
		err = -errno;
	n = err ? 0 : write(fd, t.text, t.size);
	if (!err && n != (ssize_t)t.size)
		err = n < 0 ? -errno : -ENOSPC;
	if (err) {
		pushfile_abandon(fd);
		return err;
	}
	/* NFS and quota say at the close that they could not. */
	return close(fd) ? -errno : 0;
}
