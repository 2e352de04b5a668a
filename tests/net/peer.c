/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * TCP: what a server is told of its peers. Connections that differ only in what
 * was dialled come from different ports; all else is reported as it is.
 */
#include <string.h>
#include <unistd.h>

#include "matrix.h"

#define PORT 1194 /* the members' */

struct pair {
	int member, server;
	struct end peer; /* as accept() told the server */
};

static int target = -1;

static struct end peer_name(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	assert_int_equal(getpeername(fd, (void *)&sa, &len), 0);
	return end_of_sockaddr(&sa);
}

static struct pair dial_at(int listener, struct end from, struct end dialled)
{
	struct end local;
	struct pair p;

	p.member = tcp_connect("mem", from, dialled, 3000);
	assert_true(p.member >= 0);
	p.server = tcp_accept(listener, &local, &p.peer, 2000);
	assert_true(p.server >= 0);
	assert_true(end_equal(local, dialled));
	assert_memory_equal(p.peer.ip, from.ip, sizeof(from.ip));
	assert_true(end_equal(p.peer, peer_name(p.server)));
	return p;
}

/* I: of door_address; the member has the same family. */
static struct pair dial(int i, uint16_t from, uint16_t port)
{
	return dial_at(target, end(member_address[i & 2], from),
		       end(door_address[i], port));
}

static void talk(struct pair p, uint32_t word)
{
	uint32_t got = 0;

	assert_int_equal(send(p.member, &word, 4, 0), 4);
	assert_int_equal(recv(p.server, &got, 4, MSG_WAITALL), 4);
	assert_int_equal(got, word);
	assert_int_equal(send(p.server, &word, 4, 0), 4);
	assert_int_equal(recv(p.member, &got, 4, MSG_WAITALL), 4);
	assert_int_equal(got, word);
}

/* The member goes with a reset: his port is free again at once. */
static void hang_up(struct pair p)
{
	const struct linger now = { 1, 0 };

	assert_int_equal(setsockopt(p.member, SOL_SOCKET, SO_LINGER, &now,
				    sizeof(now)),
			 0);
	close(p.member);
	close(p.server);
}

static long aliases(void)
{
	return ns_number("srv", "build/anyport stats --json |"
				" jq .counters.tcp_alias");
}

/* Requirement 5: one source port, five things dialled, five peers. */
static void kept_apart(void **state)
{
	const struct {
		int address;
		uint16_t port;
	} dialled[] = {
		{ 0, 443 }, { 0, 993 }, { 1, 443 }, { 0, 1194 }, { 1, 1194 }
	};
	struct pair p[5];
	long before = aliases();
	int i, j, v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		for (i = 0; i < 5; i++) {
			p[i] = dial(v + dialled[i].address, PORT,
				    dialled[i].port);
			assert_int_equal(p[i].peer.port == PORT, !i);
			assert_true(p[i].peer.port >= 1024);
			for (j = 0; j < i; j++)
				assert_int_not_equal(p[i].peer.port,
						     p[j].peer.port);
		}
		for (i = 0; i < 5; i++) {
			assert_true(
				end_equal(p[i].peer, peer_name(p[i].server)));
			talk(p[i], i);
		}
		for (i = 0; i < 5; i++)
			hang_up(p[i]);
	}
	/* each alias was reported by accept() and twice by getpeername() */
	assert_int_equal(aliases() - before, 2 * 4 * 3);
}

static void same_after_all(void **state)
{
	struct pair a, b;
	struct end alias;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		a = dial(v, PORT, 443);
		b = dial(v, PORT, 993);
		alias = b.peer;
		assert_int_not_equal(alias.port, PORT);
		hang_up(b);
		b = dial(v, PORT, 993);
		assert_true(end_equal(b.peer, alias));
		/* programs that are replaced know who is on */
		world_door(attached, more_udp, more_tcp);
		assert_true(end_equal(peer_name(a.server), a.peer));
		assert_true(end_equal(peer_name(b.server), alias));
		hang_up(a);
		/* it keeps the alias, though the port has become free */
		assert_true(end_equal(peer_name(b.server), alias));
		talk(b, 7);
		hang_up(b);
	}
}

