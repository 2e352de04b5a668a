/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Everybody else's traffic, on a host that masquerades and tracks connections:
 * every probe has the same outcome with the door loaded as without.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "matrix.h"
#include "probe.h"

#define INSIDE4 "10.9.0.1" /* the server, as the client sees it */
#define INSIDE6 "fd09::1"

static const char *addr(int v, const char *v4, const char *v6)
{
	return v ? v6 : v4;
}

static struct end mem(int v, uint16_t port)
{
	return end(addr(v, MEMBER_A4, MEMBER_A6), port);
}

static struct end door_at(int v, uint16_t port)
{
	return end(addr(v, DOOR_A4, DOOR_A6), port);
}

/* ---- the host's own traffic ---------------------------------------------*/

static enum outcome own_query(int v)
{
	return ask_and_close(udp_at("srv", door_at(v, 0)), mem(v, 53),
			     udp_at("mem", mem(v, 53)));
}

static enum outcome own_connected_query(int v)
{
	struct end to = mem(v, 53);

	return ask_and_close(connected_udp("srv", door_at(v, 0), to), to,
			     udp_at("mem", to));
}

static enum outcome own_fixed_port(int v)
{
	return ask_and_close(udp_at("srv", door_at(v, 123)), mem(v, 123),
			     udp_at("mem", mem(v, 123)));
}

static enum outcome own_query_refused(int v)
{
	struct end to = mem(v, 54);

	return ask_and_close(connected_udp("srv", door_at(v, 0), to), to, -1);
}

static enum outcome own_tcp(int v)
{
	return ask_tcp("srv", door_at(v, 0), mem(v, 443),
		       tcp_listen("mem", mem(v, 443)));
}

static enum outcome own_tcp_refused(int v)
{
	return ask_tcp("srv", door_at(v, 0), mem(v, 444), -1);
}

/* ---- to the host --------------------------------------------------------*/

/* On IPv6 a wildcard socket would answer from an address of its choice. */
static enum outcome local_service(int v)
{
	return ask_and_close(udp_at("mem", mem(v, 0)), door_at(v, 5353),
			     udp_at("srv", v ? door_at(v, 5353)
					     : end("0.0.0.0", 5353)));
}

static enum outcome dhcp_port(int v)
{
	return ask_and_close(udp_at("mem", mem(v, v ? 547 : 67)),
			     door_at(v, v ? 546 : 68),
			     udp_at("srv", door_at(v, v ? 546 : 68)));
}

static enum outcome excluded_port(int v)
{
	struct end to = door_at(v, 500);

	return ask_and_close(connected_udp("mem", mem(v, 0), to), to, -1);
}

static enum outcome excluded_tcp(int v)
{
	return ask_tcp("mem", mem(v, 0), door_at(v, 22), -1);
}

static enum outcome other_address(int v)
{
	struct end to = end(addr(v, INSIDE4, INSIDE6), 443);

	return ask_and_close(connected_udp("mem", mem(v, 0), to), to, -1);
}

static enum outcome not_openvpn(int v)
{
	struct end to = door_at(v, 5000);
	int fd = connected_udp("mem", mem(v, 0), to);

	udp_send(fd, to, "\x01\x00\x00\x01", 4);
	v = socket_error(fd, 500);
	close(fd);
	return v == ECONNREFUSED ? REFUSED : NOTHING;
}

static enum outcome ping(int v)
{
	return ns_try("mem", "ping -c1 -W1 %s >/dev/null",
		      addr(v, DOOR_A4, DOOR_A6))
		       ? NOTHING
		       : ANSWERED;
}

/* ---- what is for many, and what is neither TCP nor UDP ------------------*/

static enum outcome to_many(int v, const char *address)
{
	int at = udp_on_link("srv", end(address, TARGET));

	return ask_many(udp_on_link("rtr", end(addr(v, ROUTER4, ROUTER6), 0)),
			end(address, TARGET), at);
}

static enum outcome multicast(int v)
{
	return to_many(v, addr(v, "224.0.0.251", "ff02::fb"));
}

/* IPv6 has none, but a group of all hosts. */
static enum outcome broadcast(int v)
{
	return to_many(v, addr(v, "198.51.100.255", "ff02::1"));
}

static enum outcome limited_broadcast(int v)
{
	return to_many(v, addr(v, "255.255.255.255", "ff05::1:3"));
}

