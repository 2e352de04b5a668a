/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The configuration: each wrong line is refused, alone, and in which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conftext.h"

static void form(void **state)
{
	static const struct refusal list[] = {
		{ "[upd]\ntarget = 5\n", 5, "no section [upd]" },
		{ "[ udp ]\ntarget = 5\n", 5, "no section [ udp ]" },
		{ "[]\n", 5, "no section []" },
		{ "[udp\ntarget = 5\n", 5, "expected [SECTION]" },
		{ "[udp] target = 5\n", 5, "expected [SECTION]" },
		{ "[udp];x\n", 5, "expected [SECTION]" },
		{ "[udp]\ntagret = 5\n", 6,
		  "no key \"tagret\"; its keys are: target, pass" },
		{ "[tcp]\nfilter = off\n", 6, "no key \"filter\"" },
		{ "[udp]\ntls-crypt = /etc/x\n", 6, "no key \"tls-crypt\"" },
		{ "[udp]\nTarget = 5\n", 6, "no key \"Target\"" },
		{ "[udp]\ntarget\n", 6, "expected NAME = VALUE" },
		{ "[udp]\n= 5\n", 6, "expected NAME = VALUE" },
		{ "[udp]\ntarget: 5\n", 6, "expected NAME = VALUE" },
		{ "[udp]\ntarget ; = 5\n", 6, "expected NAME = VALUE" },
		{ "[udp]\npass = 7\n  8\n", 7, "expected NAME = VALUE" },
		{ "[udp]\ntarget =\n", 6, "target has no value" },
		{ "[udp]\ntarget = ; 5\n", 6, "target has no value" },
		{ "[udp]\ntarget = 5\ntarget = 5\n", 7,
		  "already set in line 6" },
		{ "[udp]\ntarget = 5\n[tcp]\n[udp]\ntarget = 6\n", 9,
		  "already set in line 6" },
		{ "[udp]\ntarget = 5\033[31m\n", 6,
		  "control character (0x1b)" },
		{ "[udp]\n# \x7f\n", 6, "control character (0x7f)" },
		{ "[udp]\ntarget = 5\rpass = 5\n", 6, "from 1 to 65535" },
	};

	(void)state;
	CONF_REFUSED(list);
}

static void ports(void **state)
{
	static const struct refusal list[] = {
		{ "[udp]\ntarget = 0\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = 70000\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = 65536\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = 99999999999999999999999\n", 6, "65535" },
		{ "[udp]\ntarget = -1\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = +5\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = 0x10\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = 5 6\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = https\n", 6, "1 to 65535" },
		{ "[udp]\ntarget = 68\n", 6, "always passes" },
		{ "[udp]\nmap = 546:5\n", 6, "always passes" },
		{ "[udp]\nmap = 5:547\n", 6, "always passes" },
		{ "[tcp]\npass = 0\n", 6, "1 to 65535" },
		{ "[tcp]\npass = 70000\n", 6, "1 to 65535" },
		{ "[tcp]\npass = 22-70000\n", 6, "1 to 65535" },
		{ "[tcp]\npass = 0-22\n", 6, "1 to 65535" },
		{ "[tcp]\npass = 90-80\n", 6, "reversed; write 80-90" },
		{ "[tcp]\npass = 80-\n", 6, "such as 67-68" },
		{ "[tcp]\npass = -80\n", 6, "such as 67-68" },
		{ "[tcp]\npass = 80-90-100\n", 6, "such as 67-68" },
		{ "[tcp]\npass = 80 90\n", 6, "such as 67-68" },
		{ "[tcp]\npass = 80,,90\n", 6, "between commas" },
		{ "[tcp]\npass = 22, 22\n", 6, "22 is in line 6 already" },
		{ "[tcp]\npass = 20-30\n#\npass = 25\n", 8, "in line 6" },
		{ "[tcp]\nclaim = 25\nclaim = 20-30\n", 7, "25 is in line 6" },
		{ "[tcp]\nmap = 443\n", 6, "DIALLED:LOCAL" },
		{ "[tcp]\nmap = :443\n", 6, "1 to 65535" },
		{ "[tcp]\nmap = 443:\n", 6, "1 to 65535" },
		{ "[tcp]\nmap = 443:0\n", 6, "1 to 65535" },
		{ "[tcp]\nmap = 443:5:6\n", 6, "1 to 65535" },
		{ "[tcp]\nmap = 000000443:5\n", 6, "DIALLED:LOCAL" },
		{ "[tcp]\nmap = 443:5\nmap = 443:6\n", 7, "in line 6" },
		{ "[limits]\nnat-ports = 5-4\n", 6, "reversed" },
		{ "[limits]\nnat-ports = no\n", 6, "or none" },
	};

	(void)state;
	CONF_REFUSED(list);
}

