/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * TCP in all its shapes (requirement 18), between real stacks. What has to come
 * of each is written down; it does without the door on OpenVPN's own port, and
 * through the door on that port and on others.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"

#define BULK 100000

static int target = -1;   /* OpenVPN's listener, both families */
static int net[2];        /* the router's ends: to the server, to the member */
static char outcome[256]; /* of the shape at hand */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	size_t n = strlen(outcome);
	va_list args;

	va_start(args, format);
	vsnprintf(outcome + n, sizeof(outcome) - n, format, args);
	va_end(args);
}

/* The name of an error, 0 for none. */
static const char *named(int error)
{
	return error ? strerrorname_np(error) ?: "?" : "0";
}

static void open_target(void)
{
	const int queue = 16;

	if (target >= 0)
		return;
	target = tcp_listen("srv", end("::", TARGET));
	assert_int_equal(setsockopt(target, IPPROTO_TCP, TCP_FASTOPEN, &queue,
				    sizeof(queue)),
			 0);
}

static void close_target(void)
{
	close(target);
	target = -1;
}

static struct end member_at(int v, uint16_t port)
{
	return end(v ? MEMBER_A6 : MEMBER_A4, port);
}

static struct end door_at(int v, uint16_t port)
{
	return end(v ? DOOR_A6 : DOOR_A4, port);
}

/* ---- two ends -----------------------------------------------------------*/

struct pair {
	int member, server;
};

static void hang_up(struct pair p)
{
	if (p.member >= 0)
		close(p.member);
	if (p.server >= 0)
		close(p.server);
}

/* False, and noted: not connected, or to a port that was not dialled. */
static bool opened(struct pair *p, struct end from, struct end dialled)
{
	struct end local, peer, me;

	p->server = -1;
	p->member = tcp_connect("mem", from, dialled, 3000);
	if (p->member < 0) {
		note("%s ", named(-p->member));
		return false;
	}
	me = socket_name(p->member);
	p->server = tcp_accept(target, &local, &peer, 2000);
	if (p->server >= 0 && end_equal(local, dialled) && end_equal(peer, me))
		return true;
	note("not accepted as dialled ");
	hang_up(*p);
	return false;
}

static void say_word(int from, int to, uint32_t word, const char *as)
{
	uint32_t got = 0;

	if (send(from, &word, 4, MSG_NOSIGNAL) == 4 &&
	    recv(to, &got, 4, MSG_WAITALL) == 4 && got == word)
		note("%s ", as);
}

static void talk(struct pair p)
{
	say_word(p.member, p.server, 0x12345678, "up");
	say_word(p.server, p.member, 0x9abcdef0, "down");
}

