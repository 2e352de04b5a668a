/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * flood [-k reset|mixed|syn] [-r RATE] FLOOD.BPF.O DEVICE MAC SECONDS ADDRESS
 * [ADDRESS]: sends as many packets as one processor can make (or RATE a second)
 * from forged sources to any port of ADDRESS, one of IPv4 or one of each
 * family, out of DEVICE to MAC. reset: first packets of OpenVPN; mixed: also
 * control packets and data; syn: TCP. Prints how many and in how many seconds;
 * ends early, and says the same, on SIGINT or SIGTERM.
 *
 * By live frames: the device's peer must be able to take redirected frames (an
 * XDP program, or GRO on, on a veth), and takes them in on this processor.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flood.h"
#include "packet.h"

#define CHUNK 8192 /* packets of one family in a row */

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint16_t negative(const struct frame *f, size_t at)
{
	uint16_t word;

	memcpy(&word, f->data + at, sizeof(word));
	return (uint16_t)~word;
}

/* What TCP's or UDP's checksum covers without what the program fills in. */
static uint32_t base_sum(const struct frame *f, size_t l4, bool tcp)
{
	if (!tcp)
		return negative(f, l4 + 6);
	return (uint32_t)negative(f, l4 + 16) + negative(f, l4 + 4) +
	       negative(f, l4 + 6);
}

static void template(struct frame *f, struct flood_plan *plan,
		     const char *address, const char *kind,
		     const struct ether_addr *mac)
{
	static const uint8_t payload[54]; /* as with tls-crypt */
	bool v6 = strchr(address, ':'), syn = !strcmp(kind, "syn");
	struct packet p = {
		.src = end(v6 ? "2a00::1" : "0.0.0.0", 0),
		.dst = end(address, 0),
		.proto = syn ? IPPROTO_TCP : IPPROTO_UDP,
		.flags = 2,
		.payload = payload,
		.len = syn ? 0 : sizeof(payload),
	};
	struct view v;

	frame_build(f, &p);
	if (!frame_view(f, &v))
		errx(1, "%s: no frame", address);
	*(v6 ? &plan->sum6 : &plan->sum4) = base_sum(f, v.l4, syn);
	if (!v6)
		plan->ip_sum = negative(f, v.l3 + 10);
	memcpy(f->data, mac, sizeof(*mac));
}

static int load(const char *path, const struct flood_plan *plan)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!object)
		err(1, "%s", path);
	map = bpf_object__find_map_by_name(object, ".rodata");
	if (!map || bpf_map__set_initial_value(map, plan, sizeof(*plan)) ||
	    bpf_object__load(object))
		errx(1, "%s: cannot be loaded", path);
	return bpf_program__fd(
		bpf_object__find_program_by_name(object, "flood"));
}

static void send_chunk(int prog, const struct frame *frame)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = frame->data,
		.data_size_in = (uint32_t)frame->len,
		.repeat = CHUNK,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
	};

	if (bpf_prog_test_run_opts(prog, &opts) && errno != EINTR)
		err(1, "live frames");
}

/* Waits until SENT packets are no more than RATE a second since START. */
static void pace(double start, uint64_t sent, double rate)
{
	double ahead = (double)sent / rate - (now() - start);

	if (ahead > 0)
		(void)usleep((useconds_t)(ahead * 1e6));
}

static void flood(int prog, const struct frame *frames, unsigned int n,
		  double seconds, double rate)
{
	double start = now();
	uint64_t sent = 0;
	unsigned int at;

	for (at = 0; !stopped && now() - start < seconds; at = (at + 1) % n) {
		send_chunk(prog, &frames[at]);
		sent += CHUNK;
		if (rate > 0)
			pace(start, sent, rate);
	}
	printf("%llu packets in %.2f s\n", (unsigned long long)sent,
	       now() - start);
}

static void usage(void)
{
	errx(2, "usage: flood [-k reset|mixed|syn] [-r RATE] FLOOD.BPF.O "
		"DEVICE MAC SECONDS ADDRESS [ADDRESS]");
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = stop };
	struct flood_plan plan = { .seed = (uint64_t)time(NULL) << 32 };
	static struct frame frames[2];
	const char *kind = "reset";
	struct ether_addr *mac;
	unsigned int n = 0;
	double rate = 0;
	int option;

	while ((option = getopt(argc, argv, "k:r:")) != -1) {
		switch (option) {
		case 'k': kind = optarg; break;
		case 'r': rate = atof(optarg); break;
		default: usage();
		}
	}
	argv += optind;
	argc -= optind;
	if (argc < 5 || argc > 6)
		usage();
	plan.ifindex = if_nametoindex(argv[1]);
	plan.mixed = !strcmp(kind, "mixed");
	mac = ether_aton(argv[2]);
	if (!plan.ifindex || !mac)
		errx(1, "%s to %s: no such way", argv[1], argv[2]);
	for (; n < (unsigned int)argc - 4; n++)
		template(&frames[n], &plan, argv[4 + n], kind, mac);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	flood(load(argv[0], &plan), frames, n, atof(argv[3]), rate);
	return 0;
}
