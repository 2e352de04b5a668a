/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* What a cmocka test expects of the door. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"

struct door door;

static void check(bool ok, const char *what, struct where here)
{
	_assert_true(ok, what, here.file, here.line);
}

static const char *counter_name(enum ap_counter counter)
{
	static const char *const name[] = {
#define X(name, text) #name,
		AP_COUNTERS(X)
#undef X
	};

	return name[counter];
}

static void snapshot(struct door *d, uint64_t count[AP_C_MAX])
{
	int i;

	for (i = 0; i < AP_C_MAX; i++)
		count[i] = door_count(d, i);
}

static bool is_reason(enum ap_counter c)
{
	const char *name = counter_name(c);

	return !strncmp(name, "pass_", 5) || !strncmp(name, "drop_", 5);
}

static void check_counted(struct door *d, const uint64_t before[AP_C_MAX],
			  enum ap_counter counter, struct where here)
{
	uint64_t after[AP_C_MAX], want;
	bool ok = true;
	int i;

	snapshot(d, after);
	for (i = 0; i < AP_C_MAX; i++) {
		if (i != (int)counter && counter != NO_COUNTER && !is_reason(i))
			continue;
		want = before[i] + (i == (int)counter);
		if (after[i] == want)
			continue;
		ok = false;
		printf("# counter %s rose by %ld, not %d\n", counter_name(i),
		       (long)(after[i] - before[i]), i == (int)counter);
	}
	check(ok, "counted as expected", here);
}

static void check_frame(const struct frame *got, const struct frame *want,
			const char *what, struct where here)
{
	if (!frame_equal(got, want))
		frame_diff(got, want);
	check(frame_equal(got, want), what, here);
}

void expect_frame_in_(struct door *d, const struct frame *in,
		      const struct frame *want, struct where here)
{
	static struct frame got;
	enum verdict verdict = door_in(d, in, &got);

	check(verdict == PASSED, "packet passes", here);
	check_frame(&got, want, "packet as expected", here);
}

void expect_frame_left_(struct door *d, const struct frame *in,
			enum ap_counter counter, struct where here)
{
	uint64_t before[AP_C_MAX];

	snapshot(d, before);
	expect_frame_in_(d, in, in, here);
	check_counted(d, before, counter, here);
}

void expect_frame_drop_(struct door *d, const struct frame *in,
			enum ap_counter counter, struct where here)
{
	static struct frame got;
	uint64_t before[AP_C_MAX];

	snapshot(d, before);
	check(door_in(d, in, &got) == DROPPED, "packet is dropped", here);
	check_counted(d, before, counter, here);
}

void expect_frame_out_(struct door *d, const struct frame *in, bool forwarded,
		       const struct frame *want, struct where here)
{
	static struct frame got;
	enum verdict verdict = door_out(d, in, forwarded, &got);

	check(verdict == PASSED, "packet leaves", here);
	check_frame(&got, want, "packet leaves as expected", here);
}

void expect_in_(struct door *d, const struct packet *in,
		const struct packet *want, struct where here)
{
	static struct frame a, b;

	frame_build(&a, in);
	frame_build(&b, want);
	expect_frame_in_(d, &a, &b, here);
}

void expect_left_(struct door *d, const struct packet *in,
		  enum ap_counter counter, struct where here)
{
	static struct frame a;

	frame_build(&a, in);
	expect_frame_left_(d, &a, counter, here);
}

void expect_drop_(struct door *d, const struct packet *in,
		  enum ap_counter counter, struct where here)
{
	static struct frame a;

	frame_build(&a, in);
	expect_frame_drop_(d, &a, counter, here);
}

void expect_out_(struct door *d, const struct packet *in, bool forwarded,
		 const struct packet *want, struct where here)
{
	static struct frame a, b;

	frame_build(&a, in);
	frame_build(&b, want);
	expect_frame_out_(d, &a, forwarded, &b, here);
}

struct packet datagram(struct end src, struct end dst, const struct golden *g)
{
	return (struct packet){
		.src = src, .dst = dst, .payload = g->data, .len = g->len
	};
}

uint16_t target_of(uint16_t dialled)
{
	return dialled == DIALLED || dialled == MAPPED ? MAPPED : TARGET;
}

struct end say_(struct door *d, struct end member, struct end dialled,
		const struct golden *g, struct where here)
{
	struct packet in = datagram(member, dialled, g), want = in;
	static struct frame a, b, got;
	enum verdict verdict;
	struct view v = { 0 };

	frame_build(&a, &in);
	verdict = door_in(d, &a, &got);
	check(verdict == PASSED, "packet passes", here);
	check(frame_view(&got, &v), "packet is whole", here);
	want.src.port = v.src.port;
	want.dst.port = target_of(dialled.port);
	frame_build(&b, &want);
	check_frame(&got, &b, "packet is rewritten", here);
	return want.src;
}

void answer_(struct door *d, struct end seen, struct end dialled,
	     const struct golden *g, struct end member, struct where here)
{
	struct end from = with_port(dialled, target_of(dialled.port));
	struct packet out = datagram(from, seen, g);
	struct packet want = datagram(dialled, member, g);

	expect_out_(d, &out, false, &want, here);
}

struct end establish_(struct door *d, struct end member, struct end dialled,
		      struct where here)
{
	struct end seen, again;

	seen = say_(d, member, dialled, &golden_first[0], here);
	answer_(d, seen, dialled, &golden_reply_reset, member, here);
	again = say_(d, member, dialled, &golden_control, here);
	check(again.port == seen.port, "the peer stays the same", here);
	answer_(d, seen, dialled, &golden_reply_control, member, here);
	answer_(d, seen, dialled, &golden_reply_data, member, here);
	check(door_flow(d, seen, target_of(dialled.port), NULL) == ESTABLISHED,
	      "flow is established", here);
	return seen;
}

static enum door_mode both_mode;

static int both_setup(void **state)
{
	(void)state;
	return door_open(&door, both_mode, 0);
}

static int both_teardown(void **state)
{
	(void)state;
	door_close(&door);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	door_reset(&door);
	return 0;
}

void print_req(const char *req)
{
	while (*req) {
		printf("req %.*s\n", (int)strcspn(req, " "), req);
		req += strcspn(req, " ");
		req += strspn(req, " ");
	}
}

int run_both(const struct CMUnitTest *tests, size_t n, const char *req)
{
	static const char *const where[] = { "xdp", "tc" };
	struct CMUnitTest named[64];
	char name[64][96];
	int failed = 0;
	size_t i;

	for (both_mode = DOOR_XDP; both_mode <= DOOR_TC; both_mode++) {
		for (i = 0; i < n && i < 64; i++) {
			named[i] = tests[i];
			snprintf(name[i], sizeof(name[i]), "%s: %s",
				 where[both_mode], tests[i].name);
			named[i].name = name[i];
			named[i].setup_func = fresh;
		}
		failed += _cmocka_run_group_tests(where[both_mode], named, i,
						  both_setup, both_teardown);
	}
	if (!failed)
		print_req(req);
	return failed;
}
