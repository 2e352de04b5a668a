/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * program ROTATE.BPF.O: the XDP program alone, ns per packet by test runs above
 * an empty program, each run given a fresh packet of the next flow; beside it
 * one bare look-up in the kernel's LRU hash. Many short rounds on one
 * processor, interleaved: on a busy machine the lower quantiles say most.
 *
 * A second argument measures only what has it in its name.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <float.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h" /* door.h of the tests */
#include "rotate.h"
#include "xdp.skel.h"

#define ROUNDS (BLOCKS / PROGRAMS)
#define RUNS   40

struct door door; /* of expect.h */
static struct bpf_object *rotate;
static const char *wanted = "";

static int map(const char *name)
{
	return bpf_object__find_map_fd_by_name(rotate, name);
}

static int program(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(rotate, name));
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run(const struct frame *frame, uint32_t flows)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = frame->data,
		.data_size_in = frame->len,
		.repeat = BLOCK * BLOCKS + 1, /* the last one ends a block */
	};
	/* the last first: what ends before the first block is not kept */
	struct turn turn = { .flows = flows, .program = PROGRAMS - 1 };
	uint32_t zero = 0;

	if (bpf_map_update_elem(map("turns"), &zero, &turn, BPF_ANY) ||
	    bpf_prog_test_run_opts(program("rotate"), &opts)) {
		perror("test run");
		exit(1);
	}
}

/* Nanoseconds per packet, of the blocks that are kept. */
struct kept {
	size_t n;
	double ns[PROGRAMS][RUNS * ROUNDS];
};

static double block_ns(uint32_t block)
{
	uint32_t ns = 0;

	bpf_map_lookup_elem(map("times"), &block, &ns);
	return (double)ns / BLOCK;
}

/*
 * Keeps the rounds in which nobody else had the core (see lib/calm.h): the
 * empty program was as quick as it ever is in CALM, and so it was in the next
 * round.
 */
static void keep(struct kept *kept, double calm)
{
	double this = block_ns(EMPTY), next;

	for (uint32_t i = 0; i + 1 < ROUNDS; i++, this = next) {
		next = block_ns((i + 1) * PROGRAMS + EMPTY);
		if (this > calm || next > calm)
			continue;
		for (enum which which = 0; which < PROGRAMS; which++)
			kept->ns[which][kept->n] =
				block_ns(i * PROGRAMS + which);
		kept->n++;
	}
}

/* Of the empty program: what a tenth of the rounds stay below, and a little. */
static double calm_ns(void)
{
	static double t[ROUNDS];

	for (uint32_t i = 0; i < ROUNDS; i++)
		t[i] = block_ns(i * PROGRAMS + EMPTY);
	qsort(t, ROUNDS, sizeof(*t), by_size);
	return t[ROUNDS / 10] * 1.1;
}

/* Flow N, as rotate makes it, established; also in the bare table. */
static void establish_nth(uint32_t n, bool v6)
{
	uint32_t low = htonl(0xcb007100 + (n >> 15));
	struct end member =
		end(v6 ? "2001:db8:2::" : "203.0.113.0", 1024 + (n & 0x7fff));
	uint64_t key = (uint64_t)htons(member.port) << 32 | low;
	uint64_t value[2] = { 0 };

	memcpy(member.ip + (v6 ? 12 : 0), &low, sizeof(low));
	door_put_member(&door, member);
	bpf_map_update_elem(map("table"), &key, value, BPF_ANY);
}

static void run_calmly(const struct frame *frame, uint32_t flows, bool v6,
		       struct kept *kept)
{
	static double calm[2]; /* the least so far, by family */
	bool unknown = !calm[v6];
	double this;

	kept->n = 0;
	for (int i = 0; i < RUNS && (unknown || kept->n < ROUNDS); i++) {
		run(frame, flows);
		this = calm_ns();
		if (!calm[v6] || this < calm[v6]) {
			calm[v6] = this;
			kept->n = 0; /* all that came before was disturbed */
		}
		keep(kept, calm[v6]);
	}
	if (!kept->n) /* never: what there is, then */
		keep(kept, DBL_MAX);
	for (enum which which = 0; which < PROGRAMS; which++)
		qsort(kept->ns[which], kept->n, sizeof(double), by_size);
}

