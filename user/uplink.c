/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs on one uplink. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "attach_tc.h"
#include "prog.h"
#include "quiet.h"
#include "uplink.h"
#include "value.h"

static int open_program(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	return fd < 0 ? -errno : fd;
}

/* From program id FROM (0: none) to TO, then FROM's descriptor is let go. */
static int take(struct door *door, struct step step, uint32_t from)
{
	int err;

	step.from = from ? open_program(from) : -1;
	if (from && step.from < 0)
		return step.from;
	err = steps_take(&door->steps, &step);
	if (step.from >= 0)
		close(step.from);
	return err;
}

static const char *why(int err)
{
	return quiet_reason()[0] ? quiet_reason() : strerror(-err);
}

static int filter_failed(struct door *door, const struct link *link,
			 const char *side, int err)
{
	if (err == -ENOTSUP)
		return door_fail(door, err,
				 "%s has an ingress qdisc, anyport needs "
				 "clsact, which holds the same filters: "
				 "replace it, then load again",
				 link->name);
	return door_fail(door, err,
			 "cannot attach to tc %s of %s at priority %d: %s",
			 side, link->name, TC_PRIORITY, why(err));
}

static int attach_filter(struct door *door, const struct link *link,
			 enum bpf_tc_attach_point point, int to, bool replace,
			 uint32_t *id)
{
	bool out = point == BPF_TC_EGRESS;
	const char *side = out ? "egress" : "ingress";
	struct step step = { .kind = STEP_FILTER,
			     .ifindex = link->ifindex,
			     .point = point,
			     .to = to };
	char name[PROG_NAME];
	uint32_t from;
	int err = tc_filter(link->ifindex, point, &from);

	if (err && err != -ENOENT)
		return filter_failed(door, link, side, err);
	if (from && !prog_is_ours(from, out ? PROG_EGRESS : PROG_INGRESS)) {
		prog_name(from, name);
		return door_fail(door, -EEXIST,
				 "%s: another's program (%s, id %u) has our "
				 "place in tc %s: tc filter del dev %s %s "
				 "prio %d, then load again",
				 link->name, name, from, side, link->name, side,
				 TC_PRIORITY);
	}
	*id = from;
	if (from && !replace)
		return 0;
	*id = prog_id(to);
	quiet_forget();
	err = take(door, step, from);
	return err ? filter_failed(door, link, side, err) : 0;
}

int uplink_attach_egress(struct door *door, const struct link *link,
			 bool replace, struct state_uplink *out)
{
	int err = attach_filter(door, link, BPF_TC_EGRESS,
				programs_egress(&door->programs), replace,
				&out->egress_id);

	out->made_clsact = tc_made_clsact(link->ifindex);
	return err;
}

/* Ours behind a dispatcher can only go one by one. */
static int release_xdp(struct door *door, const struct link *link,
		       const struct xdp_now *now)
{
	int err = 0;

	for (size_t i = 0; !err && i < now->n_ours; i++) {
		struct step step = {
			.kind = now->dispatcher ? STEP_CHAIN : STEP_XDP,
			.ifindex = link->ifindex,
			.mode = now->mode,
			.to = -1,
		};

		err = take(door, step, now->ours[i]);
	}
	return err;
}

static int release_filter(struct door *door, const struct link *link,
			  enum bpf_tc_attach_point point, uint32_t id,
			  const char *name)
{
	struct step step = { .kind = STEP_FILTER,
			     .ifindex = link->ifindex,
			     .point = point,
			     .to = -1 };

	return prog_is_ours(id, name) ? take(door, step, id) : 0;
}

int uplink_release(struct door *door, const struct link *link)
{
	struct uplink_found found;
	int err = uplink_find(link, &found);

	err = err ?: release_xdp(door, link, &found.xdp);
	err = err
		      ?: release_filter(door, link, BPF_TC_INGRESS,
					found.ingress, PROG_INGRESS);
	err = err
		      ?: release_filter(door, link, BPF_TC_EGRESS, found.egress,
					PROG_EGRESS);
	if (err)
		return door_fail(door, err, "cannot detach from %s: %s",
				 link->name, xdp_why(err));
	return 0;
}

int uplink_strip(const struct link *link)
{
	struct door scratch = { 0 };
	int err = uplink_release(&scratch, link);

	steps_free(&scratch.steps);
	xdp_clean(link->ifindex);
	return err;
}

/* ---- ingress ------------------------------------------------------------*/

static int set_single(struct door *door, const struct link *link,
		      enum attach_mode mode, uint32_t from,
		      struct state_uplink *out)
{
	struct step step = { .kind = STEP_XDP,
			     .ifindex = link->ifindex,
			     .mode = mode,
			     .to = programs_xdp(&door->tables,
						&door->programs) };
	int err;

	if (step.to < 0)
		return step.to;
	err = take(door, step, from);
	out->ingress_id = prog_id(step.to);
	out->dispatcher = false;
	return err;
}

