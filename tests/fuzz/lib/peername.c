/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Connections, and what accept() says of who has made them. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peername.h"
#include "setup.h"
#include "twin.h"

#define FEW 3 /* there is an alias for each, even if some are the same */

static uint16_t told[TWIN_CONNECTIONS]; /* by accept() */

static bool is_live(const struct bpf_sock *sk)
{
	return sk->state == BPF_TCP_ESTABLISHED;
}

static const void *local_of(const struct bpf_sock *sk)
{
	return sk->family == AF_INET ? (const void *)&sk->src_ip4
				     : (const void *)sk->src_ip6;
}

static bool same_member(const struct bpf_sock *a, const struct bpf_sock *b)
{
	return a->family == b->family && a->dst_ip4 == b->dst_ip4 &&
	       !memcmp(a->dst_ip6, b->dst_ip6, sizeof(a->dst_ip6));
}

static bool same_ends(const struct bpf_sock *a, const struct bpf_sock *b)
{
	return same_member(a, b) && a->dst_port == b->dst_port &&
	       a->src_port == b->src_port && a->src_ip4 == b->src_ip4 &&
	       !memcmp(a->src_ip6, b->src_ip6, sizeof(a->src_ip6));
}

/* Did a member come to a target by the door? */
static bool is_steered(const struct bpf_sock *sk)
{
	return !sk->mark && !setup_passes(sk->src_port) &&
	       setup_is_door(local_of(sk), sk->family);
}

static bool same_server(const struct bpf_sock *a, const struct bpf_sock *b)
{
	return is_live(b) && is_steered(b) && same_member(a, b) &&
	       setup_target(a->src_port) == setup_target(b->src_port);
}

static const char *wrong(unsigned int n, uint16_t port, bool again)
{
	const struct bpf_sock *sk = twin_connection(n);
	uint16_t own = ntohs(sk->dst_port);
	unsigned int others = 0, shared = 0;

	if (again && port != told[n])
		return "a peer has another name than before";
	if (!is_steered(sk))
		return port == own ? NULL : "who is no member has an alias";
	if (port != own && port < 1024)
		return "an alias is a privileged port";
	for (unsigned int i = 0; i < TWIN_CONNECTIONS; i++) {
		if (i == n || !same_server(sk, twin_connection(i)))
			continue;
		others++;
		shared += told[i] == port;
	}
	return shared && others < FEW ? "two peers have one name" : NULL;
}

static void ask(unsigned int n, bool dual, bool again)
{
	struct bpf_sock *sk = twin_connection(n);
	uint16_t port = twin_peername(sk, dual);
	const char *what = wrong(n, port, again);

	told[n] = port;
	if (!what)
		return;
	printf("# %s\n# connection %u, from port %u to port %u, is told as %u\n",
	       what, n, ntohs(sk->dst_port), sk->src_port, port);
	fflush(stdout);
	abort();
}

/* Two ends have one connection; an earlier one is gone. */
static void make(struct bpf_sock *sk, const struct packet *p, bool opened)
{
	bool v4 = p->src.family == AF_INET;
	struct bpf_sock new = { .family = p->src.family,
				.state = BPF_TCP_ESTABLISHED,
				.src_port = p->dst.port,
				.dst_port = htons(p->src.port),
				.mark = opened };

	memcpy(v4 ? &new.dst_ip4 : new.dst_ip6, p->src.ip, v4 ? 4 : 16);
	memcpy(v4 ? &new.src_ip4 : new.src_ip6, p->dst.ip, v4 ? 4 : 16);
	for (unsigned int i = 0; i < TWIN_CONNECTIONS; i++)
		if (same_ends(&new, twin_connection(i)))
			twin_connection(i)->state = 0;
	*sk = new;
}

void peername_forget(void)
{
	for (unsigned int i = 0; i < TWIN_CONNECTIONS; i++)
		twin_connection(i)->state = 0;
}

void peername_step(struct pick *pick)
{
	uint8_t what = pick_byte(pick);
	unsigned int n = (what & 15) % TWIN_CONNECTIONS;
	struct bpf_sock *sk = twin_connection(n);
	struct packet p;

	if (is_live(sk) && what & 16) {
		sk->state = what & 128 ? BPF_TCP_TIME_WAIT : 0;
	} else if (is_live(sk)) {
		ask(n, what & 32, true);
	} else {
		pick_ends(pick, &p);
		/* whose it is, a SYN decides; IPv4's within IPv6 is nobody's */
		if (p.dst.port == SERVICE_TCP ||
		    (p.dst.family == AF_INET6 && !p.dst.ip[0]))
			return;
		make(sk, &p, what & 64);
		ask(n, what & 32, false);
	}
}
