/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Loads the programs, and keeps their maps in step with the twin's. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel.h"
#include "lookup.skel.h"
#include "setup.h"
#include "twin.h"
#include "twin_map.h"
#include "xdp.skel.h"

static struct door door;
static uint64_t counted[AP_C_MAX];
static uint64_t listener; /* OpenVPN's, as a cookie */
static bool can_split;
#define PIECE 3000

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("# %s: %s\n", what, strerror(errno));
	fflush(stdout);
	abort();
}

static void put(const char *map, uint32_t at, const void *value)
{
	must(!bpf_map_update_elem(door_map(&door, map), &at, value, 0), map);
}

static void take(const char *map, uint32_t at, void *value)
{
	must(!bpf_map_lookup_elem(door_map(&door, map), &at, value), map);
}

/* ---- before the first story ---------------------------------------------*/

static int service(int type, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	must(fd >= 0 && !bind(fd, (void *)&any, sizeof(any)) &&
		     (type == SOCK_DGRAM || !listen(fd, 8)),
	     "socket");
	return fd;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	must(!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), "cookie");
	return cookie;
}

/*
 * An XDP program that is attached nowhere is put into the kernel's dispatcher
 * for each test run, which waits for every processor twice.
 */
static void attach(void)
{
	must(!system("ip link add fuzz0 type veth peer name fuzz1"), "veth");
	must(!bpf_xdp_attach(if_nametoindex("fuzz0"),
			     bpf_program__fd(door.xdp->progs.anyport_xdp), 0,
			     NULL),
	     "attach");
}

void kernel_open(void)
{
	int rc = door_open(&door, DOOR_XDP, TWIN_ENTRIES);

	errno = -rc;
	must(!rc, "the programs do not load");
	door.generation = 1; /* the other slot; the first has been filled */
	for (int proto = 0; proto < AP_PROTOS; proto++)
		door_policy(&door, proto, 0, 65535, 0, 0);
	service(SOCK_DGRAM, SERVICE_UDP);
	service(SOCK_STREAM, SERVICE_TCP);
	listener = cookie_of(service(SOCK_STREAM, TARGET));
	attach();
	can_split = door_can_split(&door);
}

/* ---- a story ------------------------------------------------------------*/

/* In turns: IPv4, IPv6. */
static const struct {
	const char *map;
	uint32_t at;
} segments[] = {
	{ "flows4", 0 }, { "flows6", 0 }, { "flows4", 1 },
	{ "flows6", 1 }, { "half4", 0 },  { "half6", 0 },
};
#define N_SEGMENTS (int)(sizeof(segments) / sizeof(segments[0]))
static uint8_t zeroes[sizeof(struct ap_segment6)];

/* What the last story has looked at: the twin still knows. */
static void clear(const char *map)
{
	const uint32_t *index;
	size_t n = twin_touched(map, &index);

	while (n--)
		put(map, index[n], zeroes);
}

static void empty(const char *map)
{
	int fd = door_map(&door, map);
	uint8_t key[64];

	while (!bpf_map_get_next_key(fd, NULL, key))
		must(!bpf_map_delete_elem(fd, key), map);
}

static void forget_sockets(void)
{
	int fd = door_map(&door, "sockets");

	for (uint32_t at = 0; at < AP_SOCKETS; at++)
		if (*(uint64_t *)twin_at("sockets", at))
			(void)bpf_map_delete_elem(fd, &at);
}

static void reset(enum door_mode mode)
{
	door.mode = mode;
	put("secret", 0, twin_at("secret", 0));
	put("spread", 0, twin_at("spread", 0));
	for (int i = 0; i < N_SEGMENTS; i++)
		put(segments[i].map, segments[i].at, zeroes);
	for (uint32_t i = 0; i < AP_CLASSES; i++)
		put("budgets", i, zeroes);
	empty("nat4");
	empty("nat6");
	for (int i = 0; i < AP_C_MAX; i++)
		counted[i] = door_count(&door, i);
}

