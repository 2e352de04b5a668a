/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Which OpenVPN instance holds which session of a member: one file per name in
 * the state directory. The user that OpenVPN runs as can write there, so what
 * is read is checked by whoever acts on it.
 */
#ifndef HOOK_LEDGER_H
#define HOOK_LEDGER_H

#include "deadline.h"
#include "env.h"
#include "account.h"

#define LEDGER_CLAIMS   8
#define LEDGER_ROUTES   (2 + ACCOUNT_PREFIXES)
#define LEDGER_SIZE_MAX 32768

struct hook_route {
	struct ip_prefix dst;
	struct ip_prefix via; /* family 0: on the device itself */
};

/* One session of one member on one instance, and the routes made for it. */
struct claim {
	uint64_t seq; /* the highest of those that are not gone owns */
	char instance[INSTANCE_SIZE];
	char dev[IF_NAMESIZE];
	uint32_t ifindex;
	int pid;
	uint64_t started; /* clock ticks after boot, of /proc; 0: hidden */
	int64_t daemon_start;
	int64_t time_unix;
	int64_t at;    /* Unix seconds when it was claimed */
	int64_t heard; /* bytes received of the member, as a status file said */
	int64_t heard_at; /* Unix seconds of the first file that said so */
	uint32_t table, metric;
	uint8_t protocol;
	bool gone;   /* the session ended, its routes are still to be deleted */
	bool repair; /* its routes are not all known to be in */
	size_t n_route;
	struct hook_route route[LEDGER_ROUTES];
};

struct ledger {
	int dir;
	int fd; /* locked; -1: only read */
	char name[NAME_MAX_LENGTH + 1];
	bool damaged;
	size_t n;
	struct claim claim[LEDGER_CLAIMS];
};

/* The state directory: a descriptor or -errno. Run as root, takes on the
 * directory's group, so that OpenVPN's user can use what is made in it. */
int ledger_dir(const char *path);

/* Locks and reads NAME's file, made if need be; 0, -ETIMEDOUT, or -errno. */
int ledger_open(int dir, const char *name, const struct deadline *deadline,
		struct ledger *out);
/* Reads it as it is now: 0, -ENOENT or -errno. Nothing to close. */
int ledger_peek(int dir, const char *name, struct ledger *out);
/* Replaces the file by what LEDGER has, all or nothing; stays locked. A file
 * without claims is removed. */
int ledger_write(struct ledger *ledger);
void ledger_close(struct ledger *ledger);

struct claim *ledger_owner(struct ledger *ledger);
uint64_t ledger_next(const struct ledger *ledger);
/* A place for a new claim, the oldest one's if all are taken. */
struct claim *ledger_add(struct ledger *ledger);
void ledger_remove(struct ledger *ledger, struct claim *claim);

bool claim_of_session(const struct claim *claim, const struct env *env);
const struct hook_route *claim_route(const struct claim *claim,
				     const struct ip_prefix *dst);

/* ledger_text.c */
size_t ledger_format(const struct ledger *ledger, char *text, size_t size);
/* 0 or -EINVAL; TEXT is changed. */
int ledger_parse(char *text, struct ledger *out);

#endif