static void own_ports(void **state)
{
	static const struct refusal list[] = {
		{ "[udp]\npass = 1194\n", 6, "itself a target of [udp]" },
		{ "[udp]\npass = 1000-2000\n", 6, "side door" },
		{ "[udp]\nclaim = 1194\n", 6, "take 1194 out" },
		{ "[udp]\nmap = 1194:5\n", 6, "itself a target of [udp]" },
		{ "[udp]\nmap = 7:8\npass = 8\n", 7, "a target of [udp]" },
		{ "[udp]\npass = 8\nmap = 7:8\n", 6, "a target of [udp]" },
		{ "[udp]\nmap = 7:8\nmap = 8:9\n", 7, "map holds 8" },
		{ "[tcp]\nclaim = 1-65535\n", 6, "side door" },
		{ "[tcp]\npass = 1194\n", 6, "itself a target of [tcp]" },
		{ "[limits]\nnat-ports = 1000-2000\n", 6, "holds 1194" },
		{ "[limits]\nnat-ports = 1000-1194\n", 6, "holds 1194" },
		{ "[limits]\nnat-ports = 1194-2000\n", 6, "holds 1194" },
		{ "[udp]\ntarget = 40000\n", 6, "32768-60999 holds 40000" },
		{ "[udp]\nmap = 9:40000\n", 6, "32768-60999 holds 40000" },
		{ "[tcp]\nmap = 1:11\nmap = 2:12\nmap = 3:13\nmap = 4:14\n"
		  "map = 5:15\nmap = 6:16\nmap = 7:17\nmap = 8:18\n",
		  13, "more than 8" },
	};
	struct config *c;

	(void)state;
	CONF_REFUSED(list);
	config_free(conf_good(DOOR "[limits]\nnat-ports = 1195-2000\n"));
	/* The same ports of the other protocol are somebody else's. */
	c = conf_good(DOOR
		      "[udp]\npass = 1195\n[tcp]\ntarget = 1195\npass = 1194\n"
		      "[udp]\nmap = 443:443\nmap = 80:1194\n");
	config_free(c);
}

static void addresses(void **state)
{
	static const struct refusal list[] = {
		{ "[door]\naddress = 198.51.100\n", 6, "not an IPv4 or IPv6" },
		{ "[door]\naddress = 198.51.100.256\n", 6, "not an IPv4" },
		{ "[door]\naddress = vpn.example.org\n", 6, "not a name" },
		{ "[door]\naddress = 2001:db8::g\n", 6, "not an IPv4 or IPv6" },
		{ "[door]\naddress = fe80::1%eth0\n", 6, "not an IPv4" },
		{ "[door]\naddress = 192.0.2.1, 192.0.2.2\n", 6, "not an" },
		{ "[door]\naddress = 192.0.2.1/32\n", 6, "without \"/\"" },
		{ "[door]\naddress = 0.0.0.0\n", 6, "unicast" },
		{ "[door]\naddress = 127.0.0.1\n", 6, "loopback" },
		{ "[door]\naddress = 169.254.1.1\n", 6, "link-local" },
		{ "[door]\naddress = 224.0.0.1\n", 6, "multicast" },
		{ "[door]\naddress = 255.255.255.255\n", 6, "unicast" },
		{ "[door]\naddress = ::\n", 6, "unicast" },
		{ "[door]\naddress = ::1\n", 6, "loopback" },
		{ "[door]\naddress = ::ffff:192.0.2.1\n", 6, "as IPv4" },
		{ "[door]\naddress = fe80::1\n", 6, "link-local" },
		{ "[door]\naddress = ff02::1\n", 6, "multicast" },
		{ "[door]\naddress = 198.51.100.1\n", 6, "named twice" },
		{ "[door]\naddress = 2001:db8::1\n"
		  "address = 2001:0db8:0:0::1\n",
		  7, "named twice" },
		{ "[door]\ninterface = eth0\n", 6, "named twice" },
		{ "[door]\ninterface = eth1, eth2\n", 6, "one name a line" },
		{ "[door]\ninterface = a/b\n", 6, "not an interface name" },
		{ "[door]\ninterface = ..\n", 6, "not an interface name" },
		{ "[door]\ninterface = sixteen-letters-\n", 6, "1 to 15" },
		{ "[door]\ninterface = eth%d\n", 6, "not an interface name" },
		{ "[door]\nattach = xdp\n", 6, "auto, native, generic or tc" },
	};

	(void)state;
	CONF_REFUSED(list);
}

