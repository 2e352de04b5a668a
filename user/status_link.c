/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Is TCP steered, and are the members who come in by it told apart? */
#include <bpf/bpf.h>
#include <errno.h>

#include "pinlink.h"
#include "status.h"

/* A link can only be opened by who may write to it: root. */
static enum known attached(const char *path, uint32_t program)
{
	struct bpf_link_info info;
	int err = pinlink_info(path, &info);

	if (err == -EACCES || err == -EPERM)
		return UNKNOWN;
	return !err && program && pinlink_id(path) == program ? YES : NO;
}

static void check_steering(struct status *s, const struct pin_paths *paths)
{
	struct bpf_link_info info;

	s->steering = attached(paths->link[PIN_LOOKUP], s->state.lookup_id);
	if (s->steering == YES &&
	    (pinlink_info(paths->link[PIN_LOOKUP], &info) ||
	     info.netns.netns_ino != paths->netns))
		s->steering = NO;
	if (s->steering == NO)
		report_add(&s->report, true, s->load,
			   "sk_lookup is not attached to this network "
			   "namespace: TCP is not steered");
}

static void check_peers(struct status *s, const struct pin_paths *paths)
{
	enum known v4 = attached(paths->link[PIN_PEER4], s->state.peer_id[0]);
	enum known v6 = attached(paths->link[PIN_PEER6], s->state.peer_id[1]);

	s->tcp_alias = v4 == YES ? v6 : v4;
	if (s->tcp_alias != NO)
		return;
	if (s->state.peer_why[0])
		report_add(&s->report, false, NULL, PEERS_ALIKE ": %s",
			   s->state.peer_why);
	else
		report_add(&s->report, true, s->load,
			   PEERS_ALIKE ": the getpeername programs were "
				       "detached");
}

void status_links(struct status *s)
{
	struct pin_paths paths;

	s->steering = s->tcp_alias = UNKNOWN;
	if (pin_paths(&paths))
		return;
	check_steering(s, &paths);
	check_peers(s, &paths);
}
