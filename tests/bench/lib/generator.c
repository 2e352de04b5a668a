/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Live-frames test runs of live/gen.bpf.c. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "../live/gen.h"
#include "calm.h"
#include "figure.h"
#include "generator.h"

#define MEMBERS4 "0.0.0.0"
#define MEMBERS6 "2001:db8::1"
#define BATCH    64
#define PARTS    25  /* of a turn */
#define BURST    256 /* few enough for the half-open tier's buckets */

static int program, map;

/*
 * Before a test run the kernel puts the program into the dispatcher of XDP,
 * after it takes it out, and each time it waits for RCU, some 20 ms. Not so for
 * one that is in it already, as those of interfaces are.
 */
static void hold_program(void)
{
	int ifindex = (int)if_nametoindex("hold");

	if (!ifindex ||
	    bpf_xdp_attach(ifindex, program, XDP_FLAGS_DRV_MODE, NULL))
		err(1, "interface hold");
}

void generator_open(const char *object)
{
	struct bpf_object *o = bpf_object__open_file(object, NULL);

	if (!o || bpf_object__load(o))
		errx(1, "%s: cannot load it", object);
	program = bpf_program__fd(
		bpf_object__find_program_by_name(o, "generate"));
	map = bpf_object__find_map_fd_by_name(o, "gen");
	if (program < 0 || map < 0)
		errx(1, "%s: it is another program", object);
	hold_program();
}

static void template(struct frame *frame, const struct path *p,
		     const struct traffic *t)
{
	static uint8_t payload[1500];
	size_t headers = ETH_HLEN + sizeof(struct udphdr) +
			 (t->v6 ? sizeof(struct ip6_hdr) : sizeof(struct ip));
	struct packet packet = {
		.src = end(t->v6 ? MEMBERS6 : MEMBERS4, 0),
		.dst = p->door[t->v6],
		.payload = payload,
		.len = t->length - headers,
	};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i + 1);
	payload[0] = (t->payload == PAYLOAD_DATA ? 9 : 7) << 3;
	frame_build(frame, &packet);
}

/* The sum of what TEMPLATE's checksum, at AT, was made of. */
static uint32_t sum_behind(const struct frame *frame, size_t at)
{
	uint16_t check;

	memcpy(&check, frame->data + at, sizeof(check));
	return (uint16_t)~check;
}

static void configure(const struct path *p, const struct traffic *t,
		      const struct frame *frame)
{
	size_t l4 = ETH_HLEN + (t->v6 ? 40 : 20);
	struct gen gen = {
		.at = t->at,
		.flows = t->flows,
		.first = t->first,
		.ifindex = p->ifindex,
		.dialled = htons(p->door[t->v6].port),
		.v6 = t->v6,
		.sum_l3 = t->v6 ? 0 : sum_behind(frame, ETH_HLEN + 10),
		.sum_l4 = sum_behind(frame, l4 + 6),
	};
	uint32_t zero = 0;

	if (bpf_map_update_elem(map, &zero, &gen, BPF_ANY))
		err(1, "the generator's map");
}

double generator_send(const struct path *p, struct traffic *t, unsigned int n)
{
	static struct frame frame;
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = frame.data,
		.repeat = (int)n,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		.batch_size = BATCH,
	};
	struct gen gen;
	uint32_t zero = 0;

	template(&frame, p, t);
	opts.data_size_in = (uint32_t)frame.len;
	configure(p, t, &frame);
	if (bpf_prog_test_run_opts(program, &opts))
		err(1, "live frames");
	if (bpf_map_lookup_elem(map, &zero, &gen))
		err(1, "the generator's map");
	t->at = gen.at;
	return opts.duration;
}

struct run {
	const struct path *path;
	struct traffic *traffic;
	unsigned int n;
	send_packets *send;
};

static double run(void *arg)
{
	const struct run *r = arg;

	return r->send(r->path, r->traffic, r->n);
}

double generator_turn(const struct path *p, struct traffic *t, unsigned int n,
		      send_packets *send, uint64_t *sent)
{
	struct run r = { p, t, n / PARTS ?: 1, send };
	unsigned int warm = t->flows > r.n ? t->flows : r.n, runs = 0;
	double ns;

	(void)send(p, t, warm);
	ns = calm_median(run, &r, &runs);
	*sent += warm + (uint64_t)r.n * runs;
	return ns;
}

void generator_establish(const struct path *p, const struct traffic *t)
{
	struct traffic first = *t;
	uint32_t left, n, answered;

	first.payload = PAYLOAD_RESET;
	first.length = 100; /* the shortest is as good */
	first.at = 0;
	for (left = t->flows; left; left -= n) {
		n = left < BURST ? left : BURST;
		(void)generator_send(p, &first, n);
		answered = path_answer(p, t->v6);
		if (answered != n)
			errx(1, "%s: of %u first packets %u reached the server",
			     p->name, n, answered);
	}
}

struct end generator_member(const struct traffic *t, uint32_t n)
{
	struct end e = end(t->v6 ? MEMBERS6 : MEMBERS4, GEN_PORT(n));
	uint32_t source = htonl(GEN_SOURCE(t->first, n));

	memcpy(e.ip + (t->v6 ? 4 : 0), &source, sizeof(source));
	return e;
}