/* FROM ends, after BULK bytes; TO notes what came and that it was all. */
static void bulk_and_end(int from, int to, const char *as)
{
	static uint8_t data[BULK], got[BULK];
	struct pollfd p[2] = { { from, POLLOUT, 0 }, { to, POLLIN, 0 } };
	size_t sent = 0, have = 0;
	ssize_t n;
	int i;

	for (i = 0; i < BULK; i++)
		data[i] = i * 7 + i / 256;
	while (poll(p, 2, 3000) > 0) {
		if (p[0].revents & (POLLOUT | POLLERR)) {
			n = send(from, data + sent, BULK - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? n : 0;
			if (sent == BULK) {
				shutdown(from, SHUT_WR);
				p[0].fd = -1;
			}
		}
		if (p[1].revents) {
			n = recv(to, got + have, BULK - have, MSG_DONTWAIT);
			have += n > 0 ? n : 0;
			if (n <= 0 || have == BULK)
				break;
		}
	}
	n = have == BULK ? recv(to, got, 1, 0) : -1;
	if (!n && !memcmp(data + 1, got + 1, BULK - 1))
		note("%s ", as);
}

static void ended(int fd, const char *as)
{
	char byte;

	if (recv(fd, &byte, 1, 0) == 0)
		note("%s ", as);
}

static void was_reset(int fd, const char *as)
{
	char byte;

	if (recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET)
		note("%s ", as);
}

static void close_hard(int fd)
{
	const struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* ---- the shapes ---------------------------------------------------------*/

static bool is_tcp(const struct view *v, const void *with)
{
	(void)with;
	return v->proto == IPPROTO_TCP;
}

/* A segment of the wire that was kept back goes on, to the other side. */
static void deliver(int fd, struct frame *f, uint8_t to, uint8_t from)
{
	f->data[5] = to;
	f->data[11] = from;
	wire_send(fd, f);
}

static int connecting(const char *ns, struct end from, struct end to)
{
	int fd = ns_socket(ns, from.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage sa;
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&sa, end_to_sockaddr(from, &sa)) ||
	    !connect(fd, (void *)&sa, end_to_sockaddr(to, &sa)) ||
	    errno != EINPROGRESS)
		note("%s ", named(errno));
	return fd;
}

static void now_open(int fd, const char *as)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	if (poll(&p, 1, 4000) == 1 && !socket_error(fd, 0))
		note("%s ", as);
	set_timeout(fd, 2000);
	if (fcntl(fd, F_SETFL, 0))
		note("%s ", named(errno));
}

/*
 * Both ends call each other and their SYNs cross: the router keeps both back
 * until both are under way. On the target's own port somebody listens.
 */
static void simultaneous_open(int v, uint16_t port)
{
	struct end member = member_at(v, 6000), server;
	static struct frame a, b;
	struct pair p;
	struct view at;

	server = door_at(v, port == TARGET ? TARGET + 1 : port);
	wire_drain(net[0]);
	wire_drain(net[1]);
	ns_sh("rtr", "nft -f - <<E\n"
		     "table inet hold { chain f {\n"
		     " type filter hook forward priority 0;\n"
		     " tcp flags & (syn | ack) == syn drop\n }\n}\nE\n");
	p.server = connecting("srv", server, member);
	p.member = connecting("mem", member, server);
	if (wire_wait(net[0], is_tcp, NULL, &a, &at, 1000) &&
	    wire_wait(net[1], is_tcp, NULL, &b, &at, 1000)) {
		deliver(net[0], &b, 1, 2);
		deliver(net[1], &a, 5, 6);
	}
	now_open(p.member, "member");
	now_open(p.server, "server");
	talk(p);
	close(p.server);
	ended(p.member, "end");
	close(p.member);
	if (tcp_accept(target, NULL, NULL, 20) >= 0)
		note("accepted ");
	ns_sh("rtr", "nft delete table inet hold");
}

static void half_close(int v, uint16_t port)
{
	struct pair p;
	int i;

	for (i = 0; i < 2; i++) {
		if (!opened(&p, member_at(v, 0), door_at(v, port)))
			return;
		shutdown(i ? p.server : p.member, SHUT_WR);
		ended(i ? p.member : p.server, "end");
		bulk_and_end(i ? p.member : p.server, i ? p.server : p.member,
			     i ? "all up" : "all down");
		hang_up(p);
	}
}

/* By the member, by the server, and of one that nobody has accepted yet. */
static void resets(int v, uint16_t port)
{
	struct pair p;

	if (!opened(&p, member_at(v, 0), door_at(v, port)))
		return;
	close_hard(p.member);
	was_reset(p.server, "server");
	close(p.server);
	if (!opened(&p, member_at(v, 0), door_at(v, port)))
		return;
	close_hard(p.server);
	was_reset(p.member, "member");
	close(p.member);
	p.member = tcp_connect("mem", member_at(v, 0), door_at(v, port), 3000);
	close_hard(p.member);
	p.server = tcp_accept(target, NULL, NULL, 1000);
	was_reset(p.server, "backlog");
	close(p.server);
}

