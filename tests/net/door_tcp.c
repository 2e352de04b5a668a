/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* TCP through a loaded door, between real stacks. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "matrix.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
static const uint16_t ports[] = { 1, 80, 443, 993, 1194, 5000, 65535 };
static int target = -1; /* OpenVPN's listener, both families */

struct pair {
	int member, server;
};

static void open_target(void)
{
	if (target < 0)
		target = tcp_listen("srv", end("::", TARGET));
}

static void close_target(void)
{
	close(target);
	target = -1;
}

/* Connected, and the server's end knows what was dialled, and by whom; another
 * connection from there may have the port already. */
static struct pair connected_as(struct end from, struct end dialled, bool alone)
{
	struct end local, peer, me;
	struct pair p;

	p.member = tcp_connect("mem", from, dialled, 3000);
	assert_true(p.member >= 0);
	me = socket_name(p.member);
	p.server = tcp_accept(target, &local, &peer, 2000);
	assert_true(p.server >= 0);
	assert_true(end_equal(local, dialled));
	assert_memory_equal(peer.ip, me.ip, sizeof(me.ip));
	if (alone)
		assert_int_equal(peer.port, me.port);
	return p;
}

static struct pair connected(struct end from, struct end dialled)
{
	return connected_as(from, dialled, true);
}

static void say_word(int from, int to, uint32_t word)
{
	uint32_t got = 0;

	assert_int_equal(send(from, &word, 4, 0), 4);
	assert_int_equal(recv(to, &got, 4, MSG_WAITALL), 4);
	assert_int_equal(got, word);
}

static void talk(struct pair p, uint32_t word)
{
	say_word(p.member, p.server, word);
	say_word(p.server, p.member, ~word);
}

static void hang_up(struct pair p)
{
	close(p.member);
	close(p.server);
}

static struct end any_port(int i)
{
	return end(member_address[i], 0);
}

static void sample_ports(void **state)
{
	struct pair pair;
	size_t p;
	int i;

	(void)state;
	open_target();
	for (i = 0; i < 4; i++) {
		for (p = 0; p < N(ports); p++) {
			pair = connected(any_port(i),
					 end(door_address[i], ports[p]));
			talk(pair, ports[p]);
			hang_up(pair);
		}
	}
}

/* Requirement 5: all from one source port, and none crossed. */
static void one_source_port(void **state)
{
	struct pair pair[4][N(ports)];
	size_t p;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		for (p = 0; p < N(ports); p++)
			pair[i][p] =
				connected_as(end(member_address[i & 2], 1194),
					     end(door_address[i], ports[p]),
					     false);
	for (i = 0; i < 4; i++) {
		for (p = 0; p < N(ports); p++) {
			talk(pair[i][p], i << 16 | ports[p]);
			hang_up(pair[i][p]);
		}
	}
}

static void pump(int from, int to, const uint8_t *data, uint8_t *got, size_t n)
{
	struct pollfd p[2] = { { from, POLLOUT, 0 }, { to, POLLIN, 0 } };
	size_t sent = 0, have = 0;
	ssize_t k;

	while (have < n) {
		p[0].events = sent < n ? POLLOUT : 0;
		assert_true(poll(p, 2, 3000) > 0);
		if (p[0].revents & POLLOUT) {
			k = send(from, data + sent, n - sent, MSG_DONTWAIT);
			sent += k > 0 ? k : 0;
		}
		if (p[1].revents & POLLIN) {
			k = recv(to, got + have, n - have, MSG_DONTWAIT);
			assert_true(k != 0);
			have += k > 0 ? k : 0;
		}
	}
}

/* Requirement 22, without the narrow hops: segments as large as they get. */
static void bulk(void **state)
{
	enum { SIZE = 2 << 20 };
	uint8_t *data = malloc(SIZE), *got = malloc(SIZE);
	struct pair p;
	size_t i;
	int v;

	(void)state;
	assert_non_null(data);
	assert_non_null(got);
	for (i = 0; i < SIZE; i++)
		data[i] = random();
	for (v = 0; v < 4; v += 2) {
		p = connected(any_port(v), end(door_address[v], 443));
		pump(p.member, p.server, data, got, SIZE);
		assert_memory_equal(data, got, SIZE);
		memset(got, 0, SIZE);
		pump(p.server, p.member, data, got, SIZE);
		assert_memory_equal(data, got, SIZE);
		hang_up(p);
	}
	free(data);
	free(got);
}