/*
 * libxdp loads the program while it attaches it, behind a dispatcher where
 * the kernel can. 1: it could not and attached it alone.
 */
static int attach_by_libxdp(struct door *door, const struct link *link,
			    enum attach_mode mode, struct xdp_program *program)
{
	static const enum xdp_attach_mode modes[] = {
		[ATTACH_NATIVE] = XDP_MODE_NATIVE,
		[ATTACH_GENERIC] = XDP_MODE_SKB,
	};
	struct step step = { .kind = STEP_CHAIN,
			     .ifindex = link->ifindex,
			     .mode = mode,
			     .from = -1 };
	struct xdp_multiprog *all;
	bool alone;
	int err = xdp_program__attach(program, (int)link->ifindex, modes[mode],
				      0);

	if (err)
		return err;
	step.to = xdp_program__fd(program);
	(void)programs_mark(&door->tables, step.to);
	all = xdp_multiprog__get_from_ifindex((int)link->ifindex);
	alone = libxdp_get_error(all) || xdp_multiprog__is_legacy(all);
	if (!libxdp_get_error(all))
		xdp_multiprog__close(all);
	if (alone)
		step.kind = STEP_XDP;
	err = steps_note(&door->steps, &step);
	return err ?: alone;
}

static int add_to_chain(struct door *door, const struct link *link,
			enum attach_mode mode, struct state_uplink *out)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options);
	struct xdp_program *program;
	struct xdp_bpf *object;
	int err = programs_open_xdp(&door->tables, door->instance, &object);

	if (err)
		return err;
	options.obj = object->obj;
	options.prog_name = PROG_XDP;
	program = xdp_program__create(&options);
	err = (int)libxdp_get_error(program);
	if (!err) {
		err = attach_by_libxdp(door, link, mode, program);
		out->ingress_id = xdp_program__id(program);
		xdp_program__close(program);
	}
	xdp_bpf__destroy(object);
	if (err)
		return err;
	out->dispatcher = true;
	door->chained = true;
	return 0;
}

/* Attaches where no XDP program is, or only programs behind a dispatcher. */
static int attach_new(struct door *door, const struct link *link,
		      enum attach_mode mode, const struct xdp_now *now,
		      struct state_uplink *out)
{
	int err = -EOPNOTSUPP;

	quiet_forget();
	if (!door->programs.xdp_refused &&
	    (!door->no_dispatcher || now->dispatcher))
		err = add_to_chain(door, link, mode, out);
	if (err <= 0 && (!err || now->main))
		return err;
	/* It would act under a number that is not the active one. */
	if (err > 0) {
		door->no_dispatcher = true;
		return set_single(door, link, mode, out->ingress_id, out);
	}
	quiet_forget();
	return set_single(door, link, mode, 0, out);
}

/* libxdp does not say whether it was the program: the kernel is asked again. */
static int xdp_failed(struct door *door, const struct link *link, int err,
		      const char *doing)
{
	int to = programs_xdp(&door->tables, &door->programs);

	if (to < 0)
		return door_refused(door, to, PROG_XDP, link);
	return door_fail(door, err, "cannot %s %s: %s", doing, link->name,
			 why(err));
}

static int replace_chained(struct door *door, const struct link *link,
			   const struct xdp_now *now, struct state_uplink *out)
{
	int err = add_to_chain(door, link, now->mode, out);

	if (err > 0)
		err = -EOPNOTSUPP;
	return err ?: uplink_retire(door, link, now, 0);
}

static int replace_xdp(struct door *door, const struct link *link,
		       const struct xdp_now *now, bool replace,
		       struct state_uplink *out)
{
	uint32_t acting = uplink_acting(door, now);
	int err = 0;

	quiet_forget();
	replace |= !acting;
	out->dispatcher = now->dispatcher;
	out->ingress_id = acting;
	if (replace && now->dispatcher)
		err = replace_chained(door, link, now, out);
	else if (replace)
		err = set_single(door, link, now->mode, now->ours[0], out);
	door->chained |= out->dispatcher;
	return err ? xdp_failed(door, link, err, "replace XDP on") : 0;
}

static int refuse_other(struct door *door, const struct link *link,
			const struct xdp_now *now)
{
	char name[PROG_NAME];
	uint32_t id = now->other ? now->other : now->main;

	prog_name(id, name);
	return door_fail(door, -EBUSY,
			 "%s has another XDP program (%s, id %u) that this one "
			 "cannot be chained with: remove it, or set attach = "
			 "tc, then load again",
			 link->name, name, id);
}

