/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Which ports carry an SSH session, and who listens, on a live kernel. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

static int bound(int type, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, type, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (void *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* A child by the name of NAME that has accepted one connection on PORT. */
static pid_t serve(const char *name, uint16_t port, int *client)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int ready[2], listener;
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	child = fork();
	if (!child) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, name);
		(void)close(*client);
		listener = bound(SOCK_STREAM, port);
		(void)!write(ready[1], "l", 1);
		(void)accept(listener, NULL, NULL);
		(void)close(listener);
		(void)!write(ready[1], "a", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(connect(*client, (void *)&a, sizeof(a)), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return child;
}

static void end(pid_t child, int client)
{
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	(void)close(client);
}

static bool has(const uint16_t *ports, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void session_of_sshd_is_found(void **state)
{
	uint16_t ports[8];
	int sshd_client, other_client;
	pid_t sshd = serve("sshd", 2222, &sshd_client);
	pid_t other = serve("nginx", 8443, &other_client);
	size_t n;

	(void)state;
	n = host_ssh_ports(ports, 8);
	end(sshd, sshd_client);
	end(other, other_client);
	assert_int_equal(n, 1);
	assert_int_equal(ports[0], 2222);
	assert_int_equal(host_ssh_ports(ports, 8), 0);
}

static void openssh_98_is_known(void **state)
{
	uint16_t ports[8];
	int client;
	pid_t sshd = serve("sshd-session", 2223, &client);
	size_t n;

	(void)state;
	n = host_ssh_ports(ports, 8);
	end(sshd, client);
	assert_int_equal(n, 1);
	assert_int_equal(ports[0], 2223);
}

static void own_session_is_known_from_the_environment(void **state)
{
	uint16_t ports[8];

	(void)state;
	(void)setenv("SSH_CONNECTION", "192.0.2.9 51000 198.51.100.1 2022", 1);
	assert_int_equal(host_ssh_ports(ports, 8), 1);
	assert_int_equal(ports[0], 2022);
	(void)setenv("SSH_CONNECTION", "192.0.2.9 51000 198.51.100.1 70000", 1);
	assert_int_equal(host_ssh_ports(ports, 8), 0);
	(void)unsetenv("SSH_CONNECTION");
}

/* As nobody, /proc hides whose the connections are. */
static void hidden_owners_guard_port_22(void **state)
{
	uint16_t ports[8];
	int client, status;
	pid_t sshd = serve("sshd", 2222, &client), child = fork();

	(void)state;
	if (!child) {
		size_t n;

		if (setuid(65534))
			_exit(2);
		n = host_ssh_ports(ports, 8);
		_exit(n == 1 && has(ports, n, 22) ? 0 : 1);
	}
	(void)waitpid(child, &status, 0);
	end(sshd, client);
	assert_int_equal(status, 0);
}

static void more_than_fits_is_counted(void **state)
{
	uint16_t ports[1];
	int a, b;
	pid_t one = serve("sshd", 2222, &a), two = serve("sshd", 2224, &b);
	size_t n;

	(void)state;
	n = host_ssh_ports(ports, 1);
	end(one, a);
	end(two, b);
	assert_int_equal(n, 2);
}

static void listeners_are_listed_with_their_program(void **state)
{
	struct host_sockets s;
	int tcp = bound(SOCK_STREAM, 5432), udp = bound(SOCK_DGRAM, 5353);
	int twin = bound(SOCK_STREAM, 5431);

	(void)state;
	assert_int_equal(host_listeners(&s), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.item[0].proto, AP_UDP);
	assert_int_equal(s.item[0].port, 5353);
	assert_int_equal(s.item[1].port, 5431);
	assert_int_equal(s.item[2].port, 5432);
	assert_int_equal(s.item[2].proto, AP_TCP);
	assert_int_equal(s.item[2].address.family, AF_INET);
	assert_int_equal(ntohl(s.item[2].address.v4.s_addr), INADDR_LOOPBACK);
	assert_string_equal(s.item[2].program, "host_ssh");
	assert_false(s.hidden);
	host_sockets_free(&s);
	(void)close(tcp);
	(void)close(udp);
	(void)close(twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_of_sshd_is_found),
		cmocka_unit_test(openssh_98_is_known),
		cmocka_unit_test(own_session_is_known_from_the_environment),
		cmocka_unit_test(hidden_owners_guard_port_22),
		cmocka_unit_test(more_than_fits_is_counted),
		cmocka_unit_test(listeners_are_listed_with_their_program),
	};

	(void)unsetenv("SSH_CONNECTION");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