static void half_close(void **state)
{
	static uint8_t data[100000], got[100000];
	struct pair p;
	char byte;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		p = connected(any_port(v), end(door_address[v], 993));
		assert_int_equal(shutdown(p.member, SHUT_WR), 0);
		assert_int_equal(recv(p.server, &byte, 1, 0), 0);
		pump(p.server, p.member, data, got, sizeof(data));
		close(p.server);
		assert_int_equal(recv(p.member, &byte, 1, 0), 0);
		close(p.member);
	}
}

static void reset(void **state)
{
	const struct linger now = { 1, 0 };
	struct pair p;
	char byte;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		p = connected(any_port(v), end(door_address[v], 443));
		setsockopt(p.member, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(p.member);
		assert_int_equal(recv(p.server, &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(p.server);
		p = connected(any_port(v), end(door_address[v], 443));
		setsockopt(p.server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(p.server);
		assert_int_equal(recv(p.member, &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(p.member);
	}
}

/* The server closed first and waits; the member comes again at once. */
static void time_wait_reuse(void **state)
{
	struct pair p;
	char byte;
	int v, i;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		for (i = 0; i < 3; i++) {
			p = connected(end(member_address[v], 1195),
				      end(door_address[v], 443));
			talk(p, i);
			close(p.server);
			assert_int_equal(recv(p.member, &byte, 1, 0), 0);
			close(p.member);
		}
	}
}

static void ecn(void **state)
{
	struct pair p;
	int v;

	(void)state;
	ns_sh("mem", "sysctl -qw net.ipv4.tcp_ecn=1");
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_ecn=1");
	for (v = 0; v < 4; v++) {
		struct tcp_info info;
		socklen_t len = sizeof(info);

		p = connected(any_port(v), end(door_address[v], 443));
		assert_int_equal(getsockopt(p.server, IPPROTO_TCP, TCP_INFO,
					    &info, &len),
				 0);
		assert_true(info.tcpi_options & TCPI_OPT_ECN);
		talk(p, v);
		hang_up(p);
	}
	ns_sh("mem", "sysctl -qw net.ipv4.tcp_ecn=2");
}

static void forced_cookies(void **state)
{
	long before = ns_number("srv", "nstat -saz TcpExtSyncookiesRecv |"
				       " awk \"END {print \\$2}\""),
	     after;
	struct pair p;
	int v;

	(void)state;
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=2");
	for (v = 0; v < 4; v++) {
		p = connected(any_port(v), end(door_address[v], 443));
		talk(p, v);
		hang_up(p);
	}
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=1");
	after = ns_number("srv", "nstat -saz TcpExtSyncookiesRecv |"
				 " awk \"END {print \\$2}\"");
	assert_int_equal(after - before, 4);
}

/* The second SYN carries data, with the cookie that the first one got. */
static void fast_open(void **state)
{
	struct sockaddr_storage sa;
	struct end dialled, local;
	const int queue = 16;
	uint32_t got;
	int v, i, fd, server;

	(void)state;
	ns_sh("mem", "sysctl -qw net.ipv4.tcp_fastopen=3");
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_fastopen=3");
	assert_int_equal(setsockopt(target, IPPROTO_TCP, TCP_FASTOPEN, &queue,
				    sizeof(queue)),
			 0);
	for (v = 0; v < 4; v += 2) {
		dialled = end(door_address[v], 443);
		for (i = 0; i < 3; i++) {
			fd = ns_socket("mem", dialled.family, SOCK_STREAM, 0);
			set_timeout(fd, 2000);
			assert_int_equal(sendto(fd, &v, 4, MSG_FASTOPEN,
						(void *)&sa,
						end_to_sockaddr(dialled, &sa)),
					 4);
			server = tcp_accept(target, &local, NULL, 2000);
			assert_true(server >= 0);
			assert_true(end_equal(local, dialled));
			assert_int_equal(recv(server, &got, 4, 0), 4);
			assert_int_equal(got, v);
			close(server);
			close(fd);
		}
	}
	assert_true(ns_number("srv", "nstat -saz TcpExtTCPFastOpenPassive |"
				     " awk \"END {print \\$2}\"") > 0);
}

/* A service keeps its port, unless the port is claimed. */
static void own_listener(void **state)
{
	struct end local;
	int own, claimed, fd, v, server;
	struct pair p;

	(void)state;
	own = tcp_listen("srv", end("::", 80));
	claimed = tcp_listen("srv", end("::", 8443));
	for (v = 0; v < 4; v++) {
		fd = tcp_connect("mem", any_port(v), end(door_address[v], 80),
				 2000);
		assert_true(fd >= 0);
		server = tcp_accept(own, &local, NULL, 1000);
		assert_true(server >= 0);
		close(server);
		close(fd);
		p = connected(any_port(v), end(door_address[v], 8443));
		hang_up(p);
	}
	close(own);
	close(claimed);
	for (v = 0; v < 4; v++)
		hang_up(connected(any_port(v), end(door_address[v], 80)));
}

static void passed_port(void **state)
{
	int v;

	(void)state;
	for (v = 0; v < 4; v++)
		assert_int_equal(tcp_connect("mem", any_port(v),
					     end(door_address[v], 22), 1000),
				 -ECONNREFUSED);
}

/* A restart of OpenVPN needs nobody's help. */
static void listener_goes_and_comes(void **state)
{
	struct pair p;
	int v;

	(void)state;
	close_target();
	for (v = 0; v < 4; v++)
		assert_int_equal(tcp_connect("mem", any_port(v),
					     end(door_address[v], 443), 1000),
				 -ECONNREFUSED);
	open_target();
	for (v = 0; v < 4; v++) {
		p = connected(any_port(v), end(door_address[v], 443));
		talk(p, v);
		hang_up(p);
	}
}

static void no_bad_sums(void **state)
{
	(void)state;
	assert_int_equal(ns_number("srv", "nstat -saz TcpInCsumErrors |"
					  " awk \"END {print \\$2}\""),
			 0);
	assert_int_equal(ns_number("mem", "nstat -saz TcpInCsumErrors |"
					  " awk \"END {print \\$2}\""),
			 0);
	close_target();
}

/* A TLS wrapper on loopback, until something listens on the door's address. */
static void wrapper_gives_way(void **state)
{
	int v, wrapper;

	(void)state;
	close_target();
	for (v = 0; v < 4; v += 2) {
		wrapper =
			tcp_listen("srv", end(v ? "::1" : "127.0.0.1", TARGET));
		target = wrapper;
		hang_up(connected(any_port(v), end(door_address[v], 444)));
		target = tcp_listen("srv", end(door_address[v], TARGET));
		hang_up(connected(any_port(v), end(door_address[v], 444)));
		close(wrapper);
		close_target();
	}
	open_target();
}

static unsigned long long runs_of(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(program, &info, &len), 0);
	return info.run_cnt;
}

/* How often sk_lookup ran for COUNT connections to I of door_address. */
static unsigned long long look_ups(int i, int count)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), lookup, n;
	unsigned long long before;

	assert_true(stats >= 0);
	lookup = bpf_prog_get_fd_by_id(
		ns_number("srv", "jq .lookup_id /run/anyport/*.json"));
	assert_true(lookup >= 0);
	before = runs_of(lookup);
	for (n = 0; n < count; n++)
		hang_up(connected(any_port(i), end(door_address[i], 443)));
	before = runs_of(lookup) - before;
	close(lookup);
	close(stats);
	return before;
}

/* One that was found is kept, wherever it is bound, not looked for again. */
static void listener_is_kept(void **state)
{
	unsigned long long any, one;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		open_target();
		look_ups(v, 1);
		any = look_ups(v, 10);
		close_target();
		target = tcp_listen("srv", end(door_address[v], TARGET));
		look_ups(v, 1);
		one = look_ups(v, 10);
		assert_in_range(any, 10, 29);
		assert_in_range(one, 10, 29);
		close_target();
	}
	open_target();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_ports),
		cmocka_unit_test(one_source_port),
		cmocka_unit_test(bulk),
		cmocka_unit_test(half_close),
		cmocka_unit_test(reset),
		cmocka_unit_test(time_wait_reuse),
		cmocka_unit_test(ecn),
		cmocka_unit_test(forced_cookies),
		cmocka_unit_test(fast_open),
		cmocka_unit_test(own_listener),
		cmocka_unit_test(passed_port),
		cmocka_unit_test(listener_goes_and_comes),
		cmocka_unit_test(wrapper_gives_way),
		cmocka_unit_test(listener_is_kept),
		cmocka_unit_test(no_bad_sums),
	};

	more_tcp = "claim = 8443";
	world_make();
	return RUN_MATRIX(tests, "1 5");
}