static int attach_xdp(struct door *door, const struct link *link,
		      enum attach_mode mode, const struct uplink_found *found,
		      bool replace, struct state_uplink *out)
{
	const struct xdp_now *now = &found->xdp;
	struct xdp_now none = { 0 };
	int err = 0;

	out->mode = mode;
	if (now->n_ours && now->mode == mode)
		return replace_xdp(door, link, now, replace, out);
	/* Two at once would see one packet twice. */
	err = release_filter(door, link, BPF_TC_INGRESS, found->ingress,
			     PROG_INGRESS);
	if (!err && now->n_ours && !now->other) {
		err = release_xdp(door, link, now);
		now = &none;
	}
	if (err)
		return door_fail(door, err, "cannot detach from %s: %s",
				 link->name, xdp_why(err));
	if (now->main && (!now->dispatcher || now->mode != mode))
		return refuse_other(door, link, now);
	err = attach_new(door, link, mode, now, out);
	if (err && now->main &&
	    programs_xdp(&door->tables, &door->programs) >= 0)
		return refuse_other(door, link, now);
	return err ? xdp_failed(door, link, err,
				mode == ATTACH_NATIVE ? "attach native XDP to"
						      : "attach generic XDP to")
		   : 0;
}

static int attach_tc(struct door *door, const struct link *link,
		     const struct uplink_found *found, bool replace,
		     struct state_uplink *out)
{
	int to = programs_ingress(&door->tables, &door->programs), err;

	if (to < 0)
		return door_refused(door, to, PROG_INGRESS, link);
	err = release_xdp(door, link, &found->xdp);
	if (err)
		return door_fail(door, err, "cannot detach from %s: %s",
				 link->name, xdp_why(err));
	out->mode = ATTACH_TC;
	out->dispatcher = false;
	return attach_filter(door, link, BPF_TC_INGRESS, to, replace,
			     &out->ingress_id);
}

static void add_why(struct state_uplink *out, const char *mode,
		    const char *text)
{
	size_t n = strlen(out->why);

	(void)snprintf(out->why + n, sizeof(out->why) - n, "%s%s: %s",
		       n ? "; " : "", mode, text);
}

/* With auto the door is on tc from now on, where load asks for no XDP. */
static void say_refused(struct state_uplink *out, int err)
{
	(void)snprintf(out->why, sizeof(out->why),
		       "XDP: the kernel refused program " PROG_XDP
		       ": %s; with attach = native, anyport -v load says more",
		       strerror(-err));
}

/* The ways that auto has tried in vain, at most three, a line each. */
struct tried {
	char text[3 * 220];
};

static void add_tried(struct tried *tried, const char *way, const char *reason)
{
	size_t n = strlen(tried->text);

	(void)snprintf(tried->text + n, sizeof(tried->text) - n,
		       "  %s: %.200s\n", way, reason);
}

static int none_left(struct door *door, const struct link *link, int err,
		     struct tried *tried)
{
	char text[DOOR_REFUSAL];

	add_tried(tried, "tc ingress",
		  door->programs.ingress
			  ? door->error
			  : door_refusal(err, PROG_INGRESS, text));
	return door_fail(door, err,
			 "%s: attach = auto: there is no way to take packets "
			 "in:\n%sone of them has to work; anyport -v load says "
			 "more",
			 link->name, tried->text);
}

/* Native, then generic, then tc: the reasons are kept. */
static int attach_auto(struct door *door, const struct link *link,
		       const struct uplink_found *found,
		       struct state_uplink *out)
{
	struct tried tried = { "" };
	char text[DOOR_REFUSAL];
	int err, refused;

	out->why[0] = '\0';
	for (int mode = ATTACH_NATIVE; mode <= ATTACH_GENERIC; mode++) {
		if (found->xdp.main && found->xdp.mode != (unsigned int)mode)
			continue;
		err = attach_xdp(door, link, mode, found, true, out);
		if (!err || err == -EBUSY)
			return err;
		refused = door->programs.xdp_refused;
		if (refused) {
			say_refused(out, refused);
			add_tried(&tried, "XDP",
				  door_refusal(refused, PROG_XDP, text));
			break;
		}
		add_why(out, attach_name(mode), why(err));
		add_tried(&tried,
			  mode == ATTACH_NATIVE ? "native XDP" : "generic XDP",
			  why(err));
	}
	err = attach_tc(door, link, found, true, out);
	return err ? none_left(door, link, err, &tried) : 0;
}

int uplink_attach_ingress(struct door *door, const struct link *link,
			  enum attach_mode wanted, bool replace,
			  struct state_uplink *out)
{
	struct uplink_found found;
	int err = uplink_find(link, &found);

	if (err)
		return door_fail(door, err, "cannot see what is on %s: %s",
				 link->name, xdp_why(err));
	if (wanted != ATTACH_AUTO)
		out->why[0] = '\0';
	/* What runs stays in its mode: changing it would lose packets. */
	if (wanted == ATTACH_AUTO)
		wanted = uplink_mode(&found);
	if (wanted == ATTACH_AUTO)
		return attach_auto(door, link, &found, out);
	if (wanted == ATTACH_TC)
		return attach_tc(door, link, &found, replace, out);
	return attach_xdp(door, link, wanted, &found, replace, out);
}