static void refused(int v, uint16_t port)
{
	int fd;

	close_target();
	fd = tcp_connect("mem", member_at(v, 0), door_at(v, port), 2000);
	note("%s ", fd < 0 ? named(-fd) : "connected");
	open_target();
}

struct reset {
	struct end from, to;
};

static bool is_reset(const struct view *v, const void *with)
{
	const struct reset *want = with;

	return v->proto == IPPROTO_TCP && end_equal(v->src, want->from) &&
	       end_equal(v->dst, want->to);
}

/* A segment that belongs to no connection, as FLAGS say. */
static void stray(int v, uint16_t port, uint8_t flags, const char *as)
{
	struct packet p = { .src = member_at(v, 7777),
			    .dst = door_at(v, port),
			    .proto = IPPROTO_TCP,
			    .flags = flags };
	struct reset want = { p.dst, p.src };
	static struct frame f;
	struct view at;

	frame_build(&f, &p);
	wire_drain(net[0]);
	wire_send(net[0], &f);
	if (wire_wait(net[0], is_reset, &want, &f, &at, 1000) &&
	    f.data[at.l4 + 13] & 4)
		note("%s ", as);
}

static void strays(int v, uint16_t port)
{
	stray(v, port, 0x10, "ACK");
	stray(v, port, 0x11, "FIN");
	stray(v, port, 0x12, "SYN+ACK");
	stray(v, port, 0x18, "PSH");
}

/* First a cookie is asked for, then data comes with the SYN itself. */
static void fast_open(int v, uint16_t port)
{
	struct end local, dialled = door_at(v, port);
	struct sockaddr_storage sa;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int i, fd, server;
	uint32_t got;

	ns_sh("mem", "ip tcp_metrics flush");
	for (i = 0; i < 2; i++) {
		fd = ns_socket("mem", dialled.family, SOCK_STREAM, 0);
		set_timeout(fd, 2000);
		if (sendto(fd, "word", 4, MSG_FASTOPEN, (void *)&sa,
			   end_to_sockaddr(dialled, &sa)) != 4)
			note("%s ", named(errno));
		server = tcp_accept(target, &local, NULL, 2000);
		if (server >= 0 && end_equal(local, dialled) &&
		    recv(server, &got, 4, 0) == 4)
			note("word ");
		say_word(server, fd, 7, "down");
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
		if (info.tcpi_options & TCPI_OPT_SYN_DATA)
			note("in the SYN ");
		close(fd);
		ended(server, "end");
		close(server);
	}
}

static void note_ecn(int fd, const char *as)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	    info.tcpi_options & TCPI_OPT_ECN_SEEN)
		note("%s ", as);
}

/* Negotiated, and marks arrive at both ends. */
static void ecn(int v, uint16_t port)
{
	struct pair p;

	if (!opened(&p, member_at(v, 0), door_at(v, port)))
		return;
	talk(p);
	note_ecn(p.member, "member");
	note_ecn(p.server, "server");
	hang_up(p);
}

static long cookies(void)
{
	return ns_number("srv", "nstat -saz TcpExtSyncookiesRecv |"
				" awk \"END {print \\$2}\"");
}

static void forced_cookies(int v, uint16_t port)
{
	long before = cookies();
	struct pair p;

	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=2");
	if (opened(&p, member_at(v, 0), door_at(v, port))) {
		talk(p);
		close(p.server);
		ended(p.member, "end");
		close(p.member);
	}
	stray(v, port, 0x10, "forged");
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=1");
	note("%ld ", cookies() - before);
}

/* Until the server has its FIN the member's port is taken. */
static void leave(int member)
{
	struct tcp_info info = { 0 };
	socklen_t size;
	int i;

	shutdown(member, SHUT_WR);
	for (i = 0; i < 1000 && info.tcpi_state != TCP_CLOSE; i++) {
		usleep(1000);
		size = sizeof(info);
		assert_return_code(getsockopt(member, IPPROTO_TCP, TCP_INFO,
					      &info, &size),
				   errno);
	}
	close(member);
}

