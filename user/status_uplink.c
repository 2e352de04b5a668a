/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Are the door's programs where they were attached? */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach_tc.h"
#include "attach_xdp.h"
#include "pin.h"
#include "status.h"
#include "uplink.h"

const char *mode_text(const struct state_uplink *u)
{
	switch (u->mode) {
	case ATTACH_NATIVE:
		return u->dispatcher ? "native XDP, behind the dispatcher"
				     : "native XDP, a single program";
	case ATTACH_GENERIC:
		return u->dispatcher ? "generic XDP, behind the dispatcher"
				     : "generic XDP, a single program";
	default: return "tc ingress";
	}
}

static enum known has_filter(uint32_t ifindex, enum bpf_tc_attach_point point,
			     uint32_t want)
{
	uint32_t id;
	int err = tc_filter(ifindex, point, &id);

	if (err == -EPERM || err == -EACCES)
		return UNKNOWN;
	return !err && id == want ? YES : NO;
}

/* Behind a dispatcher only root can see which programs there are. */
static enum known has_xdp(const struct link *link, const struct state_uplink *u)
{
	struct xdp_now now;

	if (!u->dispatcher)
		return link->xdp_id == u->ingress_id ? YES : NO;
	if (!link->xdp_id)
		return NO;
	if (geteuid())
		return UNKNOWN;
	if (xdp_now(link, &now))
		return UNKNOWN;
	for (size_t i = 0; i < now.n_ours; i++)
		if (now.ours[i] == u->ingress_id)
			return YES;
	return NO;
}

static void check_link(struct status *s, struct status_uplink *u,
		       const struct link *link)
{
	const char *name = link->name;
	char *command = NULL;

	u->up = (link->flags & (IFF_UP | IFF_RUNNING)) ==
		(IFF_UP | IFF_RUNNING);
	if (!(link->flags & IFF_UP)) {
		command = text_of("ip link set dev %s up", name);
		report_add(&s->report, true, command, "%s is down", name);
	} else if (!u->up) {
		report_add(&s->report, true, NULL,
			   "%s has no carrier: its cable, or its other end",
			   name);
	}
	free(command);
	if (u->ingress == NO)
		report_add(&s->report, true, s->load,
			   "%s has lost anyport's %s program: nothing that "
			   "comes in reaches the door",
			   name,
			   u->as.mode == ATTACH_TC ? "tc ingress" : "XDP");
	if (u->egress == NO)
		report_add(&s->report, true, s->load,
			   "%s has lost anyport's tc egress program: answers "
			   "leave from the wrong port",
			   name);
}

static void check_uplink(struct status *s, struct status_uplink *u)
{
	const struct state_uplink *as = &u->as;
	const struct link *link = link_numbered(&s->links, as->ifindex);
	const struct link *named = link_named(&s->links, as->name);

	if (!link) {
		if (named)
			report_add(&s->report, true, s->load,
				   "%s was made anew since the door was "
				   "loaded: the door is not on it",
				   as->name);
		else
			report_add(&s->report, true, NULL,
				   "%s does not exist any more; once it does: "
				   "%s",
				   as->name, s->load);
		return;
	}
	u->present = true;
	if (strcmp(link->name, as->name) != 0 && named)
		report_add(&s->report, true, s->load,
			   "the door is not on %s: the interface it was put on "
			   "is called %s now",
			   as->name, link->name);
	else if (strcmp(link->name, as->name) != 0)
		report_add(&s->report, false, NULL,
			   "%s is called %s now; the door is still on it, but "
			   "the next load looks for the name in %s: write "
			   "interface = %s there",
			   as->name, link->name, s->path, link->name);
	u->ingress = as->mode == ATTACH_TC
			     ? has_filter(as->ifindex, BPF_TC_INGRESS,
					  as->ingress_id)
			     : has_xdp(link, as);
	u->egress = has_filter(as->ifindex, BPF_TC_EGRESS, as->egress_id);
	check_link(s, u, link);
}

static bool was_attached(const struct status *s, const char *name)
{
	for (size_t i = 0; i < s->state.n_uplink; i++)
		if (!strcmp(s->state.uplink[i].name, name))
			return true;
	return false;
}

/* Interfaces of the configuration that the door never came to. */
static void check_missing(struct status *s)
{
	for (size_t i = 0; s->config && i < s->config->n_interface; i++) {
		const char *name = s->config->interface[i];
		struct status_uplink u = { 0 };

		if (was_attached(s, name) || s->n_uplink == AP_UPLINKS)
			continue;
		(void)snprintf(u.as.name, sizeof(u.as.name), "%s", name);
		s->uplink[s->n_uplink++] = u;
		if (link_named(&s->links, name))
			report_add(&s->report, true, s->load,
				   "the door is not on %s", name);
		else
			report_add(&s->report, true, NULL,
				   "interface %s does not exist; once it does: "
				   "%s",
				   name, s->load);
	}
}

/* By the record and by what the programs go by alike. */
static bool is_in_force(const struct status *s, uint32_t ifindex)
{
	size_t i = 0;
	uint32_t j = 0;

	while (i < s->state.n_uplink && s->state.uplink[i].ifindex != ifindex)
		i++;
	while (j < s->kernel.n_uplink && s->kernel.uplink[j] != ifindex)
		j++;
	return i < s->state.n_uplink && j < s->kernel.n_uplink;
}

/*
 * A reload that dies has programs on an interface that it was taking in or out:
 * UDP is served there, while sk_lookup, which knows its uplinks, steers no TCP.
 */
static void check_strays(struct status *s)
{
	char *command = text_of("anyport reload -c %s", s->path);
	struct uplink_found found;

	for (size_t i = 0; !geteuid() && i < s->links.n; i++) {
		const struct link *link = &s->links.link[i];

		if (is_in_force(s, link->ifindex) ||
		    uplink_find(link, &found) || !uplink_has_ours(&found))
			continue;
		report_add(&s->report, true, command,
			   "%s has anyport's programs but is no uplink of the "
			   "door: a change of the configuration did not finish",
			   link->name);
	}
	free(command);
}

void status_uplinks(struct status *s)
{
	for (size_t i = 0; i < s->state.n_uplink; i++) {
		s->uplink[i].as = s->state.uplink[i];
		s->n_uplink++;
		check_uplink(s, &s->uplink[i]);
	}
	check_missing(s);
	check_strays(s);
}
