/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * flood [-k reset|mixed|syn] [-r RATE] FLOOD.BPF.O DEVICE MAC SECONDS ADDRESS
 * [ADDRESS]: sends as many packets as one processor can make (or RATE a second)
 * from forged sources to any port of ADDRESS, one or two of them in turns, out
 * of DEVICE to MAC. reset: first packets of OpenVPN; mixed: also control
 * packets and data; syn: TCP. Prints how many in how many seconds; ends early,
 * and says the same, on SIGINT or SIGTERM.
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

#define PACED 0.05 /* seconds of packets in a row, where there is a RATE */

static struct flood_plan plan = { .frames = 1 };
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
	(void)alarm(1); /* again, should the run not have begun yet */
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

static void template(unsigned int n, const char *address, bool syn,
		     const struct ether_addr *mac)
{
	static const uint8_t payload[54]; /* as with tls-crypt */
	bool v6 = strchr(address, ':');
	struct packet p = {
		.src = end(v6 ? "2a00::1" : "0.0.0.0", 0),
		.dst = end(address, 0),
		.proto = syn ? IPPROTO_TCP : IPPROTO_UDP,
		.flags = 2,
		.payload = payload,
		.len = syn ? 0 : sizeof(payload),
	};
	struct frame f;
	struct view v;

	frame_build(&f, &p);
	if (!frame_view(&f, &v) || f.len > FLOOD_FRAME)
		errx(1, "%s: no frame", address);
	plan.sum[n] = base_sum(&f, v.l4, syn);
	plan.ip_sum[n] = negative(&f, v.l3 + 10);
	memcpy(f.data, mac, sizeof(*mac));
	memcpy(plan.frame[n], f.data, f.len);
}

static struct bpf_object *load(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!object)
		err(1, "%s", path);
	map = bpf_object__find_map_by_name(object, ".rodata");
	if (!map || bpf_map__set_initial_value(map, &plan, sizeof(plan)) ||
	    bpf_object__load(object))
		errx(1, "%s: cannot be loaded", path);
	return object;
}

/* Until REPEAT frames are sent or a signal comes. */
static void run(struct bpf_object *object, uint32_t repeat)
{
	static uint8_t any[FLOOD_FRAME];
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = any,
		.data_size_in = sizeof(any),
		.repeat = (int)repeat,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
	};
	int prog = bpf_program__fd(
		bpf_object__find_program_by_name(object, "flood"));

	if (bpf_prog_test_run_opts(prog, &opts) && errno != EINTR)
		err(1, "live frames");
}

static uint64_t made(struct bpf_object *object)
{
	struct flood_state state;
	uint32_t zero = 0;
	int map = bpf_object__find_map_fd_by_name(object, ".bss");

	if (bpf_map_lookup_elem(map, &zero, &state))
		err(1, ".bss");
	return state.made;
}

static void flood(struct bpf_object *object, double rate)
{
	double start = now(), ahead;

	while (!stopped) {
		run(object,
		    rate > 0 ? (uint32_t)(rate * PACED) + 1 : UINT32_MAX);
		ahead = rate > 0 ? (double)made(object) / rate - (now() - start)
				 : 0;
		if (ahead > 0)
			(void)usleep((useconds_t)(ahead * 1e6));
	}
	printf("%llu packets in %.2f s\n", (unsigned long long)made(object),
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
	const char *kind = "reset";
	struct ether_addr *mac;
	struct bpf_object *object;
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
	plan.seed = (uint64_t)time(NULL) << 32;
	mac = ether_aton(argv[2]);
	if (!plan.ifindex || !mac)
		errx(1, "%s to %s: no such way", argv[1], argv[2]);
	for (; plan.frames <= (unsigned int)argc - 4; plan.frames++)
		template(plan.frames - 1, argv[3 + plan.frames],
			 !strcmp(kind, "syn"), mac);
	plan.frames--;
	object = load(argv[0]);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)alarm((unsigned int)atoi(argv[3]));
	flood(object, rate);
	bpf_object__close(object);
	return 0;
}
