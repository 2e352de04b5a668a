/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Loads the programs for test runs and runs them. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/pkt_cls.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "config_address.h"
#include "door.h"
#include "lookup.skel.h"
#include "peer.skel.h"
#include "place.h"
#include "tc.skel.h"
#include "xdp.skel.h"

#define AP_PINS 32 /* more than there are maps */

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "door: %s: %s\n", what, strerror(-rc));
	abort();
}

static struct {
	char name[16];
	int fd;
} pinned[AP_PINS];

void door_of(struct door *d, const char *ns)
{
	char path[64];
	struct stat st;
	int i;

	for (i = 0; i < AP_PINS && pinned[i].name[0]; i++) {
		close(pinned[i].fd);
		pinned[i].name[0] = 0;
	}
	memset(d, 0, sizeof(*d));
	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	must(stat(path, &st) ? -errno : 0, path);
	snprintf(d->pins, sizeof(d->pins), "/run/anyport/bpf/%lu/v%d",
		 (unsigned long)st.st_ino, AP_LAYOUT);
}

/* Each is opened once and kept until the door is another. */
static int pinned_map(const struct door *d, const char *name)
{
	char path[128];
	int i;

	for (i = 0; pinned[i].name[0]; i++)
		if (!strcmp(pinned[i].name, name))
			return pinned[i].fd;
	assert(i < AP_PINS - 1);
	snprintf(path, sizeof(path), "%s/%s", d->pins, name);
	pinned[i].fd = bpf_obj_get(path);
	must(pinned[i].fd < 0 ? -errno : 0, path);
	snprintf(pinned[i].name, sizeof(pinned[i].name), "%s", name);
	return pinned[i].fd;
}

/* Global data is pinned under a plain name, in an object it has a dot. */
static const char *in_object(const char *name)
{
	if (!strcmp(name, "config"))
		return ".data.config";
	if (!strcmp(name, "secret"))
		return ".data.secret";
	if (!strcmp(name, "spread"))
		return ".data.spread";
	return strcmp(name, "active") ? name : ".data.active";
}

int door_map(const struct door *d, const char *name)
{
	int fd;

	if (d->pins[0])
		return pinned_map(d, name);
	fd = bpf_object__find_map_fd_by_name(d->xdp->obj, in_object(name));
	if (fd < 0)
		must(fd, name);
	return fd;
}

static void set_entries(struct door *d, unsigned int entries)
{
	const struct {
		struct bpf_map *map;
		unsigned int entries;
	} size[] = {
		{ d->xdp->maps.flows4, place_segments(entries, 1, 4) },
		{ d->xdp->maps.flows6, place_segments(entries, 1, 6) },
		{ d->xdp->maps.half4, place_segments(entries, 0, 4) },
		{ d->xdp->maps.half6, place_segments(entries, 0, 6) },
		{ d->xdp->maps.nat4, entries },
		{ d->xdp->maps.nat6, entries },
	};
	size_t i;

	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		must(bpf_map__set_max_entries(size[i].map, size[i].entries),
		     "max_entries");
}

/* The maps of OBJ shall be those of the XDP object, but for its own data. */
static int share_maps(struct door *d, struct bpf_object *obj)
{
	struct bpf_map *map;
	int rc;

	bpf_object__for_each_map(map, obj)
	{
		if (strstr(bpf_map__name(map), ".rodata") ||
		    strstr(bpf_map__name(map), ".bss"))
			continue;
		rc = bpf_map__reuse_fd(map, door_map(d, bpf_map__name(map)));
		if (rc)
			return rc;
	}
	return 0;
}

static int load_others(struct door *d)
{
	int rc;

	d->tc = tc_bpf__open();
	d->lookup = lookup_bpf__open();
	d->peer = peer_bpf__open();
	if (!d->tc || !d->lookup || !d->peer)
		return -errno;
	rc = share_maps(d, d->tc->obj);
	if (!rc)
		rc = share_maps(d, d->lookup->obj);
	if (!rc)
		rc = share_maps(d, d->peer->obj);
	if (!rc)
		rc = tc_bpf__load(d->tc);
	if (!rc)
		rc = lookup_bpf__load(d->lookup);
	if (!rc)
		rc = peer_bpf__load(d->peer);
	return rc;
}