static void configure(void)
{
	uint32_t generation = setup.active.generation;

	for (int i = 0; i < N_ROLES; i++) {
		struct ap_policy policy = setup_policy(&setup.role[i]);

		for (int proto = 0; proto < AP_PROTOS; proto++)
			put("policy",
			    AP_POLICY_INDEX(generation, proto,
					    setup.role[i].port),
			    &policy);
	}
	door.config = setup.config;
	door.generation = generation;
	door_configure(&door);
}

/* Newer kernels refuse a test run of tc with less than an IP header. */
static bool can_run(enum way way, const struct frame *f)
{
	size_t need = 15;

	if (way == WAY_IN && door.mode == DOOR_XDP)
		return f->len >= 14;
	if (f->len >= 14 && f->data[12] == 0x08 && !f->data[13])
		need = 34;
	if (f->len >= 14 && f->data[12] == 0x86 && f->data[13] == 0xdd)
		need = 54;
	return f->len >= need;
}

/*
 * tc's test runs make one piece of what they take. XDP's leave what does not
 * fit on a page, with room before and behind it; where exactly that ends makes
 * no difference, since no headers are so long.
 */
static size_t split(enum way way, const struct frame *in, size_t linear)
{
	if (way != WAY_IN || door.mode == DOOR_TC)
		return in->len;
	if (!can_split)
		linear = in->len;
	return linear > PIECE ? PIECE : linear;
}

static enum verdict run(enum way way, const struct frame *in, size_t linear,
			struct frame *out)
{
	if (!can_run(way, in)) {
		memcpy(out->data, in->data, in->len);
		out->len = in->len;
		return PASSED;
	}
	if (way != WAY_IN)
		return door_out(&door, in, way == WAY_FORWARDED, out);
	return can_split && linear < in->len
		       ? door_in_split(&door, in, linear, out)
		       : door_in(&door, in, out);
}

static uint16_t connection(const struct bpf_sk_lookup *lookup)
{
	struct bpf_sk_lookup ctx = *lookup;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .ctx_out = &ctx,
		    .ctx_size_out = sizeof(ctx));
	int fd = bpf_program__fd(door.lookup->progs.anyport_lookup);

	must(!bpf_prog_test_run_opts(fd, &opts) && opts.retval == SK_PASS,
	     "lookup");
	if (!ctx.cookie)
		return 0;
	return ctx.cookie == listener ? TARGET : 1; /* 1: whoever that is */
}

static void crowd(void)
{
	const struct ap_spread *twin = twin_at("spread", 0);
	struct ap_spread here[2];

	take("spread", 0, here);
	for (int v6 = 0; v6 < 2; v6++)
		here[v6].crowded = twin[v6].crowded;
	put("spread", 0, here);
}

/* ---- time ---------------------------------------------------------------*/

/* The flows of a segment, of whatever family. */
static struct ap_flow *flow_at(void *segment, int which, uint32_t i)
{
	struct ap_segment4 *s4 = segment;
	struct ap_segment6 *s6 = segment;

	if (which & 1)
		return i < AP_BUCKETS * AP_WAYS6 ? &s6->bucket[i / AP_WAYS6]
							    .way[i % AP_WAYS6]
							    .flow
						 : NULL;
	return i < AP_BUCKETS * AP_WAYS4
		       ? &s4->bucket[i / AP_WAYS4].way[i % AP_WAYS4].flow
		       : NULL;
}

static void age_tuples(const char *map, uint32_t ticks)
{
	int fd = door_map(&door, map);
	uint8_t key[64], *last = NULL;
	uint32_t seen;

	while (!bpf_map_get_next_key(fd, last, key)) {
		last = key;
		must(!bpf_map_lookup_elem(fd, key, &seen), map);
		seen -= ticks;
		must(!bpf_map_update_elem(fd, key, &seen, 0), map);
	}
}

