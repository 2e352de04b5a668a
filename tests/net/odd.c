/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Packets of odd shapes, to OpenVPN's own port, on a real stack: what is not
 * OpenVPN reaches it in none of them, though without the door it would.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"
#include "sum.h"

static int wire = -1;
static uint8_t junk[200];

static struct packet to_target(int v)
{
	return (struct packet){
		.src = end(v ? MEMBER_A6 : MEMBER_A4, 5000),
		.dst = end(v ? DOOR_A6 : DOOR_A4, TARGET),
		.payload = junk,
		.len = 64,
	};
}

static void plain(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void in_pieces(int v, size_t first)
{
	static struct frame whole, f;
	struct packet p = to_target(v);

	frame_build(&whole, &p);
	fragment_id++;
	frame_fragment(&f, &whole, 0, first);
	wire_send(wire, &f);
	frame_fragment(&f, &whole, first, 64);
	wire_send(wire, &f);
}

static void pieces(int v)
{
	in_pieces(v, 24);
}

static void pieces_backward(int v)
{
	static struct frame whole, f;
	struct packet p = to_target(v);

	frame_build(&whole, &p);
	fragment_id++;
	frame_fragment(&f, &whole, 24, 64);
	wire_send(wire, &f);
	frame_fragment(&f, &whole, 0, 24);
	wire_send(wire, &f);
}

/* The UDP length covers the first 64 bytes, IP's 100 more. */
static void short_udp_length(int v)
{
	static struct frame f, tail;
	struct packet p = to_target(v);
	struct view at;

	frame_build(&tail, &p);
	frame_view(&tail, &at);
	p.len += 100;
	frame_build(&f, &p);
	memcpy(f.data + at.l4 + 4, tail.data + at.l4 + 4, 4);
	wire_send(wire, &f);
}

static void trailing_bytes(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	frame_build(&f, &p);
	f.len += 50;
	wire_send(wire, &f);
}

static void chain(const uint8_t *kind, size_t n)
{
	static struct frame f;
	struct packet p = to_target(1);

	p.chain = kind;
	p.n_chain = n;
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void options(int v)
{
	static const uint8_t nops[40] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const uint8_t kinds[] = { 0, 60, 60, 60 };
	static struct frame f;
	struct packet p = to_target(v);

	p.options = nops;
	p.n_options = sizeof(nops);
	p.chain = kinds;
	p.n_chain = sizeof(kinds);
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void long_chain(int v)
{
	static const uint8_t kinds[] = { 60, 60, 60, 60, 60, 60, 60, 60, 60 };

	if (v)
		chain(kinds, sizeof(kinds));
	else
		plain(v);
}

static void udp_length_0(int v)
{
	struct packet p = to_target(v);
	struct sum_pseudo pseudo = { p.src.family, p.src.ip, p.dst.ip,
				     IPPROTO_UDP };
	size_t l4 = v ? 54 : 34;
	static struct frame f;
	uint16_t sum;

	frame_build(&f, &p);
	memset(f.data + l4 + 4, 0, 4);
	sum = sum_transport(&pseudo, f.data + l4, f.len - l4);
	f.data[l4 + 6] = sum >> 8;
	f.data[l4 + 7] = sum & 0xff;
	wire_send(wire, &f);
}

static void ip_length_0(int v)
{
	static const uint8_t hop = 0;
	static struct frame f;
	struct packet p = to_target(v);

	p.chain = &hop;
	p.n_chain = v;
	frame_build(&f, &p);
	f.data[14 + 4] = f.data[14 + 5] = 0; /* on IPv4: the id */
	wire_send(wire, &f);
}

static void own_source(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	p.src = end(v ? DOOR_A6 : DOOR_A4, 5000);
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void other_own_source(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	p.src = end(v ? DOOR_B6 : DOOR_B4, 0);
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void without_sum(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	p.sum = SUM_ZERO;
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void source_port_0(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	p.src.port = 0;
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void empty(int v)
{
	static struct frame f;
	struct packet p = to_target(v);

	p.len = 0;
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static void short_payload(int v)
{
	static struct frame f;
	struct packet p =
		datagram(to_target(v).src, to_target(v).dst, &golden_first[0]);

	p.len = 8;
	frame_build(&f, &p);
	wire_send(wire, &f);
}

static const struct {
	const char *name;
	void (*send)(int v);
	unsigned int bare; /* who gets it without the door: 1 IPv4, 2 IPv6 */
} shape[] = {
#define SHAPE(name, bare)         \
	{                         \
#name, name, bare \
	}
	SHAPE(plain, 3),
	SHAPE(pieces, 3),
	SHAPE(pieces_backward, 3),
	SHAPE(short_udp_length, 3),
	SHAPE(trailing_bytes, 3),
	SHAPE(options, 3),
	SHAPE(long_chain, 3),
	SHAPE(udp_length_0, 2),
	SHAPE(ip_length_0, 3),
	SHAPE(own_source, 2),
	SHAPE(other_own_source, 2),
	SHAPE(without_sum, 1),
	SHAPE(source_port_0, 3),
	SHAPE(empty, 3),
	SHAPE(short_payload, 3),
};

static void send_all(bool loaded)
{
	static struct heard h;
	bool ok = true, heard;
	size_t i;
	int v;

	for (i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		for (v = 0; v < 2; v++) {
			shape[i].send(v);
			heard = server_hear(&h, loaded ? 5 : 100);
			if (heard == (!loaded && shape[i].bare >> v & 1))
				continue;
			printf("# %s, IPv%d: OpenVPN %s it\n", shape[i].name,
			       v ? 6 : 4, heard ? "gets" : "does not get");
			ok = false;
		}
	}
	assert_false(loaded && server_hear(&h, 100));
	assert_true(ok);
}

static void delivered_without_door(void **state)
{
	(void)state;
	send_all(false);
}

static void stopped_by_door(void **state)
{
	(void)state;
	send_all(true);
}

/* The first fragment has no opcode to look at: it costs the budget. */
static void header_alone_counts(void **state)
{
	static struct heard h;
	struct door loaded;
	uint64_t before;
	int v;

	(void)state;
	door_of(&loaded, "srv");
	for (v = 0; v < 2; v++) {
		before = door_count(&loaded, AP_C_udp_new);
		in_pieces(v, 8);
		(void)server_hear(&h, 30);
		assert_int_equal(door_count(&loaded, AP_C_udp_new), before + 1);
	}
}

/* RFC 1858, 3128, 7112: the stack itself puts an end to these. */
static void tiny_fragments(void **state)
{
	static struct frame whole, f;
	static struct heard h;
	struct packet p;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = to_target(v);
		frame_build(&whole, &p);
		fragment_id++;
		frame_fragment(&f, &whole, 0, 8);
		f.len -= 4; /* half a UDP header */
		f.data[14 + (v ? 5 : 3)] -= 4;
		wire_send(wire, &f);
		frame_fragment(&f, &whole, 8, 64);
		wire_send(wire, &f);
		assert_false(server_hear(&h, 30));
	}
}

/* Real ones get in meanwhile, options and extension headers or not. */
static void openvpn_gets_in(void **state)
{
	static const uint8_t kinds[] = { 0, 60, 60, 60 },
			     nops[] = { 1, 1, 1, 1 };
	static struct heard h;
	static struct frame f;
	struct packet p;
	int v;

	(void)state;
	for (v = 0; v < 2; v++) {
		p = datagram(with_port(to_target(v).src, 5001),
			     end(v ? DOOR_A6 : DOOR_A4, 443), &golden_first[4]);
		p.chain = kinds;
		p.n_chain = 4;
		p.options = nops;
		p.n_options = 4;
		frame_build(&f, &p);
		wire_send(wire, &f);
		assert_true(server_hear(&h, 1000));
		assert_int_equal(h.len, golden_first[4].len);
		assert_int_equal(h.peer.port, 5001);
	}
}

int main(void)
{
	static const struct CMUnitTest bare[] = {
		cmocka_unit_test(delivered_without_door),
	};
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopped_by_door),
		cmocka_unit_test(header_alone_counts),
		cmocka_unit_test(tiny_fragments),
		cmocka_unit_test(openvpn_gets_in),
	};
	int failed;

	memset(junk, 'G', sizeof(junk));
	one_offload = true;
	world_make();
	wire = wire_open("rtr", "eth0");
	ns_sh("rtr", "ping -c1 -W1 " DOOR_A4 " >/dev/null;"
		     "ping -c1 -W1 " DOOR_A6 " >/dev/null");
	server_open();
	failed = cmocka_run_group_tests_name("no door", bare, NULL, NULL);
	server_close();
	return failed + RUN_MATRIX(tests, "15 19 20");
}