static void default_config(struct ap_config *c, unsigned int entries)
{
	int proto;

	memset(c, 0, sizeof(*c));
	config_address(c, DOOR_A4, ID_A4);
	config_address(c, DOOR_B4, ID_B4);
	config_address(c, DOOR_A6, ID_A6);
	config_address(c, DOOR_B6, ID_B6);
	for (proto = 0; proto < AP_PROTOS; proto++) {
		c->target[proto][0] = htons(TARGET);
		c->target[proto][1] = htons(MAPPED);
		c->n_target[proto] = 2;
	}
	c->uplink[0] = 1; /* lo: test runs arrive there */
	c->n_uplink = 1;
	c->nat_first = 32768;
	c->nat_last = 60999;
	c->idle_established = door_ticks(300);
	c->idle_half = door_ticks(30);
	c->idle_nat = door_ticks(180);
	c->filter = 1;
	c->established = c->half_open = entries;
	c->flows4 = place_segments(entries, 1, 4);
	c->flows6 = place_segments(entries, 1, 6);
	c->half4 = place_segments(entries, 0, 4);
	c->half6 = place_segments(entries, 0, 6);
}

static void default_secret(struct door *d)
{
	const struct ap_secret secret = {
		.hash = { 0x0123456789abcdef, 0xfedcba9876543210 },
		.place = { 0x02468ace13579bdf, 0xfdb97531eca86420 },
	};
	__u32 zero = 0;

	must(bpf_map_update_elem(door_map(d, "secret"), &zero, &secret, 0),
	     "secret");
}

static void default_policy(struct door *d)
{
	int proto;

	for (proto = 0; proto < AP_PROTOS; proto++) {
		door_policy(d, proto, 0, 65535, 0, 0);
		door_policy(d, proto, 0, 0, AP_PASS, 0);
		door_policy(d, proto, TARGET, TARGET, AP_OWN, 0);
		door_policy(d, proto, MAPPED, MAPPED, AP_OWN, 1);
		door_policy(d, proto, DIALLED, DIALLED, 0, 1);
		door_policy(d, proto, CLAIMED, CLAIMED, AP_CLAIM, 0);
		door_policy(d, proto, PASSED_PORT, PASSED_PORT, AP_PASS, 0);
	}
	door_policy(d, AP_UDP, 67, 68, AP_PASS, 0);
	door_policy(d, AP_UDP, 546, 547, AP_PASS, 0);
}

__attribute__((format(printf, 2, 0))) static int
print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int door_open(struct door *d, enum door_mode mode, unsigned int entries)
{
	int rc;

	memset(d, 0, sizeof(*d));
	libbpf_set_print(print);
	d->mode = mode;
	d->xdp = xdp_bpf__open();
	if (!d->xdp)
		return -errno;
	set_entries(d, entries ?: 65536);
	rc = xdp_bpf__load(d->xdp);
	if (!rc)
		rc = load_others(d);
	if (rc) {
		door_close(d);
		return rc;
	}
	default_config(&d->config, entries ?: 65536);
	default_secret(d);
	default_policy(d);
	door_configure(d);
	return 0;
}

void door_close(struct door *d)
{
	xdp_bpf__destroy(d->xdp);
	tc_bpf__destroy(d->tc);
	lookup_bpf__destroy(d->lookup);
	peer_bpf__destroy(d->peer);
	memset(d, 0, sizeof(*d));
}

