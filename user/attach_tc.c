/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The tc filters of an uplink, and the clsact qdisc that holds them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach_tc.h"
#include "netlink.h"
#include "pin.h"
#include "state.h"

int tc_filter(uint32_t ifindex, enum bpf_tc_attach_point point, uint32_t *id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);
	int err = bpf_tc_query(&hook, &filter);

	*id = filter.prog_id;
	/* EINVAL: no qdisc either; ENODEV: the interface went away */
	return err == -EINVAL || err == -ENODEV ? -ENOENT : err;
}

/*
 * The notes are files beside the bpffs: NS.clsact.IFINDEX. One is made before
 * its qdisc, so that a crash leaves a note without a qdisc at worst.
 */
static int note_path(uint32_t ifindex, char *path, size_t size)
{
	struct pin_paths paths;
	int err = pin_paths(&paths);

	if (err)
		return err;
	(void)snprintf(path, size, STATE_DIR "/%" PRIu64 ".clsact.%" PRIu32,
		       paths.netns, ifindex);
	return 0;
}

bool tc_made_clsact(uint32_t ifindex)
{
	char path[PATH_MAX];

	return !note_path(ifindex, path, sizeof(path)) && !access(path, F_OK);
}

static int make_note(uint32_t ifindex)
{
	char path[PATH_MAX];
	int err = note_path(ifindex, path, sizeof(path));
	int fd;

	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int remove_note(uint32_t ifindex)
{
	char path[PATH_MAX];
	int err = note_path(ifindex, path, sizeof(path));

	if (!err && unlink(path) && errno != ENOENT)
		err = -errno;
	return err;
}

/* One dump of qdiscs or filters, reduced to what is asked here. */
struct seen {
	uint32_t ifindex;
	bool clsact, ingress;
	unsigned int filters;
};

static int see(struct nl_msg *message, void *argument)
{
	struct seen *seen = argument;
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *attribute[TCA_MAX + 1];
	const struct tcmsg *tc = nlmsg_data(header);
	const char *kind;

	if ((uint32_t)tc->tcm_ifindex != seen->ifindex ||
	    nlmsg_parse(header, sizeof(*tc), attribute, TCA_MAX, NULL) ||
	    !attribute[TCA_KIND])
		return NL_OK;
	kind = nla_get_string(attribute[TCA_KIND]);
	if (header->nlmsg_type == RTM_NEWTFILTER)
		seen->filters++;
	else if (header->nlmsg_type == RTM_NEWQDISC &&
		 tc->tcm_parent == TC_H_CLSACT) {
		seen->clsact = !strcmp(kind, "clsact");
		seen->ingress = !strcmp(kind, "ingress");
	}
	return NL_OK;
}

static int dump(int type, uint32_t ifindex, uint32_t parent, struct seen *seen)
{
	const struct tcmsg tc = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)ifindex,
		.tcm_parent = parent,
	};
	unsigned int before = seen->filters;
	int err, tries = 5;

	seen->ifindex = ifindex;
	do {
		seen->filters = before;
		err = netlink_dump(NETLINK_ROUTE, type, &tc, sizeof(tc), see,
				   seen);
	} while (err == -EAGAIN && --tries);
	return err;
}

static int make_clsact(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct seen seen = { 0 };
	int err = dump(RTM_GETQDISC, ifindex, 0, &seen);

	if (err || seen.clsact)
		return err;
	if (seen.ingress)
		return -ENOTSUP;
	err = make_note(ifindex);
	if (err)
		return err;
	err = bpf_tc_hook_create(&hook);
	if (err == -EEXIST) { /* somebody else was faster */
		(void)remove_note(ifindex);
		return 0;
	}
	return err;
}

int tc_set(uint32_t ifindex, enum bpf_tc_attach_point point, int from, int to)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);
	int err;

	if (to < 0) {
		err = bpf_tc_detach(&hook, &filter);
		return err == -ENOENT || err == -ENODEV ? 0 : err;
	}
	err = make_clsact(ifindex);
	if (err)
		return err;
	filter.prog_fd = to;
	filter.flags = from < 0 ? 0 : BPF_TC_F_REPLACE;
	return bpf_tc_attach(&hook, &filter);
}

static int count_filters(uint32_t ifindex, struct seen *seen)
{
	int err = dump(RTM_GETTFILTER, ifindex,
		       TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), seen);

	if (err)
		return err;
	return dump(RTM_GETTFILTER, ifindex,
		    TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), seen);
}

static int remove_clsact(uint32_t ifindex, bool last)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct seen seen = { 0 };
	int err = dump(RTM_GETQDISC, ifindex, 0, &seen);

	if (!err && seen.clsact)
		err = count_filters(ifindex, &seen);
	if (!err && seen.filters && !last)
		return 0;
	if (!err && seen.clsact && !seen.filters)
		err = bpf_tc_hook_destroy(&hook);
	return err ?: remove_note(ifindex);
}

int tc_remove_clsacts(bool last)
{
	struct pin_paths paths;
	char prefix[64];
	const struct dirent *entry;
	int err = pin_paths(&paths);
	DIR *d;

	if (err)
		return err;
	(void)snprintf(prefix, sizeof(prefix), "%" PRIu64 ".clsact.",
		       paths.netns);
	d = opendir(STATE_DIR);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(d))) {
		size_t n = strlen(prefix);

		if (strncmp(entry->d_name, prefix, n))
			continue;
		int one = remove_clsact(
			(uint32_t)strtoul(entry->d_name + n, NULL, 10), last);

		err = err ?: one;
	}
	closedir(d);
	return err;
}
