/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Makes the two servers, and knows when one of them has come to rest. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "expect.h"
#include "oracle.h"

#define NEIGHBOUR "02:00:00:00:00:f0"
#define ECHO_ID   0xba44

struct world world[WORLDS] = {
	[NAT] = { .ns = "nat" },
	[DOOR] = { .ns = "door", .door = true },
};

bool nat_demux = true;

static void sh(const char *command)
{
	if (!system(command))
		return;
	fprintf(stderr, "parity: failed: %s\n", command);
	abort();
}

/* Where the raw ends are the kernel stays silent: it has no addresses, and no
 * frame is for its MAC. */
static void make_ends(void)
{
	sh("for n in ends nat door; do ip netns del $n 2>/dev/null;"
	   " ip netns add $n; done");
	ns_sh("ends", "sysctl -qw net.ipv6.conf.default.disable_ipv6=1"
		      " net.ipv6.conf.all.disable_ipv6=1");
}

static void make_server(struct world *w)
{
	ns_sh(w->ns,
	      "for n in 0 1; do ip link add eth$n"
	      " address 02:00:00:00:00:01 type veth peer name %s$n netns"
	      " /run/netns/ends; done",
	      w->ns);
	ns_sh("ends", "ip link set %s0 up; ip link set %s1 up", w->ns, w->ns);
	ns_sh(w->ns, "sysctl -qw net.ipv6.conf.all.accept_dad=0"
		     " net.ipv6.conf.default.accept_dad=0"
		     " net.ipv6.conf.default.accept_ra=0"
		     " net.ipv6.conf.default.router_solicitations=0"
		     " net.ipv6.conf.default.disable_ipv6=0"
		     " net.ipv6.conf.all.disable_ipv6=0"
		     " net.ipv4.conf.all.rp_filter=0"
		     " net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
		     " net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0"
		     " net.ipv6.icmp.ratelimit=0 net.ipv6.icmp.ratemask="
		     " net.ipv4.ipfrag_time=10 net.ipv6.ip6frag_time=10"
		     " net.ipv4.ipfrag_high_thresh=67108864"
		     " net.ipv6.ip6frag_high_thresh=67108864");
	ns_sh(w->ns, "ip link set lo up;"
		     "for n in 0 1; do ethtool -K eth$n tx off >/dev/null;"
		     " ip link set eth$n up; done;"
		     "ip addr add " DOOR_A4 "/24 dev eth0;"
		     "ip addr add " DOOR_B4 "/24 dev eth0;"
		     "ip addr add " DOOR_A6 "/64 dev eth0 nodad;"
		     "ip addr add " DOOR_B6 "/64 dev eth0 nodad;"
		     "ip addr add 10.9.0.1/24 dev eth1;"
		     "ip addr add fd09::1/64 dev eth1 nodad;"
		     "ip neigh add " ROUTER4 " dev eth0 lladdr " NEIGHBOUR ";"
		     "ip neigh add " ROUTER6 " dev eth0 lladdr " NEIGHBOUR ";"
		     "ip neigh add " CLIENT4 " dev eth1 lladdr " NEIGHBOUR ";"
		     "ip neigh add " CLIENT6 " dev eth1 lladdr " NEIGHBOUR ";"
		     "ip route add default via " ROUTER4 ";"
		     "ip route add default via " ROUTER6 ";"
		     "ip route add 10.64.0.0/10 via " CLIENT4 ";"
		     "ip route add fd09:0:0:1::/64 via " CLIENT6);
}

#define DOORS4 "{ " DOOR_A4 ", " DOOR_B4 " }"
#define DOORS6 "{ " DOOR_A6 ", " DOOR_B6 " }"

static void masquerade(const struct world *w)
{
	ns_sh(w->ns, "nft -f - <<E\n"
		     "table inet masq { chain out {\n"
		     " type nat hook postrouting priority srcnat;\n"
		     " oifname eth0 ip saddr 10.64.0.0/10"
		     " meta l4proto { tcp, udp } masquerade to :32768-60999\n"
		     " oifname eth0 ip6 saddr fd09:0:0:1::/64"
		     " meta l4proto { tcp, udp } masquerade to :32768-60999\n"
		     " }\n}\nE\n");
}