static void hook_values(void **state)
{
	static const struct refusal list[] = {
		{ "[hook]\nrange = 203.0.113.0/24\n", 5, "names no device" },
		{ "[hook]\ndevice = tunudp\n", 5, "names no range" },
#define HOOK "[hook]\ndevice = t\nrange = 2001:db8::/32\n"
		{ HOOK "range = 203.0.113.1/24\n", 8, "write 203.0.113.0/24" },
		{ HOOK "range = 203.0.113.0/33\n", 8, "at most 32" },
		{ HOOK "range = 203.0.113.0/\n", 8, "at most 32" },
		{ HOOK "range = 2001:db8::/129\n", 8, "at most 128" },
		{ HOOK "range = 2001:db8::/32\n", 8, "named twice" },
		{ HOOK "range = 0.0.0.0/0\n", 8, "unicast" },
		{ HOOK "range = ::/0\n", 8, "unicast" },
		{ HOOK "range = fe80::/64\n", 8, "link-local" },
		{ HOOK "range = 0000000000000000000000000000000000000000000000"
		       "00:0/1\n",
		  8, "not an IPv4 or IPv6 prefix" },
		{ HOOK "device = t\n", 8, "named twice" },
		{ HOOK "users = users\n", 8, "absolute path" },
		{ HOOK "state = ./x\n", 8, "absolute path" },
		{ HOOK "table = 255\n", 8, "main or a number" },
		{ HOOK "table = local\n", 8, "main or a number" },
		{ HOOK "protocol = 3\n", 8, "static or a number" },
		{ HOOK "protocol = kernel\n", 8, "static or a number" },
		{ HOOK "metric = 0\n", 8, "1 to 4294967295" },
		{ HOOK "deadline = 99ms\n", 8, "100ms to 30s" },
		{ HOOK "deadline = 31\n", 8, "100ms to 30s" },
		{ HOOK "deadline = 2h\n", 8, "100ms to 30s" },
		{ HOOK "deadline = 18446744073709551615min\n", 8, "30s" },
		{ HOOK "unreachable = maybe\n", 8, "on or off" },
		{ "[openvpn]\nmanagement = /run/x\n", 6, "NAME" },
		{ "[openvpn]\nmanagement = udp\n", 6, "absolute PATH" },
		{ "[openvpn]\nmanagement = udp run/x\n", 6, "absolute PATH" },
		{ "[openvpn]\nmanagement = udp/run/x\n", 6, "a blank" },
		{ "[openvpn]\nstatus = ../x /run/x\n", 6, "NAME" },
		{ "[openvpn]\nstatus = u /run/x\nstatus = u /run/y\n", 7,
		  "has one already" },
	};

	(void)state;
	CONF_REFUSED(list);
}

static void relations(void **state)
{
	static const struct refusal list[] = {
		{ "[limits]\nhalf-open = 59999\n", 6, "at least 60000" },
		{ "[limits]\ndata = 2000\n", 6, "at least 90000" },
		{ "[limits]\nhalf-open = 90000\ndata = 2001\n", 6,
		  "at least 90030" },
		{ "[limits]\nestablished-idle = 120500ms\n", 6,
		  "whole seconds" },
		{ "[limits]\nestablished-idle = 119\n", 6, "120s to 86400s" },
		{ "[limits]\nresets = 0\n", 6, "or be off" },
		{ "[limits]\nreserve = 25%%\n", 6, "1 to 90 percent" },
	};

	(void)state;
	CONF_REFUSED(list);
	config_free(conf_good(DOOR "[limits]\nhalf-open = 60000\n"));
	config_free(
		conf_good(DOOR "[limits]\nhalf-open = 90000\ndata = 2000\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(form),        cmocka_unit_test(ports),
		cmocka_unit_test(own_ports),   cmocka_unit_test(addresses),
		cmocka_unit_test(hook_values), cmocka_unit_test(relations),
	};

	return cmocka_run_group_tests_name("config_refuse", tests, NULL, NULL);
}
