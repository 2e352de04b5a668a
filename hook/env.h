/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What OpenVPN says in the environment, checked. */
#ifndef HOOK_ENV_H
#define HOOK_ENV_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "name.h"

enum hook_event {
	EVENT_NONE, /* not called by OpenVPN */
	EVENT_CONNECT,
	EVENT_DISCONNECT,
	EVENT_UP,
	EVENT_DOWN,
	EVENT_OTHER,   /* a script event that the hook has nothing to do in */
	EVENT_VERDICT, /* one whose exit status lets somebody in */
};

#define INSTANCE_SIZE 32

struct env {
	enum hook_event event;
	char name[NAME_MAX_LENGTH + 1];
	char instance[INSTANCE_SIZE]; /* setenv OVPN_INSTANCE, else the device
				       */
	char dev[IF_NAMESIZE];
	int pid;
	int64_t daemon_start; /* Unix seconds */
	int64_t time_unix;    /* of the session; 0 in up and down */
	char from[80];        /* "192.0.2.9:5000", "[2001:db8::1]:5000", "?" */
	bool has4, has6;      /* what the server's tun has */
	struct in_addr mask4;
	struct in6_addr server6;
	uint8_t length6;
};

/*
 * ENVP is anybody's text: 0, or -EINVAL and in WHY what is wrong. OUT->event
 * is right even then.
 */
int env_read(char *const envp[], struct env *out, char *why, size_t size);

#endif
