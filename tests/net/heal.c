/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Entries lost in mid-transfer, and connections across load and reload. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"

static struct door loaded;

/* A member that dialled a port before: this one has an alias. */
static struct end talk_on(int fd, struct end dialled)
{
	exchange(fd, dialled, &golden_first[0], &golden_reply_reset);
	exchange(fd, dialled, &golden_control, &golden_reply_control);
	return exchange(fd, dialled, &golden_data, &golden_reply_data);
}

static void lose(struct end seen)
{
	door_forget(&loaded, seen, TARGET);
	assert_int_equal(door_flow(&loaded, seen, TARGET, NULL), NOWHERE);
}

/* What OpenVPN sends meanwhile leaves from its own port: no member who has
 * dialled another takes it. */
static void server_talks_into_the_void(struct end dialled, struct end seen,
				       int fd, struct end member)
{
	int other = udp_at("mem", with_port(member, seen.port == member.port
							    ? 7001
							    : seen.port));
	struct sockaddr_storage sa;
	uint8_t data[512];

	assert_int_equal(
		connect(other, (void *)&sa, end_to_sockaddr(dialled, &sa)), 0);
	server_send(dialled, seen, golden_reply_data.data,
		    golden_reply_data.len);
	assert_int_equal(udp_recv(fd, NULL, data, sizeof(data), 50), -1);
	assert_int_equal(udp_recv(other, NULL, data, sizeof(data), 20), -1);
	close(other);
}

static void entry_deleted(void **state)
{
	struct end member, dialled[2], seen[2], again;
	struct sockaddr_storage sa;
	int v, i, fd, round;

	(void)state;
	door_of(&loaded, "srv");
	for (v = 0; v < 4; v += 2) {
		member = end(member_address[v], 7000);
		fd = udp_at("mem", member);
		for (i = 0; i < 2; i++) {
			dialled[i] = end(door_address[v], i ? 53 : 443);
			seen[i] = talk_on(fd, dialled[i]);
		}
		assert_false(end_equal(seen[0], seen[1]));
		for (round = 0; round < 4; round++) {
			i = round & 1;
			/* Connected, as a client that knows its server. */
			assert_int_equal(
				connect(fd, (void *)&sa,
					end_to_sockaddr(dialled[i], &sa)),
				0);
			lose(seen[i]);
			server_talks_into_the_void(dialled[i], seen[i], fd,
						   member);
			again = exchange(fd, dialled[i], &golden_data,
					 &golden_reply_data);
			assert_true(end_equal(again, seen[i]));
			assert_int_equal(door_flow(&loaded, seen[i], TARGET,
						   NULL),
					 ESTABLISHED);
		}
		close(fd);
	}
}

/* By turns with a configuration that leaves to others what has been dialled,
 * and again with the one that it was loaded with. */
static void reload(int round)
{
	if (round & 1)
		world_reload(attached, "pass = 500", "pass = 443-445");
	else
		world_reload(attached, more_udp, more_tcp);
}

static void say_word(int from, int to, uint32_t word)
{
	uint32_t got = 0;

	assert_int_equal(send(from, &word, 4, 0), 4);
	assert_int_equal(recv(to, &got, 4, MSG_WAITALL), 4);
	assert_int_equal(got, word);
}

/* Requirement 8; UDP flows as well stay what they were. */
static void reload_keeps_all(void **state)
{
	int target = tcp_listen("srv", end("::", TARGET));
	int member[2], server[2], udp[2], v, round;
	struct end seen[2], again;

	(void)state;
	for (v = 0; v < 2; v++) {
		udp[v] = udp_at("mem", end(member_address[2 * v], 8000));
		exchange(udp[v], end(door_address[2 * v], 53), &golden_first[0],
			 &golden_reply_reset);
		seen[v] = talk_on(udp[v], end(door_address[2 * v], 443));
		member[v] = tcp_connect("mem", end(member_address[2 * v], 0),
					end(door_address[2 * v], 443), 2000);
		assert_true(member[v] >= 0);
		server[v] = tcp_accept(target, NULL, NULL, 1000);
		assert_true(server[v] >= 0);
	}
	for (round = 0; round < 3; round++) {
		reload(round);
		for (v = 0; v < 2; v++) {
			say_word(member[v], server[v], round);
			say_word(server[v], member[v], ~round);
			again = exchange(udp[v], end(door_address[2 * v], 443),
					 &golden_data, &golden_reply_data);
			assert_true(end_equal(seen[v], again));
		}
	}
	for (v = 0; v < 2; v++) {
		close(member[v]);
		close(server[v]);
		close(udp[v]);
	}
	close(target);
}