static void free_when_closed(void **state)
{
	struct pair a, b;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		a = dial(v, PORT, 80);
		/* the server has shut its half, and may still be reading */
		assert_int_equal(shutdown(a.server, SHUT_WR), 0);
		b = dial(v, PORT, 81);
		assert_int_not_equal(b.peer.port, PORT);
		hang_up(a);
		hang_up(b);
		b = dial(v, PORT, 82);
		assert_int_equal(b.peer.port, PORT);
		/* the member has closed, the server does not know yet */
		close(b.member);
		a = dial(v, PORT, 83);
		assert_int_not_equal(a.peer.port, PORT);
		close(b.server);
		hang_up(a);
	}
}

/* A member whose own port is the alias of another one. */
static void alias_is_taken(void **state)
{
	struct pair a, b, c;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		a = dial(v, PORT, 443);
		b = dial(v, PORT, 993);
		c = dial(v, b.peer.port, 993);
		assert_int_not_equal(c.peer.port, b.peer.port);
		assert_int_not_equal(c.peer.port, PORT);
		hang_up(a);
		hang_up(b);
		hang_up(c);
	}
}

/* Not the target's: whoever listens there is told the truth. */
static void own_service(void **state)
{
	int own = tcp_listen("srv", end("::", 8080)), v;
	int passed = tcp_listen("srv", end("::", 22));
	struct pair a, b, c;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		struct end from = end(member_address[v], PORT);

		a = dial(v, PORT, 443);
		b = dial_at(own, from, end(door_address[v], 8080));
		c = dial_at(passed, from, end(door_address[v], 22));
		assert_int_equal(b.peer.port, PORT);
		assert_int_equal(c.peer.port, PORT);
		hang_up(a);
		hang_up(b);
		hang_up(c);
	}
	close(own);
	close(passed);
}

/* The server's own connections, two of them to one place. */
static void host_is_client(void **state)
{
	struct end far;
	int fd[2], listener, v, i;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		far = end(member_address[v], 8443);
		listener = tcp_listen("mem", far);
		for (i = 0; i < 2; i++) {
			fd[i] = tcp_connect("srv", end(door_address[v], 0), far,
					    2000);
			assert_true(fd[i] >= 0);
			assert_true(end_equal(peer_name(fd[i]), far));
		}
		for (i = 0; i < 2; i++) {
			assert_true(end_equal(peer_name(fd[i]), far));
			close(fd[i]);
		}
		close(listener);
	}
}

/* The cgroup sees the sockets of all namespaces, this door has one. */
static void elsewhere(void **state)
{
	struct end peer, from = end("192.0.2.77", 1195);
	int listener, fd[2], server[2], i;

	(void)state;
	ns_sh("cli", "ip addr add " DOOR_A4 "/32 dev lo;"
		     "ip addr add " DOOR_B4 "/32 dev lo;"
		     "ip addr add 192.0.2.77/32 dev lo");
	listener = tcp_listen("cli", end("0.0.0.0", TARGET));
	for (i = 0; i < 2; i++) {
		fd[i] = tcp_connect("cli", from, end(door_address[i], TARGET),
				    2000);
		assert_true(fd[i] >= 0);
		server[i] = tcp_accept(listener, NULL, &peer, 1000);
		assert_true(server[i] >= 0);
		assert_true(end_equal(peer, from));
	}
	for (i = 0; i < 2; i++) {
		close(fd[i]);
		close(server[i]);
	}
	close(listener);
	ns_sh("cli", "ip addr flush dev lo scope global");
}

/* Both families by one listener, or each by its own. */
static void open_target(const char *address)
{
	if (target >= 0)
		close(target);
	target = tcp_listen("srv", end(address, TARGET));
}

static void only_ipv4(void **state)
{
	struct pair a, b;

	(void)state;
	open_target("0.0.0.0");
	a = dial(0, PORT, 443);
	b = dial(0, PORT, 993);
	assert_int_equal(a.peer.port, PORT);
	assert_int_not_equal(b.peer.port, PORT);
	talk(a, 1);
	talk(b, 2);
	hang_up(a);
	hang_up(b);
	open_target("::");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_apart),
		cmocka_unit_test(same_after_all),
		cmocka_unit_test(free_when_closed),
		cmocka_unit_test(alias_is_taken),
		cmocka_unit_test(own_service),
		cmocka_unit_test(host_is_client),
		cmocka_unit_test(elsewhere),
		cmocka_unit_test(only_ipv4),
	};
	int failed;

	attached = "native";
	more_tcp = "";
	more_udp = "";
	world_make();
	world_offload(false);
	world_door(attached, more_udp, more_tcp);
	open_target("::");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	world_unload();
	if (!failed)
		print_req("5");
	return failed;
}