void door_configure(struct door *d)
{
	struct ap_active active = { .generation = d->generation };
	struct ap_config both[2];
	__u32 zero = 0;

	must(bpf_map_lookup_elem(door_map(d, "config"), &zero, both), "config");
	d->config.slot = d->generation & 1;
	both[d->config.slot] = d->config;
	must(bpf_map_update_elem(door_map(d, "config"), &zero, both, 0),
	     "config");
	must(bpf_map_update_elem(door_map(d, "active"), &zero, &active, 0),
	     "active");
}

void door_policy(struct door *d, enum ap_proto proto, uint16_t first,
		 uint16_t last, uint8_t flags, uint8_t target)
{
	static struct ap_policy value[65536];
	static __u32 key[65536];
	__u32 n = last - first + 1, i;

	for (i = 0; i < n; i++) {
		key[i] = AP_POLICY_INDEX(d->generation, proto, first + i);
		value[i] = (struct ap_policy){
			.flags = flags,
			.target = target,
			.port = d->config.target[proto][target],
		};
	}
	must(bpf_map_update_batch(door_map(d, "policy"), key, value, &n, NULL),
	     "policy");
}

/* A copy: what a program must not write to must not be written to. */
static int run(int fd, struct bpf_test_run_opts *opts, const struct frame *in,
	       struct frame *out)
{
	opts->data_in = in->data;
	opts->data_size_in = in->len;
	opts->data_out = out->data;
	opts->data_size_out = sizeof(out->data);
	must(bpf_prog_test_run_opts(fd, opts), "test run");
	out->len = opts->data_size_out;
	return opts->retval;
}

static enum verdict run_tc(struct bpf_program *prog, __u32 ingress, __u32 mark,
			   const struct frame *in, struct frame *out)
{
	struct __sk_buff skb = { .ingress_ifindex = ingress, .mark = mark };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .ctx_out = &skb,
			    .ctx_size_out = sizeof(skb));
	int code = run(bpf_program__fd(prog), &opts, in, out);

	if (code == TC_ACT_UNSPEC)
		return PASSED;
	return code == TC_ACT_SHOT ? DROPPED : STRANGE;
}

static enum verdict run_xdp(struct door *d, struct bpf_test_run_opts *opts,
			    const struct frame *in, struct frame *out)
{
	int code =
		run(bpf_program__fd(d->xdp->progs.anyport_xdp), opts, in, out);

	if (code == XDP_PASS)
		return PASSED;
	return code == XDP_DROP ? DROPPED : STRANGE;
}

enum verdict door_in(struct door *d, const struct frame *in, struct frame *out)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (d->mode == DOOR_TC)
		return run_tc(d->tc->progs.anyport_ingress, 1, 0, in, out);
	return run_xdp(d, &opts, in, out);
}

/* What is behind data_end becomes fragments, once a kernel does not insist on
 * the frame's end there. */
enum verdict door_in_split(struct door *d, const struct frame *in,
			   size_t linear, struct frame *out)
{
	struct xdp_md ctx = { .data_end = linear };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx));

	return run_xdp(d, &opts, in, out);
}

bool door_can_split(const struct door *d)
{
	static const uint8_t nothing[64];
	struct xdp_md ctx = { .data_end = sizeof(nothing) / 2 };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx), .data_in = nothing,
			    .data_size_in = sizeof(nothing));

	return !bpf_prog_test_run_opts(
		bpf_program__fd(d->xdp->progs.anyport_xdp), &opts);
}

enum verdict door_out(struct door *d, const struct frame *in, bool forwarded,
		      struct frame *out)
{
	return run_tc(d->tc->progs.anyport_egress, forwarded, d->mark, in, out);
}

uint64_t door_count(struct door *d, enum ap_counter counter)
{
	static __u64 value[1024];
	int i, n = libbpf_num_possible_cpus();
	__u32 key = counter;
	uint64_t sum = 0;

	assert(n > 0 && n <= 1024);
	must(bpf_map_lookup_elem(door_map(d, "counters"), &key, value),
	     "counters");
	for (i = 0; i < n; i++)
		sum += value[i];
	return sum;
}
