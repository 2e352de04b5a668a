/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Requirement 7 by the clock: a mapping that nobody uses lives for two minutes
 * and more, five by default, whoever breaks the silence.
 */
#include <errno.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

#include "matrix.h"

#define N_AFTER 3
static const int after[N_AFTER] = { 125, 290, 320 }; /* seconds */

/* One for each silence, each way to break it, each family; every second one
 * has an alias. */
static struct idle {
	int fd;
	struct end dialled, seen;
} idle[N_AFTER][2][2];
static struct timespec begun;

static void begin(struct idle *m, int v, uint16_t port)
{
	struct end member = end(v ? MEMBER_A6 : MEMBER_A4, port);
	uint16_t dial = 443;

	m->fd = udp_at("mem", member);
	if (port & 1) {
		exchange(m->fd, end(v ? DOOR_A6 : DOOR_A4, dial),
			 &golden_first[0], &golden_reply_reset);
		dial = 53;
	}
	m->dialled = end(v ? DOOR_A6 : DOOR_A4, dial);
	exchange(m->fd, m->dialled, &golden_first[0], &golden_reply_reset);
	exchange(m->fd, m->dialled, &golden_control, &golden_reply_control);
	m->seen = exchange(m->fd, m->dialled, &golden_data, &golden_reply_data);
	assert_int_equal(port & 1, m->seen.port != port);
}

static void wait_until(int seconds)
{
	struct timespec t = begun;

	t.tv_sec += seconds;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) ==
	       EINTR)
		;
}

/* The port that the server's data comes to the member from. */
static uint16_t server_speaks(const struct idle *m)
{
	uint8_t data[512];
	struct end from;

	server_send(with_port(m->dialled, TARGET), m->seen,
		    golden_reply_data.data, golden_reply_data.len);
	assert_int_equal(udp_recv(m->fd, &from, data, sizeof(data), 2000),
			 golden_reply_data.len);
	return from.port;
}

static void member_speaks(const struct idle *m)
{
	assert_true(end_equal(exchange(m->fd, m->dialled, &golden_data,
				       &golden_reply_data),
			      m->seen));
}

static void all_begin(void **state)
{
	int i, v;

	(void)state;
	for (i = 0; i < N_AFTER; i++) {
		for (v = 0; v < 2; v++) {
			begin(&idle[i][v][0], v, 7000 + 4 * i);
			begin(&idle[i][v][1], v, 7001 + 4 * i);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &begun);
}

static void alive(int i)
{
	int v;

	wait_until(after[i]);
	for (v = 0; v < 2; v++) {
		assert_int_equal(server_speaks(&idle[i][v][0]), 443);
		member_speaks(&idle[i][v][1]);
	}
}

static void after_two_minutes(void **state)
{
	(void)state;
	alive(0);
}

static void almost_after_five(void **state)
{
	(void)state;
	alive(1);
}

/* Nobody has asked for it: the flow is no more, until the member speaks. */
static void not_after_five(void **state)
{
	struct door loaded;
	uint64_t fresh;
	int v;

	(void)state;
	wait_until(after[2]);
	door_of(&loaded, "srv");
	fresh = door_count(&loaded, AP_C_udp_new);
	for (v = 0; v < 2; v++)
		member_speaks(&idle[2][v][0]);
	assert_int_equal(door_count(&loaded, AP_C_udp_new), fresh + 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_begin),
		cmocka_unit_test(after_two_minutes),
		cmocka_unit_test(almost_after_five),
		cmocka_unit_test(not_after_five),
	};
	int failed;

	world_make();
	world_offload(false);
	world_door("native", NULL, NULL);
	server_open();
	failed = cmocka_run_group_tests_name("by the clock", tests, NULL, NULL);
	if (!failed)
		print_req("7");
	return failed;
}
