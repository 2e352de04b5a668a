/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The keys of anyport.conf: type, default and range of each. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config_set.h"

const char *const config_sections[CONFIG_SECTIONS] = {
	"door", "udp", "tcp", "limits", "hook", "openvpn",
};

#define AT(member)  offsetof(struct config, member)
#define UDP(member) AT(proto[AP_UDP].member)
#define TCP(member) AT(proto[AP_TCP].member)
#define REPEATS     true
#define ONCE        false
#define SECONDS     1000

/*
 * Why these bounds, where it is not plain: established-idle: RFC 4787 REQ-5.
 * half-open, remembered: see those functions in config_check.c.
 * metric: the kernel reads 0 as 1024 for IPv6. protocol: what is below 4 the
 * kernel and the tools keep for themselves. table: 255 is the kernel's own.
 */
const struct config_key config_keys[] = {
	{ "door", "interface", NULL, REPEATS, set_interface, 0, 0, 0 },
	{ "door", "address", NULL, REPEATS, set_address, 0, 0, 0 },
	{ "door", "attach", "auto", ONCE, set_attach, 0, 0, 0 },

	{ "udp", "target", "1194", ONCE, set_target, UDP(target), 0, 0 },
	{ "udp", "pass", NULL, REPEATS, set_pass, UDP(pass), 0, 0 },
	{ "udp", "claim", NULL, REPEATS, set_claim, UDP(claim), 0, 0 },
	{ "udp", "map", NULL, REPEATS, set_map, 0, 0, 0 },
	{ "udp", "filter", "on", ONCE, set_switch, AT(filter), 0, 0 },
	{ "udp", "mark", "169", ONCE, set_number, AT(mark), 0, UINT32_MAX },

	{ "tcp", "target", "1194", ONCE, set_target, TCP(target), 0, 0 },
	{ "tcp", "pass", NULL, REPEATS, set_pass, TCP(pass), 0, 0 },
	{ "tcp", "claim", NULL, REPEATS, set_claim, TCP(claim), 0, 0 },
	{ "tcp", "map", NULL, REPEATS, set_map, 0, 0, 0 },

	{ "limits", "established", "65536", ONCE, set_number,
	  AT(limits.established), 256, 16777216 },
	{ "limits", "half-open", "65536", ONCE, set_number,
	  AT(limits.half_open), 256, 16777216 },
	{ "limits", "remembered", "65536", ONCE, set_number,
	  AT(limits.remembered), 256, 16777216 },
	{ "limits", "established-idle", "300s", ONCE, set_seconds,
	  AT(limits.established_idle), 120 * SECONDS, 86400 * SECONDS },
	{ "limits", "half-open-idle", "30s", ONCE, set_seconds,
	  AT(limits.half_open_idle), 5 * SECONDS, 3600 * SECONDS },
	{ "limits", "remembered-idle", "180s", ONCE, set_seconds,
	  AT(limits.remembered_idle), 30 * SECONDS, 86400 * SECONDS },
	{ "limits", "resets", "500", ONCE, set_budget,
	  AT(limits.budget[AP_RESET]), 20, 10000000 },
	{ "limits", "control", "500", ONCE, set_budget,
	  AT(limits.budget[AP_CONTROL]), 20, 10000000 },
	{ "limits", "data", "1000", ONCE, set_budget,
	  AT(limits.budget[AP_DATA]), 20, 10000000 },
	{ "limits", "prefix-share", "5%", ONCE, set_percent,
	  AT(limits.prefix_share), 1, 100 },
	{ "limits", "reserve", "25%", ONCE, set_percent, AT(limits.reserve), 1,
	  90 },
	{ "limits", "nat-ports", "32768-60999", ONCE, set_nat_ports, 0, 0, 0 },

	{ "hook", "users", "/etc/openvpn/users", ONCE, set_path, AT(hook.users),
	  0, 0 },
	{ "hook", "state", "/run/anyport/sessions", ONCE, set_path,
	  AT(hook.state), 0, 0 },
	{ "hook", "device", NULL, REPEATS, set_device, 0, 0, 0 },
	{ "hook", "range", NULL, REPEATS, set_range, 0, 0, 0 },
	{ "hook", "table", "main", ONCE, set_table, AT(hook.table), 1,
	  UINT32_MAX },
	{ "hook", "protocol", "static", ONCE, set_protocol, AT(hook.protocol),
	  4, 255 },
	{ "hook", "metric", "50", ONCE, set_number, AT(hook.metric), 1,
	  UINT32_MAX },
	{ "hook", "deadline", "2s", ONCE, set_milliseconds, AT(hook.deadline),
	  100, 30 * SECONDS },
	{ "hook", "unreachable", "no", ONCE, set_switch, AT(hook.unreachable),
	  0, 0 },

	{ "openvpn", "management", NULL, REPEATS, set_management, 0, 0, 0 },
	{ "openvpn", "status", NULL, REPEATS, set_status, 0, 0, 0 },
};

const size_t config_n_keys = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
	       "raise CONFIG_KEYS_MAX");