static void age_limiter(uint32_t ticks)
{
	uint64_t ns = (uint64_t)ticks << AP_TICK_SHIFT;
	struct ap_prefix prefix;
	struct ap_bucket bucket;
	const uint32_t *index;
	size_t n = twin_touched("prefixes", &index);

	for (uint32_t i = 0; i < AP_CLASSES; i++) {
		take("budgets", i, &bucket);
		bucket.all -= bucket.all ? ns : 0;
		bucket.reserve -= bucket.reserve ? ns : 0;
		put("budgets", i, &bucket);
	}
	while (n--) {
		take("prefixes", index[n], &prefix);
		for (int i = 0; i < AP_CLASSES; i++)
			prefix.taken[i] -= prefix.taken[i] ? ns : 0;
		prefix.known -= prefix.known ? ticks : 0;
		put("prefixes", index[n], &prefix);
	}
}

static void age_spread(uint32_t ticks)
{
	struct ap_spread here[2];

	take("spread", 0, here);
	here[0].since -= ticks;
	here[1].since -= ticks;
	put("spread", 0, here);
}

/* The twin's clock goes on; here everything becomes older. */
static void some_time(uint32_t ticks)
{
	static uint8_t segment[sizeof(struct ap_segment6)];
	struct ap_flow *flow;

	for (int which = 0; which < N_SEGMENTS; which++) {
		take(segments[which].map, segments[which].at, segment);
		for (uint32_t i = 0; (flow = flow_at(segment, which, i)); i++) {
			flow->seen -= ticks;
			flow->known -= ticks >> 6;
		}
		put(segments[which].map, segments[which].at, segment);
	}
	age_tuples("nat4", ticks);
	age_tuples("nat6", ticks);
	age_limiter(ticks);
	age_spread(ticks);
}

/* ---- and at its end -----------------------------------------------------*/

/* All but the times. */
static void same_flows(int which)
{
	static uint8_t here[sizeof(struct ap_segment6)], twin[sizeof(here)];
	size_t size = which & 1 ? sizeof(struct ap_segment6)
				: sizeof(struct ap_segment4);
	struct ap_flow *flow;

	take(segments[which].map, segments[which].at, here);
	memcpy(twin, twin_at(segments[which].map, segments[which].at), size);
	for (uint32_t i = 0; (flow = flow_at(here, which, i)); i++)
		flow->seen = flow->known = 0;
	for (uint32_t i = 0; (flow = flow_at(twin, which, i)); i++)
		flow->seen = flow->known = 0;
	errno = 0;
	must(!memcmp(here, twin, size), segments[which].map);
}

static void same_counters(void)
{
	for (int i = 0; i < AP_C_MAX; i++) {
		uint64_t here = door_count(&door, i) - counted[i];
		uint64_t twin = *(uint64_t *)twin_at("counters", i);

		if (here == twin)
			continue;
		printf("# counter %d: %lu, of the twin %lu\n", i,
		       (unsigned long)here, (unsigned long)twin);
		fflush(stdout);
		abort();
	}
}

static void same_spread(void)
{
	struct ap_spread here[2], twin[2];

	take("spread", 0, here);
	memcpy(twin, twin_at("spread", 0), sizeof(twin));
	for (int v6 = 0; v6 < 2; v6++)
		here[v6].since = twin[v6].since = 0;
	errno = 0;
	must(!memcmp(here, twin, sizeof(here)), "spread");
}

static void end_of_story(void)
{
	for (int which = 0; which < N_SEGMENTS; which++)
		same_flows(which);
	same_spread();
	errno = 0;
	must(door_table(&door, "nat4", NULL) == twin_tuples("nat4"), "nat4");
	must(door_table(&door, "nat6", NULL) == twin_tuples("nat6"), "nat6");
	same_counters();
	clear("prefixes");
	clear("known");
	clear("aliased");
	clear("listeners");
	forget_sockets();
}

const struct mirror kernel = {
	.reset = reset,
	.configure = configure,
	.split = split,
	.run = run,
	.connect = connection,
	.crowd = crowd,
	.wait = some_time,
	.end = end_of_story,
};