/* The server closed first and waits; the member comes again at once. */
static void come_again(int v, uint16_t port, uint16_t from)
{
	struct pair p;
	int i;

	for (i = 0; i < 3; i++) {
		if (!opened(&p, member_at(v, from), door_at(v, port)))
			return;
		talk(p);
		close(p.server);
		ended(p.member, "end");
		leave(p.member);
	}
}

static void time_wait(int v, uint16_t port)
{
	come_again(v, port, 6001);
}

/* Neither timestamps nor memory of the SYN: sequence numbers must do. */
static void time_wait_plain(int v, uint16_t port)
{
	ns_sh("mem", "sysctl -qw net.ipv4.tcp_timestamps=0");
	come_again(v, port, 6002);
	ns_sh("mem", "sysctl -qw net.ipv4.tcp_timestamps=1");
}

static void time_wait_cookies(int v, uint16_t port)
{
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=2");
	come_again(v, port, 6003);
	ns_sh("srv", "sysctl -qw net.ipv4.tcp_syncookies=1");
}

#define THRICE "up down end up down end up down end "

static const struct {
	const char *name;
	void (*run)(int v, uint16_t port);
	const char *want;
} shape[] = {
#define SHAPE(name, want)         \
	{                         \
#name, name, want \
	}
	SHAPE(simultaneous_open, "member server up down end "),
	SHAPE(half_close, "end all down end all up "),
	SHAPE(resets, "server member backlog "),
	SHAPE(refused, "ECONNREFUSED "),
	SHAPE(strays, "ACK FIN SYN+ACK PSH "),
	SHAPE(fast_open, "word down end word down in the SYN end "),
	SHAPE(ecn, "up down member server "),
	SHAPE(forced_cookies, "up down end forged 1 "),
	SHAPE(time_wait, THRICE),
	SHAPE(time_wait_plain, THRICE),
	SHAPE(time_wait_cookies, THRICE),
};

static void all_shapes(uint16_t port)
{
	bool ok = true;
	size_t i;
	int v;

	open_target();
	for (i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		for (v = 0; v < 2; v++) {
			outcome[0] = '\0';
			shape[i].run(v, port);
			if (!strcmp(outcome, shape[i].want))
				continue;
			printf("# %s, IPv%d, port %d: %s\n# wanted: %s\n",
			       shape[i].name, v ? 6 : 4, port, outcome,
			       shape[i].want);
			ok = false;
		}
	}
	close_target();
	assert_true(ok);
}

static void dialled_directly(void **state)
{
	(void)state;
	all_shapes(TARGET);
}

static void dialled_443(void **state)
{
	(void)state;
	all_shapes(443);
}

static void no_bad_sums(void **state)
{
	static const char count[] = "nstat -saz TcpInCsumErrors |"
				    " awk \"END {print \\$2}\"";

	(void)state;
	assert_int_equal(ns_number("srv", count), 0);
	assert_int_equal(ns_number("mem", count), 0);
}

int main(void)
{
	static const struct CMUnitTest bare[] = {
		cmocka_unit_test(dialled_directly),
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialled_directly),
		cmocka_unit_test(dialled_443),
		cmocka_unit_test(no_bad_sums),
	};
	static const char *const ends[] = { "mem", "srv" };
	int failed, i;

	one_offload = true;
	world_make();
	world_offload(false);
	for (i = 0; i < 2; i++)
		ns_sh(ends[i], "sysctl -qw net.ipv4.tcp_ecn=1"
			       " net.ipv4.tcp_fastopen=3");
	net[0] = wire_open("rtr", "eth0");
	net[1] = wire_open("rtr", "eth1");
	failed = cmocka_run_group_tests_name("no door", bare, NULL, NULL);
	return failed + RUN_MATRIX(tests, "18");
}