/* ---- connections that are opening ---------------------------------------*/

static int calling(struct end to)
{
	int fd = ns_socket("mem", to.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage sa;

	assert_int_equal(connect(fd, (void *)&sa, end_to_sockaddr(to, &sa)),
			 -1);
	assert_int_equal(errno, EINPROGRESS);
	return fd;
}

/* Retries come after 1, 3 and 7 s. */
static void opens(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	assert_int_equal(poll(&p, 1, 8000), 1);
	assert_int_equal(socket_error(fd, 0), 0);
	assert_int_equal(p.revents, POLLOUT);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	set_timeout(fd, 2000);
}

/* Dialled on 444, what the server answers to the SYN gets lost on the way; on
 * 445, what the member answers to that. */
static void lose_handshakes(void)
{
	ns_sh("rtr",
	      "nft -f - <<E\n"
	      "table inet lose { chain f {\n"
	      " type filter hook forward priority 0;\n"
	      " tcp sport 444 tcp flags & (syn | ack) == syn | ack drop\n"
	      " tcp dport 445 tcp flags & (syn | ack) == ack drop\n"
	      " }\n}\nE\n");
}

static long half_open(void)
{
	return ns_number("srv", "ss -Htn state syn-recv | wc -l");
}

/* One of the four, under the port that it dialled. */
static void one_opens(int target, const int *member, const struct end *dialled)
{
	struct end local, peer;
	int server = tcp_accept(target, &local, &peer, 8000), i;

	assert_true(server >= 0);
	for (i = 0; i < 4 && !end_equal(peer, socket_name(member[i])); i++)
		;
	assert_in_range(i, 0, 3);
	assert_true(end_equal(local, dialled[i]));
	opens(member[i]);
	say_word(member[i], server, i);
	say_word(server, member[i], ~i);
	close(server);
}

/* Requirement 8: handshakes that hang while the door is reloaded. */
static void reload_keeps_openings(void **state)
{
	int target = tcp_listen("srv", end("::", TARGET)), member[4], i;
	struct end dialled[4];

	(void)state;
	lose_handshakes();
	for (i = 0; i < 4; i++) {
		dialled[i] = end(door_address[i & 2], 444 + (i & 1));
		member[i] = calling(dialled[i]);
	}
	for (i = 0; i < 40 && half_open() < 4; i++)
		usleep(50000);
	for (i = 0; i < 3; i++) {
		assert_int_equal(half_open(), 4);
		reload(i);
	}
	assert_int_equal(half_open(), 4);
	assert_int_equal(tcp_accept(target, NULL, NULL, 20), -1);
	ns_sh("rtr", "nft delete table inet lose");
	for (i = 0; i < 4; i++)
		one_opens(target, member, dialled);
	for (i = 0; i < 4; i++)
		close(member[i]);
	close(target);
}

/* The SYN was sent, and lost, before the door was there. */
static void early_syn(void **state)
{
	int target = tcp_listen("srv", end("::", TARGET)), fd[2], v;

	(void)state;
	world_unload();
	ns_sh("rtr", "ip route add blackhole " DOOR_B4 ";"
		     "ip route add blackhole " DOOR_B6);
	for (v = 0; v < 2; v++)
		fd[v] = calling(end(door_address[2 * v + 1], 443));
	world_door(attached, more_udp, more_tcp);
	ns_sh("rtr", "ip route del blackhole " DOOR_B4 ";"
		     "ip route del blackhole " DOOR_B6);
	for (v = 0; v < 2; v++) {
		opens(fd[v]);
		close(fd[v]);
		close(tcp_accept(target, NULL, NULL, 1000));
	}
	close(target);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_deleted),
		cmocka_unit_test(reload_keeps_all),
		cmocka_unit_test(reload_keeps_openings),
		cmocka_unit_test(early_syn),
	};

	one_offload = true;
	world_make();
	return RUN_MATRIX(tests, "8 28");
}
