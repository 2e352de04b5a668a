/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Whose is a TCP connection to the door, going by the port that was dialled? */
#ifndef STEER_H
#define STEER_H

#include "conf.h"

static __always_inline int has_own_listener(__u32 id, __u32 port)
{
	__u32 at = AP_LISTENER_WORD(id, port);
	const __u64 *word = bpf_map_lookup_elem(&listeners, &at);

	return word && *word >> (port & 63) & 1;
}

/*
 * The policy that sends PORT (host byte order) of door address ID to a target;
 * NULL: it stays with whoever listens there. FLAGS: with any of these it is
 * the target's even then.
 */
static __always_inline const struct ap_policy *
steered_by(const struct conf *conf, __u32 id, __u32 port, __u8 flags)
{
	const struct ap_policy *policy;

	policy = policy_of(conf, AP_TCP, bpf_htons(port));
	if (!policy || policy->flags & AP_PASS)
		return (void *)0;
	if (!(policy->flags & flags) &&
	    has_own_listener(id & (AP_IDS - 1), port))
		return (void *)0;
	return policy;
}

#endif