static enum outcome gre(int v)
{
	return ask_raw(IPPROTO_GRE, mem(v, 0), door_at(v, 0));
}

static enum outcome esp(int v)
{
	return ask_raw(IPPROTO_ESP, mem(v, 0), door_at(v, 0));
}

/* ---- a masqueraded client -----------------------------------------------*/

static struct end client(int v, uint16_t port)
{
	return end(addr(v, CLIENT4, CLIENT6), port);
}

static enum outcome client_from(int v, uint16_t port)
{
	int from = udp_at("cli", client(v, port));
	int at = udp_at("mem", mem(v, 443));
	enum outcome first = ask(from, mem(v, 443), at);
	enum outcome second = ask_and_close(from, mem(v, 443), at);

	return MIN(first, second);
}

static enum outcome client_udp(int v)
{
	return client_from(v, 40001);
}

static enum outcome client_low_port(int v)
{
	return client_from(v, 5353);
}

static enum outcome client_from_target(int v)
{
	return client_from(v, TARGET);
}

static enum outcome client_refused(int v)
{
	struct end to = mem(v, 444);

	return ask_and_close(connected_udp("cli", client(v, 0), to), to, -1);
}

static enum outcome client_tcp(int v)
{
	return ask_tcp("cli", client(v, 0), mem(v, 443),
		       tcp_listen("mem", mem(v, 443)));
}

static enum outcome client_ping(int v)
{
	return ns_try("cli", "ping -c1 -W1 %s >/dev/null",
		      addr(v, MEMBER_A4, MEMBER_A6))
		       ? NOTHING
		       : ANSWERED;
}

/* ---- forwarded, with public addresses on both sides ---------------------*/

static struct end public(int v, uint16_t port)
{
	return end(addr(v, PUBLIC4, PUBLIC6), port);
}

static enum outcome forwarded_in(int v)
{
	return ask_and_close(udp_at("mem", mem(v, 0)), public(v, 443),
			     udp_at("cli", public(v, 443)));
}

static enum outcome forwarded_to_target(int v)
{
	return ask_and_close(udp_at("mem", mem(v, TARGET)), public(v, TARGET),
			     udp_at("cli", public(v, TARGET)));
}

static enum outcome forwarded_out(int v)
{
	return ask_and_close(udp_at("cli", public(v, TARGET)), mem(v, 443),
			     udp_at("mem", mem(v, 443)));
}

static enum outcome forwarded_tcp(int v)
{
	return ask_tcp("mem", mem(v, 0), public(v, 443),
		       tcp_listen("cli", public(v, 443)));
}

static enum outcome forwarded_tcp_refused(int v)
{
	return ask_tcp("mem", mem(v, 0), public(v, 444), -1);
}

/* ---- requirement 17: from inside, and from the host itself --------------*/

static enum outcome inside_udp(int v)
{
	struct end to = door_at(v, 443);

	return ask_and_close(connected_udp("cli", client(v, 0), to), to, -1);
}

static enum outcome inside_tcp(int v)
{
	return ask_tcp("cli", client(v, 0), door_at(v, 443), -1);
}

static enum outcome inside_public_tcp(int v)
{
	return ask_tcp("cli", public(v, 0), door_at(v, 443), -1);
}

static enum outcome inside_target(int v)
{
	struct end to = door_at(v, TARGET);

	server_close();
	v = ask_and_close(udp_at("cli", client(v, 0)), to, udp_at("srv", to));
	server_open();
	return v;
}

static enum outcome itself_udp(int v)
{
	struct end to = door_at(v, 443);

	return ask_and_close(connected_udp("srv", door_at(v, 0), to), to, -1);
}

static enum outcome itself_tcp(int v)
{
	return ask_tcp("srv", door_at(v, 0), door_at(v, 443), -1);
}

static enum outcome itself_loopback(int v)
{
	const char *lo = addr(v, "127.0.0.1", "::1");

	return ask_tcp("srv", end(lo, 0), end(lo, 443), -1);
}

static enum outcome inside_claimed_tcp(int v)
{
	return ask_tcp("cli", client(v, 0), door_at(v, 8443),
		       tcp_listen("srv", door_at(v, 8443)));
}

