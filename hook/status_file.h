/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* OpenVPN's status file, version 2 (commas) or 3 (tabs). */
#ifndef HOOK_STATUS_FILE_H
#define HOOK_STATUS_FILE_H

#include "../user/config.h"
#include "deadline.h"
#include "name.h"

struct status_session {
	char name[NAME_MAX_LENGTH + 1];
	int64_t since;             /* Unix seconds: the hook's time_unix */
	struct ip_prefix ip4, ip6; /* family 0: none */
	int64_t last_ref; /* when a packet last went from or to the member */
	int64_t received; /* bytes; -1: not told */
};

struct status_file {
	int64_t time; /* when it was written */
	size_t n, room;
	struct status_session *session;
};

/* TEXT is changed. 0; -EINVAL: not such a file; -EAGAIN: not complete (it is
 * rewritten in place). */
int status_file_parse(char *text, struct status_file *out);
/* Reads it until it stays as it is and is complete: 0 or -errno; -EAGAIN: it
 * is never complete; -EBUSY: it never stays; -ETIMEDOUT: no time to see. */
int status_file_read(const char *path, const struct deadline *deadline,
		     struct status_file *out);
/* Sessions are in the order of their names: the first of NAME, and the one
 * at S if it is NAME's; NULL: there is none. */
struct status_session *status_file_first(const struct status_file *file,
					 const char *name);
struct status_session *status_file_next(const struct status_file *file,
					struct status_session *s,
					const char *name);
void status_file_free(struct status_file *file);

#endif
