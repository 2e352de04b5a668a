/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The directory of members' accounts: can what is in it be believed? */
#ifndef ACCOUNT_DIR_H
#define ACCOUNT_DIR_H

#include <sys/types.h>

#define ACCOUNT_WHY 400

/* Whose it may be besides root's: the user of OpenVPN, and with it of the hook,
 * as the units run them; 0: there is none. For who asks in their place. */
uid_t account_owner(void);

/* The same; run as root, the program has only that user's rights to files from
 * now on: what root can read says nothing of what the hook can. */
uid_t account_as_owner(void);

/*
 * Opens PATH, which must be root's or OWNER's. A descriptor, the caller's to
 * close, or -errno (-EPERM: others can change it) and WHY, which names it and
 * what to do.
 */
int account_dir(const char *path, uid_t owner, char why[ACCOUNT_WHY]);

#endif