static const struct {
	const char *name;
	enum outcome (*run)(int v);
	enum outcome want;
} probe[] = {
#define PROBE(name, want)         \
	{                         \
#name, name, want \
	}
	PROBE(own_query, ANSWERED),
	PROBE(own_connected_query, ANSWERED),
	PROBE(own_fixed_port, ANSWERED),
	PROBE(own_query_refused, REFUSED),
	PROBE(own_tcp, ANSWERED),
	PROBE(own_tcp_refused, REFUSED),
	PROBE(local_service, ANSWERED),
	PROBE(dhcp_port, ANSWERED),
	PROBE(excluded_port, REFUSED),
	PROBE(excluded_tcp, REFUSED),
	PROBE(other_address, REFUSED),
	PROBE(not_openvpn, REFUSED),
	PROBE(ping, ANSWERED),
	PROBE(multicast, ANSWERED),
	PROBE(broadcast, ANSWERED),
	PROBE(limited_broadcast, ANSWERED),
	PROBE(gre, ANSWERED),
	PROBE(esp, ANSWERED),
	PROBE(client_udp, ANSWERED),
	PROBE(client_low_port, ANSWERED),
	PROBE(client_from_target, ANSWERED),
	PROBE(client_refused, REFUSED),
	PROBE(client_tcp, ANSWERED),
	PROBE(client_ping, ANSWERED),
	PROBE(forwarded_in, ANSWERED),
	PROBE(forwarded_to_target, ANSWERED),
	PROBE(forwarded_out, ANSWERED),
	PROBE(forwarded_tcp, ANSWERED),
	PROBE(forwarded_tcp_refused, REFUSED),
	PROBE(inside_udp, REFUSED),
	PROBE(inside_tcp, REFUSED),
	PROBE(inside_public_tcp, REFUSED),
	PROBE(inside_target, ANSWERED),
	PROBE(itself_udp, REFUSED),
	PROBE(itself_tcp, REFUSED),
	PROBE(itself_loopback, REFUSED),
	PROBE(inside_claimed_tcp, ANSWERED),
};

/* From then on sk_lookup has a listener to hand out. */
static void member_dials(int target)
{
	int fd, server, v;

	for (v = 0; v < 2; v++) {
		fd = tcp_connect("mem", mem(v, 0), door_at(v, 443), 2000);
		if (fd < 0)
			continue;
		server = tcp_accept(target, NULL, NULL, 1000);
		close(server);
		close(fd);
	}
}

static void all_probes(void **state)
{
	int target = tcp_listen("srv", end("::", TARGET));
	enum outcome got;
	bool ok = true;
	size_t i;
	int v;

	(void)state;
	member_dials(target);
	ns_sh("srv", "conntrack -F 2>/dev/null");
	for (i = 0; i < sizeof(probe) / sizeof(probe[0]); i++) {
		for (v = 0; v < 2; v++) {
			got = probe[i].run(v);
			if (got == probe[i].want)
				continue;
			printf("# %s, IPv%d: outcome %d, not %d\n",
			       probe[i].name, v ? 6 : 4, got, probe[i].want);
			ok = false;
		}
	}
	close(target);
	assert_true(ok);
}

/* The door works beside all that, and conntrack learns nothing of it. */
static void members_get_in(void **state)
{
	int target = tcp_listen("srv", end("::", TARGET)), fd, server, v;

	(void)state;
	for (v = 0; v < 2; v++) {
		fd = udp_at("mem", mem(v, 5999));
		exchange(fd, door_at(v, 443), &golden_first[1],
			 &golden_reply_reset);
		exchange(fd, door_at(v, 443), &golden_data, &golden_reply_data);
		close(fd);
		fd = tcp_connect("mem", mem(v, 0), door_at(v, 443), 2000);
		assert_true(fd >= 0);
		server = tcp_accept(target, NULL, NULL, 1000);
		assert_true(server >= 0);
		close(server);
		close(fd);
	}
	close(target);
	assert_int_equal(ns_number("srv", "cat /proc/net/nf_conntrack |"
					  " grep -c \"udp.*port=5999 \""),
			 0);
}

int main(void)
{
	static const struct CMUnitTest bare[] = {
		cmocka_unit_test(all_probes),
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_probes),
		cmocka_unit_test(members_get_in),
	};
	int failed;

	world_make();
	world_masquerade();
	server_open();
	failed = cmocka_run_group_tests_name("no door", bare, NULL, NULL);
	server_close();
	more_udp = "pass = 500";
	more_tcp = "claim = 8443";
	return failed + RUN_MATRIX(tests, "16 17");
}
