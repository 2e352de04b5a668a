/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* XDP on an uplink: a single program, or one behind libxdp's dispatcher. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "attach_xdp.h"
#include "prog.h"

#define LIBXDP_PINS "/sys/fs/bpf"

static uint32_t mode_flag(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

static enum xdp_attach_mode libxdp_mode(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? XDP_MODE_SKB : XDP_MODE_NATIVE;
}

static void sort_out(struct xdp_now *now, uint32_t id)
{
	if (!prog_is_ours(id, PROG_XDP))
		now->other = id;
	else if (now->n_ours < XDP_CHAIN)
		now->ours[now->n_ours++] = id;
}

/* Without its pins libxdp takes its dispatcher for any other program. */
static bool hides_others(uint32_t id)
{
	char name[PROG_NAME];
	struct statfs fs;

	prog_name(id, name);
	return !strcmp(name, "xdp_dispatcher") &&
	       (statfs(LIBXDP_PINS, &fs) || fs.f_type != BPF_FS_MAGIC);
}

const char *xdp_why(int err)
{
	return err == -EXDEV
		       ? "which programs are behind the dispatcher is told by "
			 "the bpffs at " LIBXDP_PINS ", which is not mounted "
			 "here (ip netns exec?): use nsenter --net"
		       : strerror(-err);
}

int xdp_now(const struct link *link, struct xdp_now *now)
{
	struct xdp_multiprog *all;
	struct xdp_program *one = NULL;
	int err;

	*now = (struct xdp_now){
		.mode = link->generic ? ATTACH_GENERIC : ATTACH_NATIVE,
		.main = link->xdp_id,
	};
	if (!link->xdp_id)
		return 0;
	all = xdp_multiprog__get_from_ifindex((int)link->ifindex);
	err = (int)libxdp_get_error(all);
	if (err == -ENOENT || err == -ENODEV) { /* it went away meanwhile */
		now->main = 0;
		return 0;
	}
	if (err)
		return err;
	now->dispatcher = !xdp_multiprog__is_legacy(all);
	if (!now->dispatcher && hides_others(link->xdp_id))
		err = -EXDEV;
	else if (!now->dispatcher)
		sort_out(now, link->xdp_id);
	else
		while ((one = xdp_multiprog__next_prog(one, all)))
			sort_out(now, xdp_program__id(one));
	xdp_multiprog__close(all);
	return err;
}

int xdp_set(uint32_t ifindex, enum attach_mode mode, int from, int to)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	uint32_t flags = mode_flag(mode);

	if (from < 0) {
		flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
	} else {
		flags |= XDP_FLAGS_REPLACE;
		options.old_prog_fd = from;
	}
	if (to < 0)
		return bpf_xdp_detach(ifindex, flags, &options);
	return bpf_xdp_attach(ifindex, to, flags, &options);
}

int xdp_chain(uint32_t ifindex, enum attach_mode mode, int fd)
{
	struct xdp_program *program = xdp_program__from_fd(fd);
	int err = (int)libxdp_get_error(program);

	if (err)
		return err;
	err = xdp_program__attach(program, ifindex, libxdp_mode(mode), 0);
	xdp_program__close(program);
	return err;
}

int xdp_unchain(uint32_t ifindex, enum attach_mode mode, int fd)
{
	struct xdp_program *program = xdp_program__from_fd(fd);
	int err = (int)libxdp_get_error(program);

	if (err)
		return err;
	err = xdp_program__detach(program, ifindex, libxdp_mode(mode), 0);
	xdp_program__close(program);
	return err;
}

void xdp_clean(uint32_t ifindex)
{
	/* libxdp would make the directory in order to find it empty. */
	if (!access(LIBXDP_PINS "/xdp", F_OK))
		(void)libxdp_clean_references((int)ifindex);
}