/* What operators had before: any port, but for those with a service. */
static void redirect(const struct world *w)
{
	ns_sh(w->ns, "nft -f - <<E\n"
		     "table inet any { chain in {\n"
		     " type nat hook prerouting priority dstnat;\n"
		     " iifname != eth0 accept\n"
		     " udp dport { 67, 68, 546, 547, 500, 5353 } accept\n"
		     " tcp dport { 500, 5353 } accept\n"
		     " ip daddr " DOORS4 " meta l4proto { tcp, udp }"
		     " redirect to :1194\n"
		     " ip6 daddr " DOORS6 " meta l4proto { tcp, udp }"
		     " redirect to :1194\n"
		     " }\n}\nE\n");
}

static void untrack(const struct world *w)
{
	ns_sh(w->ns, "nft -f - <<E\n"
		     "table inet untrack {\n"
		     " chain in { type filter hook prerouting priority raw;\n"
		     "  ip daddr " DOORS4 " udp dport 1194 notrack\n"
		     "  ip6 daddr " DOORS6 " udp dport 1194 notrack\n }\n"
		     " chain out { type filter hook output priority raw;\n"
		     "  ip saddr " DOORS4 " udp sport 1194 notrack\n"
		     "  ip6 saddr " DOORS6 " udp sport 1194 notrack\n }\n"
		     "}\nE\n");
}

/* Settings that are there once something tracks. What waits for a piece that
 * never comes is given up, or it would take all the memory for fragments. */
static void track_fragments(const struct world *w)
{
	ns_sh(w->ns, "sysctl -qw net.netfilter.nf_conntrack_frag6_timeout=10"
		     " net.netfilter.nf_conntrack_frag6_high_thresh=67108864");
}

