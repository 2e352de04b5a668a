/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Runs network tests in every mode; plays OpenVPN's part in them. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"

bool offload, one_offload;
const char *attached, *more_udp, *more_tcp;
const char *const door_address[4] = { DOOR_A4, DOOR_B4, DOOR_A6, DOOR_B6 };
const char *const member_address[4] = { MEMBER_A4, MEMBER_B4, MEMBER_A6,
					MEMBER_B6 };
static int server[4] = { -1, -1, -1, -1 };

void server_open(void)
{
	int i;

	for (i = 0; i < 4; i++)
		if (server[i] < 0)
			server[i] = udp_at("srv", end(door_address[i], TARGET));
}

void server_close(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (server[i] >= 0)
			close(server[i]);
		server[i] = -1;
	}
}

bool server_hear(struct heard *h, int ms)
{
	struct pollfd p[4];
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (struct pollfd){ server[i], POLLIN, 0 };
	if (poll(p, 4, ms) <= 0)
		return false;
	for (i = 0; i < 4; i++) {
		if (!(p[i].revents & POLLIN))
			continue;
		h->fd = server[i];
		h->len = udp_recv(h->fd, &h->peer, h->data, sizeof(h->data),
				  100);
		return h->len >= 0;
	}
	return false;
}

void server_say(const struct heard *h, const void *data, size_t len)
{
	udp_send(h->fd, h->peer, data, len);
}

void server_send(struct end from, struct end to, const void *data, size_t len)
{
	int i;

	for (i = 0; i < 4; i++)
		if (end_equal(end(door_address[i], from.port), from))
			udp_send(server[i], to, data, len);
}

struct end exchange(int fd, struct end dialled, const struct golden *g,
		    const struct golden *reply)
{
	static struct heard h;
	uint8_t data[2048];
	struct end from;
	int n;

	udp_send(fd, dialled, g->data, g->len);
	assert_true(server_hear(&h, 2000));
	assert_int_equal(h.len, g->len);
	assert_memory_equal(h.data, g->data, g->len);
	server_say(&h, reply->data, reply->len);
	n = udp_recv(fd, &from, data, sizeof(data), 2000);
	assert_int_equal(n, reply->len);
	assert_memory_equal(data, reply->data, reply->len);
	assert_true(end_equal(from, dialled));
	return h.peer;
}

long bad_sums(const char *ns)
{
	return ns_number(ns, "awk \"/^Udp:/ && n++ {print \\$8}\""
			     " /proc/net/snmp") +
	       ns_number(ns, "awk \"/^Udp6InCsumErrors/ {print \\$2}\""
			     " /proc/net/snmp6");
}

static int mode_setup(void **state)
{
	(void)state;
	world_offload(offload);
	world_door(attached, more_udp, more_tcp);
	server_open();
	return 0;
}

static int mode_teardown(void **state)
{
	(void)state;
	server_close();
	world_unload();
	return 0;
}

static int run_mode(const struct CMUnitTest *tests, size_t n)
{
	struct CMUnitTest named[32];
	char name[32][96];
	size_t i;

	for (i = 0; i < n && i < 32; i++) {
		named[i] = tests[i];
		snprintf(name[i], sizeof(name[i]), "%s, tx %s: %s", attached,
			 offload ? "on" : "off", tests[i].name);
		named[i].name = name[i];
	}
	return _cmocka_run_group_tests(attached, named, i, mode_setup,
				       mode_teardown);
}

int run_matrix(const struct CMUnitTest *tests, size_t n, const char *req)
{
	static const char *const attach[] = { "native", "generic", "tc" };
	int failed = 0, tx;
	size_t i;

	for (i = 0; i < sizeof(attach) / sizeof(attach[0]); i++) {
		for (tx = 0; tx < (one_offload ? 1 : 2); tx++) {
			attached = attach[i];
			offload = tx;
			failed += run_mode(tests, n);
		}
	}
	if (!failed)
		print_req(req);
	return failed;
}
