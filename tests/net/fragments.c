/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Fragments of every size and order through a loaded door. */
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "matrix.h"

#define PIECES 512

static int wire = -1;
static uint8_t payload[4000];

static void setup_payload(void)
{
	size_t i;

	memcpy(payload, golden_data.data, golden_data.len);
	for (i = golden_data.len; i < sizeof(payload); i++)
		payload[i] = i * 13;
	if (wire < 0)
		wire = wire_open("rtr", "eth0");
}

static struct packet big(int v, size_t len)
{
	return (struct packet){
		.src = end(member_address[v], 5000),
		.dst = end(door_address[v], 443),
		.payload = payload,
		.len = len,
	};
}

enum order { FORWARD, BACKWARD, ODD_FIRST, ORDERS };

static size_t place(enum order order, size_t i, size_t n)
{
	switch (order) {
	case BACKWARD: return n - 1 - i;
	case ODD_FIRST: return i < n / 2 ? 2 * i + 1 : 2 * (i - n / 2);
	default: return i;
	}
}

static void send_pieces(const struct packet *p, size_t size, enum order order)
{
	static struct frame whole, f;
	size_t n = (8 + p->len + size - 1) / size, i;

	frame_build(&whole, p);
	fragment_id++;
	for (i = 0; i < n; i++) {
		frame_fragment(&f, &whole, place(order, i, n) * size, size);
		wire_send(wire, &f);
	}
}

static bool to_member(const struct view *v, const void *with)
{
	const struct packet *p = with;

	return v->proto == IPPROTO_UDP && end_equal(v->dst, p->src);
}

static void one_datagram(const struct packet *p, size_t size, enum order order)
{
	static struct heard h;
	static struct frame f;
	struct view v;

	send_pieces(p, size, order);
	assert_true(server_hear(&h, 1000));
	assert_int_equal(h.len, p->len);
	assert_memory_equal(h.data, p->payload, p->len);
	assert_int_equal(h.peer.port, p->src.port);
	wire_drain(wire);
	server_say(&h, golden_reply_data.data, golden_reply_data.len);
	assert_true(wire_wait(wire, to_member, p, &f, &v, 1000));
	assert_int_equal(v.src.port, 443);
}

/* Requirement 14: 8 to 1480 bytes, in and out of order. */
static void in_any_order(void **state)
{
	static const size_t size[] = { 8, 16, 24, 64, 552, 1280, 1448, 1480 };
	struct packet p;
	enum order order;
	size_t s;
	int v;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		for (s = 0; s < sizeof(size) / sizeof(size[0]); s++) {
			if (v && size[s] > 1448) /* what fits 1500 */
				continue;
			p = big(v, size[s] < 64 ? 200 : sizeof(payload));
			for (order = FORWARD; order < ORDERS; order++)
				one_datagram(&p, size[s], order);
		}
	}
}

/* RFC 4787, REQ-14; RFC 5722: what overlaps is thrown away. */
static void overlaps(void **state)
{
	static struct frame whole, f;
	static struct heard h;
	struct packet p;
	int v, order;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		for (order = 0; order < 2; order++) {
			p = big(v, 120);
			frame_build(&whole, &p);
			fragment_id++;
			frame_fragment(&f, &whole, order ? 40 : 0, 64);
			wire_send(wire, &f);
			frame_fragment(&f, &whole, order ? 0 : 40, 64);
			wire_send(wire, &f);
			frame_fragment(&f, &whole, 104, 64);
			wire_send(wire, &f);
			assert_false(server_hear(&h, 50));
		}
	}
}

/* Two members' datagrams, piece by piece in turn. */
static void interleaved(void **state)
{
	static struct frame whole[2], f;
	static struct heard h;
	struct packet p[2];
	size_t from;
	int v, i;

	(void)state;
	for (v = 0; v < 4; v += 2) {
		p[0] = p[1] = big(v, 400);
		p[1].src = end(member_address[v + 1], 5000);
		frame_build(&whole[0], &p[0]);
		frame_build(&whole[1], &p[1]);
		fragment_id++;
		for (from = 0; from < 408; from += 16) {
			for (i = 0; i < 2; i++) {
				frame_fragment(&f, &whole[i], from, 16);
				wire_send(wire, &f);
			}
		}
		for (i = 0; i < 2; i++) {
			assert_true(server_hear(&h, 1000));
			assert_int_equal(h.len, 400);
			assert_memory_equal(h.data, payload, 400);
		}
	}
}