static int raw(const char *ns, int n)
{
	const int size = 4 << 20;
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%s%d", ns, n);
	fd = wire_open("ends", name);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void forget_worlds(void)
{
	(void)!system("ip netns del nat; ip netns del door; ip netns del ends");
}

void worlds_make(void)
{
	struct world *w;

	atexit(forget_worlds);
	make_ends();
	for (w = world; w < world + WORLDS; w++) {
		make_server(w);
		masquerade(w);
		if (w->door)
			untrack(w);
		else
			redirect(w);
		track_fragments(w);
		w->out = raw(w->ns, 0);
		w->in = raw(w->ns, 1);
		apps_open(w);
	}
}

void door_attach(const char *attach)
{
	FILE *f = fopen("/run/parity.conf", "we");

	if (!f)
		abort();
	fprintf(f,
		"[door]\ninterface = eth0\nattach = %s\n"
		"address = " DOOR_A4 "\naddress = " DOOR_B4 "\n"
		"address = " DOOR_A6 "\naddress = " DOOR_B6 "\n"
		"[udp]\ntarget = 1194\npass = 500\n"
		"[tcp]\ntarget = 1194\npass = 500\n"
		"[limits]\nresets = off\ncontrol = off\ndata = off\n",
		attach);
	fclose(f);
	ns_sh("door", "build/anyport load -c /run/parity.conf >/run/load.log"
		      " 2>&1 || { cat /run/load.log >&2; exit 1; }");
}

void door_detach(void)
{
	ns_sh("door", "build/anyport unload");
}

void conntrack_forget(void)
{
	struct world *w;

	for (w = world; w < world + WORLDS; w++)
		ns_sh(w->ns, "conntrack -F >/dev/null 2>&1");
}

/* conntrack's longest for UDP is 120 s; the door's flows have their time put
 * back. Nobody waits. */
void world_idle(struct world *w, unsigned int seconds)
{
	struct door loaded;
	unsigned int i;

	if (!w->door && seconds >= 120)
		ns_sh(w->ns, "conntrack -F >/dev/null 2>&1");
	if (!w->door)
		return;
	door_of(&loaded, w->ns);
	for (i = 0; i < w->now->n_flows; i++)
		if (w->state[i].peer.family &&
		    w->now->flow[i].proto == IPPROTO_UDP)
			door_age(&loaded, w->state[i].peer, TARGET, seconds);
}

void nat_demux_set(bool on)
{
	nat_demux = on;
	ns_sh(world[NAT].ns, "sysctl -qw net.ipv4.tcp_early_demux=%d", on);
}

void event(struct world *w, const char *format, ...)
{
	struct events *e = &w->events;
	va_list args;

	if (e->n == EVENTS_MAX) {
		fprintf(stderr, "parity: too many events in one step: %s\n",
			e->line[EVENTS_MAX - 1]);
		abort();
	}
	va_start(args, format);
	vsnprintf(e->line[e->n++], EVENT_SIZE, format, args);
	va_end(args);
}

static void send_mark(struct world *w, int fd, bool client)
{
	struct frame f;
	struct packet p = {
		.src = end(client ? CLIENT4 : ROUTER4, 0),
		.dst = end(client ? "10.9.0.1" : DOOR_A4, 0),
		.proto = IPPROTO_ICMP,
		.type = 8,
		.extra = ECHO_ID << 16 | ++w->mark,
	};

	frame_build(&f, &p);
	wire_send(fd, &f);
}

static bool is_mark(const struct frame *f, uint16_t mark)
{
	const uint8_t *icmp = f->data + 34;

	return f->len >= 42 && f->data[12] == 8 && f->data[23] == 1 &&
	       icmp[0] == 0 && icmp[4] == ECHO_ID >> 8 &&
	       icmp[5] == (ECHO_ID & 0xff) && icmp[6] == mark >> 8 &&
	       icmp[7] == (mark & 0xff);
}

/*
 * The card's queue is in order, and so is what comes of it: when the answer to
 * an echo request is there, everything before it is as well.
 */
static void barrier(struct world *w, int fd, bool client)
{
	struct pollfd p = { fd, POLLIN, 0 };
	static struct frame f;
	ssize_t n;

	send_mark(w, fd, client);
	for (;;) {
		n = recv(fd, f.data, sizeof(f.data), MSG_DONTWAIT);
		if (n < 0 && poll(&p, 1, 10000) <= 0) {
			fprintf(stderr, "parity: %s does not answer\n", w->ns);
			abort();
		}
		if (n <= 0)
			continue;
		f.len = n;
		if (is_mark(&f, w->mark))
			return;
		event_frame(w, &f, client);
	}
}

static void settle(struct world *w)
{
	bool more = true;
	int i;

	for (i = 0; more && i < 16; i++) {
		if (!i && w->now->step[w->step].op == OP_CLIENT)
			barrier(w, w->in, true);
		barrier(w, w->out, false);
		barrier(w, w->in, true);
		more = apps_run(w);
		more |= member_acks(w);
	}
}

void step_do(struct world *w, const struct sequence *s, unsigned int n)
{
	const struct step *st = &s->step[n];

	w->now = s;
	w->step = n;
	w->events.n = 0;
	switch (st->op) {
	case OP_REPLY:
	case OP_CLOSE:
	case OP_DOWN:
	case OP_UP:
	case OP_HOST: app_do(w, st); break;
	case OP_IDLE: world_idle(w, st->arg[A_SECONDS]); break;
	default: member_do(w, st);
	}
	settle(w);
}

void step_end(struct world *w)
{
	unsigned int i, n;

	n = w->events.n;
	apps_close_sequence(w);
	settle(w);
	w->events.n = n; /* of the last step */
	for (i = 0; i < FLOWS_MAX; i++) {
		memset(&w->state[i], 0, sizeof(w->state[i]));
		w->state[i].conn = -1;
	}
}
