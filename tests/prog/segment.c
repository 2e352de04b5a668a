/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * A segment of flows is read and written in one piece, whoever else is at it:
 * half of an entry with half of another's would send a member's packets to
 * somebody else.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "expect.h"
#include "flow_table.h"
#include "lookup.skel.h"

#define READS 100000

/* In every entry, key and flow, so that two of them in one segment show. */
static void fill(struct flow_table *table, uint16_t port)
{
	for (uint32_t i = 0; i < flow_table_entries(table); i++) {
		const union flow_any_key *key;
		union flow_any_key *own;
		struct ap_flow *flow;

		(void)flow_table_entry(table, i, &key);
		own = (void *)key;
		if (table->v6) {
			own->v6.port = own->v6.target = htons(port);
			flow = (void *)(&own->v6 + 1);
		} else {
			own->v4.port = own->v4.target = htons(port);
			flow = (void *)(&own->v4 + 1);
		}
		flow->real = flow->dialled = htons(port);
	}
}

static bool whole(const struct flow_table *table)
{
	const union flow_any_key *key;
	const struct ap_flow *flow = flow_table_entry(table, 0, &key);
	uint16_t port = flow ? flow->real : 0;

	for (uint32_t i = 0; i < flow_table_entries(table); i++) {
		flow = flow_table_entry(table, i, &key);
		if (!flow || flow->real != port || flow->dialled != port ||
		    (table->v6 ? key->v6.port : key->v4.port) != port)
			return false;
	}
	return true;
}

/* Segments of one port and of another by turns, until it is killed. */
static _Noreturn void write_on(struct flow_table *table)
{
	(void)alarm(60);
	for (uint16_t port = 1;; port ^= 3) {
		fill(table, port);
		if (flow_table_write(table))
			_exit(1);
	}
}

static void in_one_piece(int fd)
{
	struct flow_table table;
	unsigned int seen[3] = { 0 };
	int i, status;
	pid_t writer;

	assert_int_equal(flow_table_open(&table, fd), 0);
	assert_int_equal(flow_table_read(&table, 0), 0);
	fill(&table, 1);
	assert_int_equal(flow_table_write(&table), 0);
	writer = fork();
	assert_true(writer >= 0);
	if (!writer)
		write_on(&table);
	for (i = 0; i < READS; i++) {
		const union flow_any_key *key;

		if (flow_table_read(&table, 0) || !whole(&table))
			break;
		seen[ntohs(flow_table_entry(&table, 0, &key)->real) % 3]++;
	}
	kill(writer, SIGKILL);
	waitpid(writer, &status, 0);
	flow_table_close(&table);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(i, READS);
	assert_true(seen[1] && seen[2]);
}

static void segments(void **state)
{
	struct lookup_bpf *object = lookup_bpf__open();

	(void)state;
	assert_non_null(object);
	bpf_program__set_autoload(object->progs.anyport_lookup, false);
	assert_int_equal(lookup_bpf__load(object), 0);
	in_one_piece(bpf_map__fd(object->maps.flows4));
	in_one_piece(bpf_map__fd(object->maps.flows6));
	lookup_bpf__destroy(object);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
