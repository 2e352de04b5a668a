/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Makes the tests' network namespaces and the door in them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "door.h"
#include "ns.h"

#define COMMAND_MAX 4096
static const char conf_file[] = "/run/anyport-test.conf";

__attribute__((format(printf, 3, 0))) static void
compose(char *out, const char *ns, const char *format, va_list args)
{
	int n = snprintf(out, COMMAND_MAX,
			 "exec nsenter --net=/run/netns/%s sh -ec '", ns);

	n += vsnprintf(out + n, COMMAND_MAX - n, format, args);
	snprintf(out + n, n < COMMAND_MAX ? COMMAND_MAX - n : 0, "'");
	if (n > COMMAND_MAX - 2) {
		fprintf(stderr, "ns: command too long: %s\n", out);
		abort();
	}
}

int ns_try(const char *ns, const char *format, ...)
{
	char command[COMMAND_MAX];
	va_list args;
	int status;

	va_start(args, format);
	compose(command, ns, format, args);
	va_end(args);
	fflush(stdout);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void ns_sh(const char *ns, const char *format, ...)
{
	char command[COMMAND_MAX];
	va_list args;

	va_start(args, format);
	compose(command, ns, format, args);
	va_end(args);
	fflush(stdout);
	if (system(command)) {
		fprintf(stderr, "ns: failed: %s\n", command);
		abort();
	}
}

long ns_number(const char *ns, const char *format, ...)
{
	char command[COMMAND_MAX], line[64];
	long number = -1;
	va_list args;
	FILE *f;

	va_start(args, format);
	compose(command, ns, format, args);
	va_end(args);
	f = popen(command, "r");
	if (f && fgets(line, sizeof(line), f))
		number = strtol(line, NULL, 10);
	if (f)
		pclose(f);
	return number;
}

int ns_socket(const char *ns, int family, int type, int proto)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	char path[64];
	int there, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET)) {
		fprintf(stderr, "ns: %s: %s\n", path, strerror(errno));
		abort();
	}
	fd = socket(family, type | SOCK_CLOEXEC, proto);
	if (fd < 0 || setns(home, CLONE_NEWNET)) {
		fprintf(stderr, "ns: socket in %s: %s\n", ns, strerror(errno));
		abort();
	}
	close(there);
	close(home);
	return fd;
}

static const char *const host[] = { "srv", "rtr", "mem", "cli" };
#define HOSTS (sizeof(host) / sizeof(host[0]))

/* Other tests of the same sandbox use the same names. */
static void forget_hosts(void)
{
	char command[128];
	size_t i;

	for (i = 0; i < HOSTS; i++) {
		snprintf(command, sizeof(command),
			 "ip netns del %s 2>/dev/null", host[i]);
		(void)!system(command);
	}
}

static void make_host(const char *ns)
{
	char command[128];

	snprintf(command, sizeof(command), "ip netns add %s", ns);
	if (system(command)) {
		fprintf(stderr, "ns: failed: %s\n", command);
		abort();
	}
	ns_sh(ns, "ip link set lo up;"
		  "sysctl -qw net.ipv6.conf.all.accept_dad=0"
		  " net.ipv6.conf.default.accept_dad=0"
		  " net.ipv6.conf.default.accept_ra=0"
		  " net.ipv4.conf.all.rp_filter=0"
		  " net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0");
}

/* The server's end of the wire has the MAC that frames are built for. */
static void wire(const char *a, const char *dev_a, const char *b,
		 const char *dev_b, int n)
{
	ns_sh(a,
	      "ip link add %s address 02:00:00:00:00:%02x type veth"
	      " peer name %s address 02:00:00:00:00:%02x netns /run/netns/%s;"
	      "ip link set %s up",
	      dev_a, 2 * n + 1, dev_b, 2 * n + 2, b, dev_a);
	ns_sh(b, "ip link set %s up", dev_b);
}

