/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Sequences that nobody thought of; the seed determines them. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"

#define STRAY_PORT 443 /* a member's, over TCP: it never connects */
#define N(a)       (sizeof(a) / sizeof((a)[0]))

static uint64_t number;

void random_seed(uint64_t seed)
{
	number = seed * 2 + 1;
}

/* splitmix64 */
static uint64_t random_next(void)
{
	uint64_t z = number += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t random_below(uint32_t n)
{
	return (random_next() >> 32) % n;
}

static bool percent(uint32_t n)
{
	return random_below(100) < n;
}

static bool is_there(const struct sequence *s, const struct flow *f)
{
	unsigned int i;

	for (i = 0; i < s->n_flows; i++)
		if (!memcmp(&s->flow[i], f, sizeof(*f)))
			return true;
	return false;
}

/* Few members, ports and addresses, so that flows get in each other's way. */
static void add_flow(struct sequence *s)
{
	static const uint16_t dial[] = { 1194,       1194,   1194,    443,
					 443,        443,    53,      53,
					 65535,      PASSED, SERVICE, HOST_PORT,
					 CLIENT_PORT };
	static const uint16_t port[] = { 5000, 5000, 5000, 1194, 1194, 443 };
	struct flow f;

	memset(&f, 0, sizeof(f));
	f.proto = percent(70) ? IPPROTO_UDP : IPPROTO_TCP;
	f.v6 = percent(45);
	f.member = random_below(2);
	f.door = random_below(2);
	f.port = port[random_below(N(port))];
	f.dialled = dial[random_below(N(dial))];
	if (f.dialled == CLIENT_PORT)
		f.door = f.v6; /* which the masquerading takes */
	if (!is_there(s, &f))
		s->flow[s->n_flows++] = f;
}

static void twist_say(struct step *st)
{
	static const uint16_t len[] = { 1, 8, 13, 14, 22, 25, 26, 200, 1400 };
	static const uint16_t frag[] = { 8, 16, 24, 64, 552 };

	if (percent(15))
		st->arg[A_LEN] = len[random_below(N(len))];
	switch (random_below(12)) {
	case 0:
	case 1:
		st->arg[A_FRAG] = frag[random_below(N(frag))];
		st->arg[A_ORDER] = random_below(3);
		st->arg[A_OVERLAP] = percent(10);
		st->arg[A_LOST] = percent(10);
		if (st->arg[A_FRAG] == 552 && percent(70))
			st->arg[A_LEN] = 1400 + random_below(1500);
		else if (st->arg[A_LEN] > 200)
			st->arg[A_LEN] = 0; /* too many pieces */
		break;
	case 2: st->arg[A_SUM] = 1 + random_below(2); break;
	case 3: st->arg[A_CHAIN] = 1 + random_below(4); break;
	case 4:
		if (percent(50))
			st->arg[A_CUT] = 1 + random_below(90);
		else
			st->arg[A_UDPLEN] = random_below(80);
		break;
	}
	if (st->arg[A_FRAG])
		st->arg[A_CHAIN] = 0;
}

static void twist_error(struct step *st, const struct flow *f)
{
	static const uint8_t type4[] = { 3, 3, 3, 3, 11, 12, 4 };
	static const uint8_t type6[] = { 1, 1, 2, 3, 4 };

	st->arg[A_TYPE] = f->v6 ? type6[random_below(N(type6))]
				: type4[random_below(N(type4))];
	if (st->arg[A_TYPE] == 3 && !f->v6)
		st->arg[A_CODE] = random_below(14);
	else
		st->arg[A_CODE] = random_below(2);
	if ((f->v6 && st->arg[A_TYPE] == 2) ||
	    (!f->v6 && st->arg[A_TYPE] == 3 && st->arg[A_CODE] == 4))
		st->arg[A_INFO] = f->v6 ? 1280 : 600 + random_below(600);
	if (percent(40))
		st->arg[A_QUOTE] = (f->v6 ? 40 : 20) + 8 * random_below(3);
}

static void udp_step(struct step *st, const struct flow *f)
{
	static const enum kind kind[] = { K_RESET,  K_RESET,   K_RESET,
					  K_RESET3, K_CONTROL, K_CONTROL,
					  K_ACK,    K_DATA,    K_DATA,
					  K_DATA };
	uint32_t dice = random_below(100);

	if (f->dialled == HOST_PORT && dice < 30) {
		st->op = OP_HOST;
	} else if (f->dialled == CLIENT_PORT && dice < 30) {
		st->op = OP_CLIENT;
	} else if (dice < 75) {
		st->op = OP_SAY;
		st->kind = percent(12) ? K_JUNK : kind[random_below(N(kind))];
		twist_say(st);
	} else if (dice < 88 && f->dialled != HOST_PORT) {
		st->op = OP_REPLY;
		st->kind = percent(80) ? K_DATA : K_CONTROL;
		if (percent(30))
			st->arg[A_LEN] = 1000 + random_below(3000);
	} else if (dice < 97) {
		st->op = OP_ERROR;
		twist_error(st, f);
	} else {
		st->op = OP_PING;
	}
}

static void tcp_step(struct step *st, const struct flow *f)
{
	static const uint8_t flags[] = { 0, 1, 4, 16, 17, 18, 20, 41, 63 };
	uint32_t dice = random_below(100);

	st->kind = K_DATA;
	if (f->port == STRAY_PORT) {
		st->op = OP_STRAY;
		st->arg[A_FLAGS] = flags[random_below(N(flags))];
	} else if (dice < 40) {
		st->op = OP_SYN;
		st->arg[A_SUM] = percent(5) ? 2 : 0;
	} else if (dice < 66) {
		st->op = OP_SAY;
		st->arg[A_SUM] = percent(5) ? 2 : 0;
	} else if (dice < 76) {
		st->op = OP_REPLY;
		st->arg[A_LEN] = 1 + random_below(1500);
	} else if (dice < 82) {
		st->op = OP_FIN;
	} else if (dice < 88) {
		st->op = OP_CLOSE;
	} else {
		st->op = OP_RST;
	}
}

void random_sequence(struct sequence *s)
{
	unsigned int flows = 2 + random_below(5);
	unsigned int steps = 6 + random_below(20), i;

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "random");
	for (i = 0; i < flows; i++)
		add_flow(s);
	for (i = 0; i < steps; i++) {
		struct step *st = &s->step[s->n_steps++];
		const struct flow *f;

		st->flow = random_below(s->n_flows);
		f = &s->flow[st->flow];
		if (percent(4))
			st->op = percent(50) ? OP_DOWN : OP_UP;
		else if (f->proto == IPPROTO_UDP)
			udp_step(st, f);
		else
			tcp_step(st, f);
	}
}
