/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What is on an uplink already, and what that means for a load or reload. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "attach_tc.h"
#include "prog.h"
#include "uplink.h"
#include "value.h"

int uplink_find(const struct link *link, struct uplink_found *found)
{
	int err;

	memset(found, 0, sizeof(*found));
	err = tc_filter(link->ifindex, BPF_TC_EGRESS, &found->egress);
	if (err && err != -ENOENT)
		return err;
	err = tc_filter(link->ifindex, BPF_TC_INGRESS, &found->ingress);
	if (err && err != -ENOENT)
		return err;
	return xdp_now(link, &found->xdp);
}

bool uplink_has_ours(const struct uplink_found *found)
{
	return found->xdp.n_ours || prog_is_ours(found->egress, PROG_EGRESS) ||
	       prog_is_ours(found->ingress, PROG_INGRESS);
}

enum attach_mode uplink_mode(const struct uplink_found *found)
{
	if (found->xdp.n_ours)
		return found->xdp.mode;
	return prog_is_ours(found->ingress, PROG_INGRESS) ? ATTACH_TC
							  : ATTACH_AUTO;
}

int uplink_ask(struct door *door, const struct link *link,
	       enum attach_mode wanted)
{
	const char *program = PROG_XDP;
	struct uplink_found found;
	enum attach_mode mode;
	int err = uplink_find(link, &found), to = 0;

	if (err)
		return 0; /* attaching finds it out, too */
	mode = uplink_mode(&found);
	if (wanted == ATTACH_AUTO)
		wanted = mode;
	if (wanted == ATTACH_AUTO)
		return 0;
	if (wanted == ATTACH_TC) {
		program = PROG_INGRESS;
		to = programs_ingress(&door->tables, &door->programs);
	} else if (wanted != mode || !found.xdp.dispatcher) {
		to = programs_xdp(&door->tables, &door->programs);
	}
	return to < 0 ? door_refused(door, to, program, link) : 0;
}

/*
 * A command that died leaves programs that it had put under a number which
 * never came into force: they pass everything.
 */
uint32_t uplink_acting(const struct door *door, const struct xdp_now *now)
{
	for (size_t i = 0; i < now->n_ours; i++) {
		uint32_t number = prog_instance(now->ours[i]);

		if (!number || number == door->active.instance)
			return now->ours[i];
	}
	return 0;
}

int uplink_retire(struct door *door, const struct link *link,
		  const struct xdp_now *now, uint32_t kept)
{
	for (size_t i = 0; i < now->n_ours; i++) {
		struct predecessor *p;

		if (now->ours[i] == kept)
			continue;
		if (door->n_predecessor == AP_UPLINKS)
			return -E2BIG;
		p = &door->predecessor[door->n_predecessor];
		p->ifindex = link->ifindex;
		p->mode = now->mode;
		p->fd = bpf_prog_get_fd_by_id(now->ours[i]);
		if (p->fd < 0)
			return -errno;
		door->n_predecessor++;
	}
	return 0;
}

int uplink_keep(struct door *door, const struct link *link,
		enum attach_mode wanted, struct state_uplink *out)
{
	struct uplink_found found;
	enum attach_mode mode;
	uint32_t ingress;
	int err = uplink_find(link, &found);

	if (err)
		return door_fail(door, err, "cannot see what is on %s: %s",
				 link->name, xdp_why(err));
	mode = uplink_mode(&found);
	if (mode == ATTACH_AUTO)
		return 0;
	if (wanted != ATTACH_AUTO && wanted != mode)
		return door_fail(door, -EINVAL,
				 "attach = %s: the door is on %s by %s, which "
				 "a reload does not change: anyport load",
				 attach_name(wanted), link->name,
				 attach_name(mode));
	ingress = mode == ATTACH_TC ? found.ingress
				    : uplink_acting(door, &found.xdp);
	if (!ingress || !prog_is_ours(found.egress, PROG_EGRESS))
		return 0;
	if (wanted != ATTACH_AUTO)
		out->why[0] = '\0';
	out->mode = mode;
	out->dispatcher = mode != ATTACH_TC && found.xdp.dispatcher;
	out->egress_id = found.egress;
	out->ingress_id = ingress;
	out->made_clsact = tc_made_clsact(link->ifindex);
	door->chained |= out->dispatcher;
	err = out->dispatcher ? uplink_retire(door, link, &found.xdp, ingress)
			      : 0;
	return err ? door_fail(door, err, "cannot see what is on %s: %s",
			       link->name, strerror(-err))
		   : 1;
}
