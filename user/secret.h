/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The key of the programs' hashes, made once per host. */
#ifndef SECRET_H
#define SECRET_H

#include <stdint.h>

#define SECRET_DIR  "/var/lib/anyport"
#define SECRET_FILE SECRET_DIR "/secret"

/* Reads it, making it at the first call on this host. 0 or -errno. */
int secret_read(uint64_t secret[2]);

/* One that lives as long as the door, for when it cannot be kept. */
int secret_random(uint64_t secret[2]);

#endif
