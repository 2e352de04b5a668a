/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Runs the twin's programs, each on a frame that ends where it ends. */
#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "twin.h"
#include "twin_map.h"
#include "twin_run.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

#define ROOM   (4 * 4096)
#define AROUND 4096
#define FIRST  (1ULL << 40) /* ns after boot */

static enum door_mode mode;
static uint8_t *memory;

static uint8_t *frame_memory(void)
{
	if (!memory) {
		memory = mmap((void *)0x20000000, ROOM, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0);
		if (memory == MAP_FAILED)
			abort();
	}
	/* IP headers on a multiple of 4, as drivers see to */
	return memory + AROUND + 2;
}

static uint32_t put(const struct frame *in, size_t linear)
{
	uint8_t *at = frame_memory();

	if (in->len > ROOM - 2 * AROUND - 2 || linear > in->len)
		abort();
	twin_length = in->len;
	ASAN_UNPOISON_MEMORY_REGION(memory, ROOM);
	memcpy(at, in->data, in->len);
	ASAN_POISON_MEMORY_REGION(memory, AROUND);
	ASAN_POISON_MEMORY_REGION(at + linear, memory + ROOM - at - linear);
	return (uint32_t)(uintptr_t)at;
}

void twin_pull(unsigned int end)
{
	ASAN_UNPOISON_MEMORY_REGION(frame_memory(),
				    end - (uintptr_t)frame_memory());
}

static void get(struct frame *out, size_t len)
{
	out->len = len;
	ASAN_UNPOISON_MEMORY_REGION(frame_memory(), len);
	memcpy(out->data, frame_memory(), len);
}

static enum verdict tc_verdict(int code)
{
	if (code == TC_ACT_UNSPEC)
		return PASSED;
	return code == TC_ACT_SHOT ? DROPPED : STRANGE;
}

enum verdict twin_in(const struct frame *in, size_t linear, struct frame *out)
{
	uint32_t data = put(in, linear);
	enum verdict verdict;
	int code;

	if (mode == DOOR_TC) {
		verdict = tc_verdict(twin_tc(data, linear, in->len, 0, 1));
	} else {
		code = twin_xdp(data, linear);
		verdict = code == XDP_PASS   ? PASSED
			  : code == XDP_DROP ? DROPPED
					     : STRANGE;
	}
	get(out, in->len);
	return verdict;
}

enum verdict twin_out(const struct frame *in, size_t linear, bool forwarded,
		      struct frame *out)
{
	enum verdict verdict = tc_verdict(
		twin_tc(put(in, linear), linear, in->len, 1, forwarded));

	get(out, in->len);
	return verdict;
}

uint16_t twin_connect(const struct bpf_sk_lookup *lookup)
{
	struct bpf_sk_lookup ctx = *lookup;

	twin_assigned = 0;
	if (twin_lookup_run(&ctx) != SK_PASS)
		abort();
	return twin_assigned;
}

uint16_t twin_peername(struct bpf_sock *sk, bool dual)
{
	struct bpf_sock_addr ctx = {
		.user_family = dual ? AF_INET6 : sk->family,
		.user_port = sk->dst_port,
		.protocol = IPPROTO_TCP,
		.sk = sk,
	};

	if (sk->family == AF_INET6) {
		memcpy(ctx.user_ip6, sk->dst_ip6, 16);
	} else if (dual) {
		ctx.user_ip6[2] = htonl(0xffff);
		ctx.user_ip6[3] = sk->dst_ip4;
	} else {
		ctx.user_ip4 = sk->dst_ip4;
	}
	if (twin_peer_run(&ctx) != 1)
		abort();
	return ntohs(ctx.user_port);
}

void twin_wait(uint32_t ticks)
{
	twin_ns += (uint64_t)ticks << AP_TICK_SHIFT;
}

void twin_reset(enum door_mode m, uint32_t shift)
{
	struct ap_active *active = twin_at("active", 0);
	struct ap_spread *spread = twin_at("spread", 0);

	mode = m;
	twin_ns = FIRST;
	active->clock = 0;
	spread[0] = spread[1] = (struct ap_spread){ .shift = shift };
	twin_maps_reset();
	twin_sockets_reset();
}
