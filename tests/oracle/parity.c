/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * parity [FILE]: what members see with the door, and what with nft's redirect:
 * the same, or a named difference. Directed sequences (from FILE, if given)
 * first, then random ones; in these nothing is excused by the kernel's age.
 *
 * PARITY_VERBOSE=1 prints everything. PARITY_SEED=N or "random",
 * PARITY_SECONDS=N, PARITY_ROUNDS=N (sequences; 0: as many as there is time
 * for), PARITY_ATTACH=native,generic,tc.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>

#include "expect.h"
#include "oracle.h"

#define HERE_DIR  "tests/oracle/"
#define FAILS_MAX 5
#define REPEATS   3
#define CHANCE    20000 /* sequences for one that differs once */

static unsigned int tests, failed;
static unsigned long ran, stepped;

__attribute__((format(printf, 2, 3))) static bool tap(bool ok, const char *text,
						      ...)
{
	va_list args;

	va_start(args, text);
	printf("%sok %u - ", ok ? "" : "not ", ++tests);
	vprintf(text, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	failed += !ok;
	return ok;
}

static const char *setting(const char *name, const char *usual)
{
	const char *value = getenv(name);

	return value && *value ? value : usual;
}

/* One processor for all, the kernel's part too: its queues are in order. */
static void pin(void)
{
	cpu_set_t all, one;
	int cpu;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (cpu = CPU_SETSIZE - 1; cpu > 0 && !CPU_ISSET(cpu, &all); cpu--)
		;
	CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void directed(const char *name, const char *attach)
{
	FILE *f = fopen(name, "re");
	struct sequence s;
	unsigned int where;
	bool ok;

	if (!f) {
		perror(name);
		abort();
	}
	while (script_read(f, &s)) {
		ok = sequence_run(&s, true, &where);
		tap(ok, "%s: %s", attach, s.name);
		ran++;
		stepped += s.n_steps;
		if (!ok)
			sequence_shrink(&s, where);
	}
	fclose(f);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The steps are the same, the members are new. */
static bool differs_again(const struct sequence *s)
{
	unsigned int i, where;

	for (i = 0; i < REPEATS; i++)
		if (!sequence_run(s, false, &where))
			return true;
	return false;
}

/*
 * What does not come again is chance: where two flows would be one, nft takes
 * any port, now and then that of a third. It stays rare.
 */
static void at_random(const char *attach, double seconds, unsigned long rounds)
{
	double until = now() + seconds;
	unsigned int fails = 0, once = 0, where;
	unsigned long n;
	struct sequence s;

	for (n = 0; (rounds ? n < rounds : now() < until) && fails < FAILS_MAX;
	     n++) {
		random_sequence(&s);
		stepped += s.n_steps;
		if (n % 500 == 499)
			conntrack_forget();
		if (sequence_run(&s, false, &where))
			continue;
		if (!differs_again(&s)) {
			once++;
			continue;
		}
		fails++;
		printf("# sequence %lu differs\n", n);
		sequence_shrink(&s, where);
	}
	ran += n;
	printf("# differed once, and then in none of %d times: %u\n", REPEATS,
	       once);
	tap(!fails && once <= 1 + n / CHANCE, "%s: %lu random sequences",
	    attach, n);
}

/* Nothing of the above would show anything if these had not happened. */
static void did_its_part(const char *attach)
{
	static const enum ap_counter counter[] = {
		AP_C_udp_new,      AP_C_udp_alias,       AP_C_udp_half_open,
		AP_C_udp_verified, AP_C_udp_established, AP_C_verified,
		AP_C_established,  AP_C_out_restored,    AP_C_out_remembered,
		AP_C_icmp_in,      AP_C_icmp_out,        AP_C_pass_local,
		AP_C_pass_policy,  AP_C_pass_remembered, AP_C_tcp_steered,
		AP_C_tcp_local,    AP_C_tcp_no_target,
	};
	struct door loaded;
	bool ok = true;
	size_t i;

	door_of(&loaded, "door");
	for (i = 0; i < sizeof(counter) / sizeof(counter[0]); i++) {
		if (door_count(&loaded, counter[i]))
			continue;
		printf("# counter %d stayed 0\n", counter[i]);
		ok = false;
	}
	tap(ok, "%s: every part of the door took part", attach);
}

static uint64_t seed(void)
{
	const char *text = setting("PARITY_SEED", "1194");
	uint64_t n;

	if (strcmp(text, "random"))
		return strtoull(text, NULL, 0);
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		abort();
	return n & 0xffffffff;
}

int main(int argc, char **argv)
{
	const char *file = argc > 1 ? argv[1] : HERE_DIR "directed";
	double seconds = atof(setting("PARITY_SECONDS", "12"));
	unsigned long rounds = strtoul(setting("PARITY_ROUNDS", "0"), NULL, 0);
	char attach[64], *next = attach, *how;
	unsigned int modes = 1;
	uint64_t from = seed();

	snprintf(attach, sizeof(attach), "%s",
		 setting("PARITY_ATTACH", "native,generic,tc"));
	for (how = attach; *how; how++)
		modes += *how == ',';
	verbose = atoi(setting("PARITY_VERBOSE", "0"));
	differences_load(HERE_DIR "differences");
	pin();
	worlds_make();
	printf("# PARITY_SEED=%llu\n", (unsigned long long)from);
	while ((how = strsep(&next, ","))) {
		random_seed(from);
		door_attach(how);
		directed(file, how);
		nat_demux_set(!differences_of_age());
		at_random(how, seconds / modes, rounds);
		nat_demux_set(true);
		if (argc < 2)
			did_its_part(how);
		door_detach();
		from++;
	}
	if (argc < 2)
		tap(!differences_unshown(true),
		    "each of %u named differences is shown by a directed "
		    "sequence",
		    differences_count());
	differences_print();
	printf("# %lu sequences, %lu steps\n1..%u\n", ran, stepped, tests);
	if (!failed)
		print_req("5 6 16");
	return failed ? 1 : 0;
}
