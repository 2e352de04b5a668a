/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * SipHash-1-3 (Aumasson and Bernstein) over whole 64-bit words. Keyed, because
 * an outsider who could predict it would aim at a member's alias ports or at a
 * prefix's bucket. Pure.
 */
#ifndef HASH_H
#define HASH_H

#include <linux/types.h>

#include "parse.h"

struct sip {
	__u64 a, b, c, d;
};

static __always_inline __u64 rotate_left(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static __always_inline void sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = rotate_left(s->b, 13) ^ s->a;
	s->a = rotate_left(s->a, 32);
	s->c += s->d;
	s->d = rotate_left(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotate_left(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotate_left(s->b, 17) ^ s->c;
	s->c = rotate_left(s->c, 32);
}

static __always_inline void sip_start(struct sip *s, const __u64 key[2])
{
	s->a = key[0] ^ 0x736f6d6570736575ULL;
	s->b = key[1] ^ 0x646f72616e646f6dULL;
	s->c = key[0] ^ 0x6c7967656e657261ULL;
	s->d = key[1] ^ 0x7465646279746573ULL;
}

static __always_inline void sip_word(struct sip *s, __u64 word)
{
	s->d ^= word;
	sip_round(s);
	s->a ^= word;
}

/* BYTES: how many went in before, a multiple of 8. */
static __always_inline __u64 sip_end(struct sip *s, __u64 bytes)
{
	sip_word(s, bytes << 56);
	s->c ^= 0xff;
	sip_round(s);
	sip_round(s);
	sip_round(s);
	return s->a ^ s->b ^ s->c ^ s->d;
}

#endif
