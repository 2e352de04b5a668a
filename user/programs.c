/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs of this binary, loaded on the pinned maps. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "prog.h"
#include "programs.h"

int programs_mark(const struct tables *tables, int program)
{
	if (bpf_prog_bind_map(program, tables->fd[T_ACTIVE], NULL) ||
	    bpf_prog_bind_map(program, tables->fd[T_CONFIG], NULL))
		return -errno;
	return 0;
}

int programs_open_xdp(const struct tables *tables, uint32_t instance,
		      struct xdp_bpf **out)
{
	struct xdp_bpf *object = xdp_bpf__open();
	int err;

	if (!object)
		return -errno;
	object->rodata->instance = instance;
	err = tables_reuse(tables, object->obj);
	if (err)
		xdp_bpf__destroy(object);
	else
		*out = object;
	return err;
}

static int load_xdp_as(const struct tables *tables, bool frags,
		       struct programs *programs)
{
	struct bpf_program *program;
	int err = programs_open_xdp(tables, 0, &programs->xdp);

	if (err)
		return err;
	/* NOLINTNEXTLINE(clang-analyzer-core*): libbpf sets errno if it fails */
	program = programs->xdp->progs.anyport_xdp;
	if (!frags)
		bpf_program__set_flags(program, bpf_program__flags(program) &
							~BPF_F_XDP_HAS_FRAGS);
	err = xdp_bpf__load(programs->xdp);
	err = err ?: programs_mark(tables, bpf_program__fd(program));
	if (err) {
		xdp_bpf__destroy(programs->xdp);
		programs->xdp = NULL;
	}
	return err;
}

int programs_xdp(const struct tables *tables, struct programs *programs)
{
	int err = programs->xdp_refused;

	if (!err && !programs->xdp) {
		err = load_xdp_as(tables, true, programs);
		/* Multi-buffer packets are newer than XDP: without it jumbo
		 * MTUs end at a page. */
		if (err)
			err = load_xdp_as(tables, false, programs);
		programs->xdp_refused = err;
	}
	return err ?: bpf_program__fd(programs->xdp->progs.anyport_xdp);
}

/* One of the two; the other is not given to the kernel. */
static int load_tc(const struct tables *tables, bool ingress,
		   struct tc_bpf **out)
{
	struct tc_bpf *object = tc_bpf__open();
	struct bpf_program *program;
	int err;

	if (!object)
		return -errno;
	program = ingress ? object->progs.anyport_ingress
			  : object->progs.anyport_egress;
	(void)bpf_program__set_autoload(ingress ? object->progs.anyport_egress
						: object->progs.anyport_ingress,
					false);
	err = tables_reuse(tables, object->obj);
	err = err ?: tc_bpf__load(object);
	err = err ?: programs_mark(tables, bpf_program__fd(program));
	if (err)
		tc_bpf__destroy(object);
	else
		*out = object;
	return err;
}

static int load_lookup(const struct tables *tables, struct programs *programs)
{
	int err;

	programs->lookup = lookup_bpf__open();
	if (!programs->lookup)
		return -errno;
	err = tables_reuse(tables, programs->lookup->obj);
	err = err ?: lookup_bpf__load(programs->lookup);
	return err ?: programs_mark(tables, programs_lookup(programs));
}

int programs_load(const struct tables *tables, struct programs *programs,
		  const char **refused)
{
	int err;

	*programs = (struct programs){ 0 };
	*refused = PROG_EGRESS;
	err = load_tc(tables, false, &programs->egress);
	if (err)
		return err;
	*refused = PROG_LOOKUP;
	return load_lookup(tables, programs);
}

/* A number that no other namespace ever has; inode numbers are used again. */
static int netns_cookie(__u64 *cookie)
{
	socklen_t size = sizeof(*cookie);
	int err = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size))
		err = -errno;
	close(fd);
	return err;
}

int programs_load_peer(const struct tables *tables, struct programs *programs)
{
	struct peer_bpf *object = peer_bpf__open();
	__u64 netns = 0;
	int err;

	if (!object)
		return -errno;
	err = netns_cookie(&netns);
	object->rodata->netns = netns;
	err = err ?: tables_reuse(tables, object->obj);
	err = err ?: peer_bpf__load(object);
	if (err)
		peer_bpf__destroy(object);
	else
		programs->peer = object;
	return err;
}

void programs_free(struct programs *programs)
{
	peer_bpf__destroy(programs->peer);
	lookup_bpf__destroy(programs->lookup);
	tc_bpf__destroy(programs->egress);
	tc_bpf__destroy(programs->ingress);
	xdp_bpf__destroy(programs->xdp);
	*programs = (struct programs){ 0 };
}

int programs_lookup(const struct programs *programs)
{
	return bpf_program__fd(programs->lookup->progs.anyport_lookup);
}

int programs_peer(const struct programs *programs, bool v6)
{
	return bpf_program__fd(v6 ? programs->peer->progs.anyport_peer6
				  : programs->peer->progs.anyport_peer4);
}

int programs_ingress(const struct tables *tables, struct programs *programs)
{
	int err = 0;

	if (!programs->ingress)
		err = load_tc(tables, true, &programs->ingress);
	return err ?: bpf_program__fd(programs->ingress->progs.anyport_ingress);
}

int programs_egress(const struct programs *programs)
{
	return bpf_program__fd(programs->egress->progs.anyport_egress);
}
