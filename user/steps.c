/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * What a command changed in the kernel, step by step, so that it can be
 * undone: when a later step fails, or when nobody confirms.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "attach_tc.h"
#include "attach_xdp.h"
#include "pinlink.h"
#include "steps.h"

static int chain(const struct step *step, int from, int to)
{
	if (to >= 0)
		return xdp_chain(step->ifindex, step->mode, to);
	return xdp_unchain(step->ifindex, step->mode, from);
}

static int set_active(const struct step *step, const struct ap_active *active)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(step->map, &zero, active, BPF_ANY) ? -errno
								      : 0;
}

static int go(const struct step *step, int from, int to)
{
	switch (step->kind) {
	case STEP_FILTER: return tc_set(step->ifindex, step->point, from, to);
	case STEP_XDP: return xdp_set(step->ifindex, step->mode, from, to);
	case STEP_CHAIN: return chain(step, from, to);
	case STEP_LINK: return pinlink_set(step->path, step->link, from, to);
	case STEP_ACTIVE: break;
	}
	return set_active(step, &step->active_to);
}

/*
 * The slot that a generation left still holds its configuration, so going
 * back is one more generation, of the same parity.
 */
static int go_back(const struct step *step)
{
	struct ap_active back = step->active_from;

	if (step->kind != STEP_ACTIVE)
		return go(step, step->to, step->from);
	if (back.generation && back.generation != step->active_to.generation)
		back.generation = step->active_to.generation + 1;
	return set_active(step, &back);
}

static void let_go(const struct step *step)
{
	const int fd[] = { step->from, step->to, step->map };

	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* A duplicate in *OUT; of none, none. */
static int own(int fd, int *out)
{
	*out = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd >= 0 && *out < 0 ? -errno : 0;
}

int steps_note(struct steps *steps, const struct step *step)
{
	struct step *more =
		reallocarray(steps->step, steps->n + 1, sizeof(*more));
	int err;

	if (!more)
		return -ENOMEM;
	steps->step = more;
	more += steps->n;
	*more = *step;
	more->from = more->to = more->map = -1;
	err = own(step->from, &more->from);
	err = err ?: own(step->to, &more->to);
	if (step->kind == STEP_ACTIVE)
		err = err ?: own(step->map, &more->map);
	if (err)
		let_go(more);
	else
		steps->n++;
	return err;
}

int steps_take(struct steps *steps, const struct step *step)
{
	int err = steps_note(steps, step);

	if (err)
		return err;
	err = go(&steps->step[steps->n - 1], step->from, step->to);
	if (err)
		let_go(&steps->step[--steps->n]);
	return err;
}

/* What was attached to it went with it. */
static bool is_gone(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return ifindex && !if_indextoname(ifindex, name) && errno == ENXIO;
}

int steps_undo(struct steps *steps)
{
	int err = 0;

	for (size_t i = steps->n; i > 0; i--) {
		const struct step *step = &steps->step[i - 1];
		int one = go_back(step);

		if (one && !is_gone(step->ifindex))
			err = err ?: one;
	}
	return err;
}

void steps_free(struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		let_go(&steps->step[i]);
	free(steps->step);
	*steps = (struct steps){ 0 };
}