/* Out: the server's stack cuts, the member gets it from the port dialled. */
static void small_mtu_out(void **state)
{
	static const int mtu[] = { 68, 100, 576, 1280 };
	static struct heard h;
	static uint8_t got[4096];
	struct end dial, from;
	const int dont = IP_PMTUDISC_DONT;
	size_t m;
	int v, fd;

	(void)state;
	for (m = 0; m < 4; m++) {
		ns_sh("srv",
		      "ip route change default via " ROUTER4 " mtu lock %d",
		      mtu[m]);
		for (v = 0; v < 4; v += 2) {
			if (v && mtu[m] < 1280)
				continue;
			fd = udp_at("mem", end(member_address[v], 0));
			dial = end(door_address[v], 443);
			udp_send(fd, dial, golden_first[0].data, 14);
			assert_true(server_hear(&h, 1000));
			(void)setsockopt(h.fd, v ? IPPROTO_IPV6 : IPPROTO_IP,
					 v ? IPV6_MTU_DISCOVER
					   : IP_MTU_DISCOVER,
					 &dont, sizeof(dont));
			server_say(&h, payload, v ? 4000 : 1200);
			assert_int_equal(udp_recv(fd, &from, got, sizeof(got),
						  1000),
					 v ? 4000 : 1200);
			assert_true(end_equal(from, dial));
			assert_memory_equal(got, payload, v ? 4000 : 1200);
			close(fd);
		}
	}
	ns_sh("srv", "ip route change default via " ROUTER4);
}

/* Bytes FROM to TO of WHOLE's IPv6 payload, whose first header is KIND. */
static void send_slice(const struct frame *whole, uint8_t kind, size_t from,
		       size_t to)
{
	const size_t l4 = 14 + 40;
	bool more = l4 + to < whole->len;
	size_t length = 8 + to - from;
	static struct frame f;
	uint8_t header[8] = { kind, 0, from >> 8, from | more };

	memcpy(header + 4, &fragment_id, sizeof(fragment_id));
	memcpy(f.data, whole->data, l4);
	f.data[14 + 4] = length >> 8;
	f.data[14 + 5] = length;
	f.data[14 + 6] = IPPROTO_FRAGMENT;
	memcpy(f.data + l4, header, 8);
	memcpy(f.data + l4 + 8, whole->data + l4 + from, to - from);
	f.len = l4 + length;
	wire_send(wire, &f);
}

static void not_heard(struct packet *p, const uint8_t *chain, size_t n,
		      size_t cut)
{
	static struct frame whole;
	static struct heard h;

	p->chain = chain;
	p->n_chain = n;
	frame_build(&whole, p);
	fragment_id++;
	send_slice(&whole, chain[0], 0, cut);
	send_slice(&whole, chain[0], cut, whole.len - 14 - 40);
	assert_false(server_hear(&h, 50));
}

/*
 * Requirement 15: what is not OpenVPN, to its own port, in two pieces of which
 * the first does not show it: its chain goes on in the second, or a fragment
 * lies within a fragment.
 */
static void in_disguise(void **state)
{
	static const uint8_t options[] = { IPPROTO_DSTOPTS, IPPROTO_DSTOPTS };
	static const uint8_t nested[] = { IPPROTO_FRAGMENT };
	static const uint8_t junk[64] = "GET / HTTP/1.0";
	struct packet p = big(2, 0);

	(void)state;
	p.dst.port = TARGET;
	p.payload = junk;
	p.len = sizeof(junk);
	not_heard(&p, options, 2, 16);
	not_heard(&p, nested, 1, 24);
	ns_sh("srv", "nft \"add table inet t; add chain inet t c { type filter "
		     "hook input priority 0; }; "
		     "add rule inet t c ct state established\"");
	not_heard(&p, options, 2, 16);
	not_heard(&p, nested, 1, 24);
	ns_sh("srv", "nft delete table inet t");
}

static void no_bad_sums(void **state)
{
	(void)state;
	assert_int_equal(bad_sums("srv"), 0);
	assert_int_equal(bad_sums("mem"), 0);
}

static void start(void **state)
{
	(void)state;
	setup_payload();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(start),       cmocka_unit_test(in_any_order),
		cmocka_unit_test(overlaps),    cmocka_unit_test(interleaved),
		cmocka_unit_test(in_disguise), cmocka_unit_test(small_mtu_out),
		cmocka_unit_test(no_bad_sums),
	};

	world_make();
	return RUN_MATRIX(tests, "14 15");
}
