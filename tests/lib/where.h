/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Where a tool connects or listens, as its command line says. */
#ifndef WHERE_H
#define WHERE_H

#include <netdb.h>

/* WORDS: udp|tcp ADDRESS PORT, all numbers. Wrong ones end the program. */
struct addrinfo *where(char **words);

#endif