static void print(const char *name, const struct kept *kept)
{
	static const int percent[] = { 10, 25, 50 };

	printf("%-30s", name);
	for (enum which which = PROGRAMS - 1; which > EMPTY; which--) {
		for (int i = 0; i < 3; i++) {
			size_t at = kept->n * (size_t)percent[i] / 100;

			printf("%6.1f",
			       kept->ns[which][at] - kept->ns[EMPTY][at]);
		}
		printf("   ");
	}
	printf("\n");
}

/* What the rounds must have been, or the figure is of something else. */
static int assert_count(enum ap_counter counter, uint64_t least)
{
	uint64_t got = door_count(&door, counter);

	if (got >= least)
		return 0;
	fprintf(stderr, "  %lu packets of the kind measured, not %lu\n",
		(unsigned long)got, (unsigned long)least);
	return 1;
}

/* FLOWS established flows; 0: every packet makes a new one. */
static int measure(const char *name, const char *door_ip, uint32_t flows)
{
	static const uint8_t data[40] = { 0x48, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t reset[40] = { 0x38, 1, 2, 3, 4, 5, 6, 7, 8 };
	bool v6 = strchr(door_ip, ':');
	struct packet packet = {
		.src = end(v6 ? "2001:db8:2::" : "203.0.113.0", 1024),
		.dst = end(door_ip, 443),
		.payload = flows ? data : reset,
		.len = sizeof(data),
	};
	static struct kept kept;
	struct frame frame;
	uint32_t i;

	if (!strstr(name, wanted))
		return 0;
	door_reset(&door);
	frame_build(&frame, &packet);
	for (i = 0; i < flows; i++)
		establish_nth(i, v6);
	run_calmly(&frame, flows, v6, &kept);
	print(name, &kept);
	if (strstr(name, "not for"))
		return 0;
	return flows ? assert_count(AP_C_udp_established,
				    (uint64_t)ROUNDS * BLOCK)
		     : assert_count(AP_C_udp_new,
				    (uint64_t)ROUNDS * BLOCK * 99 / 100);
}

/* The hottest caches, and one clock. */
static void stay_here(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Once: a change waits for RCU. */
static int set_programs(void)
{
	const int fd[PROGRAMS] = {
		[EMPTY] = program("empty"),
		[BARE] = program("bare"),
		[DOOR] = bpf_program__fd(door.xdp->progs.anyport_xdp),
	};

	for (uint32_t i = 0; i < PROGRAMS; i++)
		if (bpf_map_update_elem(map("next"), &i, &fd[i], BPF_ANY))
			return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return 2;
	if (argc > 2)
		wanted = argv[2];
	stay_here();
	rotate = bpf_object__open_file(argv[1], NULL);
	if (!rotate || bpf_object__load(rotate) ||
	    door_open(&door, DOOR_XDP, 0) || set_programs()) {
		fprintf(stderr, "cannot load the programs: %s\n",
			strerror(errno));
		return 1;
	}
	printf("ns per packet above an empty program\n%-30s %17s    %17s\n"
	       "%-30s%6s%6s%6s   %6s%6s%6s\n",
	       "", "the door", "LRU look-up", "", "10 %", "25 %", "50 %",
	       "10 %", "25 %", "50 %");
	failed |= measure("IPv4, 1 flow", DOOR_A4, 1);
	failed |= measure("IPv4, 1,000 flows", DOOR_A4, 1000);
	failed |= measure("IPv4, 10,000 flows", DOOR_A4, 10000);
	failed |= measure("IPv6, 1,000 flows", DOOR_A6, 1000);
	failed |= measure("IPv4, not for the door", "198.51.100.77", 1000);
	failed |= measure("IPv6, not for the door", "2001:db8:1::77", 1000);
	memset(door.config.budget, 0, sizeof(door.config.budget));
	door_configure(&door);
	failed |= measure("IPv4, new flows, no limiter", DOOR_A4, 0);
	failed |= measure("IPv6, new flows, no limiter", DOOR_A6, 0);
	door_close(&door);
	bpf_object__close(rotate);
	return failed;
}