void world_make(void)
{
	size_t i;

	forget_hosts(); /* of a test that was killed */
	atexit(forget_hosts);
	for (i = 0; i < HOSTS; i++)
		make_host(host[i]);
	wire("srv", "eth0", "rtr", "eth0", 0);
	wire("srv", "eth1", "cli", "eth0", 1);
	wire("mem", "eth0", "rtr", "eth1", 2);
	ns_sh("srv", "ip addr add 198.51.100.1/24 dev eth0;"
		     "ip addr add 198.51.100.2/24 dev eth0;"
		     "ip addr add 2001:db8:1::1/64 dev eth0 nodad;"
		     "ip addr add 2001:db8:1::2/64 dev eth0 nodad;"
		     "ip addr add 10.9.0.1/24 dev eth1;"
		     "ip addr add fd09::1/64 dev eth1 nodad;"
		     "ip route add default via 198.51.100.254;"
		     "ip route add default via 2001:db8:1::fe;"
		     "sysctl -qw net.ipv4.ip_forward=1"
		     " net.ipv6.conf.all.forwarding=1");
	ns_sh("rtr", "ip addr add 198.51.100.254/24 dev eth0;"
		     "ip addr add 2001:db8:1::fe/64 dev eth0 nodad;"
		     "ip addr add 192.0.2.254/24 dev eth1;"
		     "ip addr add 2001:db8:9::fe/64 dev eth1 nodad;"
		     "sysctl -qw net.ipv4.ip_forward=1"
		     " net.ipv6.conf.all.forwarding=1");
	ns_sh("mem", "ip addr add 192.0.2.9/24 dev eth0;"
		     "ip addr add 192.0.2.10/24 dev eth0;"
		     "ip addr add 2001:db8:9::9/64 dev eth0 nodad;"
		     "ip addr add 2001:db8:9::10/64 dev eth0 nodad;"
		     "ip route add default via 192.0.2.254;"
		     "ip route add default via 2001:db8:9::fe");
	ns_sh("cli", "ip addr add 10.9.0.2/24 dev eth0;"
		     "ip addr add fd09::2/64 dev eth0 nodad;"
		     "ip route add default via 10.9.0.1;"
		     "ip route add default via fd09::1");
}

void world_offload(bool on)
{
	static const char *const where[][2] = {
		{ "srv", "eth0" }, { "srv", "eth1" }, { "rtr", "eth0" },
		{ "rtr", "eth1" }, { "mem", "eth0" }, { "cli", "eth0" },
	};
	size_t i;

	for (i = 0; i < sizeof(where) / sizeof(where[0]); i++)
		ns_sh(where[i][0], "ethtool -K %s tx %s >/dev/null",
		      where[i][1], on ? "on" : "off");
}

static void configure(const char *attach, const char *udp, const char *tcp)
{
	FILE *f = fopen(conf_file, "we");

	if (!f)
		abort();
	fprintf(f,
		"[door]\ninterface = eth0\nattach = %s\n"
		"address = 198.51.100.1\naddress = 198.51.100.2\n"
		"address = 2001:db8:1::1\naddress = 2001:db8:1::2\n"
		"[udp]\ntarget = 1194\n%s\n[tcp]\ntarget = 1194\npass = 22\n"
		"%s\n",
		attach, udp ?: "", tcp ?: "");
	fclose(f);
}

static void door_command(const char *command)
{
	ns_sh("srv",
	      "build/anyport %s -c %s >/run/load.log 2>&1 || {"
	      " cat /run/load.log >&2; exit 1; }",
	      command, conf_file);
}

void world_door(const char *attach, const char *udp, const char *tcp)
{
	configure(attach, udp, tcp);
	door_command("load");
}

void world_reload(const char *attach, const char *udp, const char *tcp)
{
	configure(attach, udp, tcp);
	door_command("reload");
}

void world_unload(void)
{
	ns_sh("srv", "build/anyport unload");
}

void world_masquerade(void)
{
	ns_sh("cli", "ip addr add " PUBLIC4 "/32 dev lo;"
		     "ip addr add " PUBLIC6 "/128 dev lo nodad");
	ns_sh("rtr", "ip route add " PUBLIC4 "/32 via " DOOR_A4 ";"
		     "ip route add " PUBLIC6 "/128 via " DOOR_A6 ";"
		     "ip route add 10.9.0.0/24 via " DOOR_A4 ";"
		     "ip route add fd09::/64 via " DOOR_A6);
	ns_sh("srv", "ip route add " PUBLIC4 "/32 via " CLIENT4 ";"
		     "ip route add " PUBLIC6 "/128 via " CLIENT6);
	ns_sh("srv",
	      "nft -f - <<E\n"
	      "table inet t {\n"
	      " set d4 { type ipv4_addr; elements = { " DOOR_A4 ", " DOOR_B4
	      " } }\n"
	      " set d6 { type ipv6_addr; elements = { " DOOR_A6 ", " DOOR_B6
	      " } }\n"
	      " chain in { type filter hook prerouting priority raw;\n"
	      "  iifname eth0 ip daddr @d4 udp dport 1194 notrack\n"
	      "  iifname eth0 ip6 daddr @d6 udp dport 1194 notrack\n }\n"
	      " chain out { type filter hook output priority raw;\n"
	      "  oifname eth0 ip saddr @d4 udp sport 1194 notrack\n"
	      "  oifname eth0 ip6 saddr @d6 udp sport 1194 notrack\n }\n"
	      " chain nat { type nat hook postrouting priority srcnat;\n"
	      "  oifname eth0 ip saddr 10.9.0.0/24 meta l4proto { tcp, udp }"
	      " masquerade to :32768-60999\n"
	      "  oifname eth0 ip6 saddr fd09::/64 meta l4proto { tcp, udp }"
	      " masquerade to :32768-60999\n"
	      "  oifname eth0 ip saddr 10.9.0.0/24 masquerade\n"
	      "  oifname eth0 ip6 saddr fd09::/64 masquerade\n }\n"
	      "}\nE\n");
}
