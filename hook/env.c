/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Reads the environment that OpenVPN gives a script; all of it is hostile. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env.h"

#define VALUE_MAX 255 /* what OpenVPN itself lets a line have */

enum variable {
	SCRIPT_TYPE,
	COMMON_NAME,
	INSTANCE,
	DEV,
	DAEMON_PID,
	DAEMON_START,
	TIME_UNIX,
	TRUSTED_IP,
	TRUSTED_IP6,
	TRUSTED_PORT,
	IFCONFIG_NETMASK,
	IFCONFIG_IPV6_LOCAL,
	IFCONFIG_IPV6_NETBITS,
	VARIABLES,
};

static const char *const names[VARIABLES] = {
	[SCRIPT_TYPE] = "script_type",
	[COMMON_NAME] = "common_name",
	[INSTANCE] = "OVPN_INSTANCE",
	[DEV] = "dev",
	[DAEMON_PID] = "daemon_pid",
	[DAEMON_START] = "daemon_start_time",
	[TIME_UNIX] = "time_unix",
	[TRUSTED_IP] = "trusted_ip",
	[TRUSTED_IP6] = "trusted_ip6",
	[TRUSTED_PORT] = "trusted_port",
	[IFCONFIG_NETMASK] = "ifconfig_netmask",
	[IFCONFIG_IPV6_LOCAL] = "ifconfig_ipv6_local",
	[IFCONFIG_IPV6_NETBITS] = "ifconfig_ipv6_netbits",
};

static const struct {
	const char *type;
	enum hook_event event;
} events[] = {
	{ "client-connect", EVENT_CONNECT },
	{ "client-disconnect", EVENT_DISCONNECT },
	{ "up", EVENT_UP },
	{ "down", EVENT_DOWN },
	{ "tls-verify", EVENT_VERDICT },
	{ "user-pass-verify", EVENT_VERDICT },
	{ "client-crresponse", EVENT_VERDICT },
};

struct values {
	const char *text[VARIABLES];
	int twice; /* a variable that is there twice, or -1 */
};

static void look(const char *entry, struct values *values)
{
	size_t n = strcspn(entry, "=");

	if (entry[n] != '=')
		return;
	for (int i = 0; i < VARIABLES; i++) {
		if (strncmp(names[i], entry, n) || names[i][n])
			continue;
		if (values->text[i])
			values->twice = i;
		else
			values->text[i] = entry + n + 1;
	}
}

static enum hook_event event_of(const char *type)
{
	if (!type)
		return EVENT_NONE;
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (!strcmp(events[i].type, type))
			return events[i].event;
	return EVENT_OTHER;
}

static int number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (!text || !*text || strlen(text) > 18)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (*text - '0');
	}
	if (n < min || n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static int set_dev(const struct values *values, struct env *out)
{
	const char *dev = values->text[DEV];

	if (device_wrong(dev))
		return -EINVAL;
	strcpy(out->dev, dev);
	return 0;
}

/* Only for people: a wrong one is shown as "?". */
static void set_from(const struct values *values, struct env *out)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	int64_t port;

	strcpy(out->from, "?");
	if (number(values->text[TRUSTED_PORT], 0, 65535, &port))
		return;
	/* After a float from IPv6 to IPv4 or back both are there; IPv4 first
	 * is as good a guess as the other. */
	if (values->text[TRUSTED_IP] &&
	    inet_pton(AF_INET, values->text[TRUSTED_IP], &ip) == 1) {
		inet_ntop(AF_INET, &ip, text, sizeof(text));
		snprintf(out->from, sizeof(out->from), "%s:%d", text,
			 (int)port);
	} else if (values->text[TRUSTED_IP6] &&
		   inet_pton(AF_INET6, values->text[TRUSTED_IP6], &ip) == 1) {
		inet_ntop(AF_INET6, &ip, text, sizeof(text));
		snprintf(out->from, sizeof(out->from), "[%s]:%d", text,
			 (int)port);
	}
}

static const char *set_tun(const struct values *values, struct env *out)
{
	const char *mask = values->text[IFCONFIG_NETMASK];
	const char *local = values->text[IFCONFIG_IPV6_LOCAL];
	uint32_t bits;
	int64_t n;

	if (mask) {
		if (inet_pton(AF_INET, mask, &out->mask4) != 1)
			return "ifconfig_netmask is not a netmask";
		bits = ~ntohl(out->mask4.s_addr);
		if (bits & (bits + 1))
			return "ifconfig_netmask is not a netmask";
		out->has4 = true;
	}
	if (local) {
		if (inet_pton(AF_INET6, local, &out->server6) != 1)
			return "ifconfig_ipv6_local is not an IPv6 address";
		if (number(values->text[IFCONFIG_IPV6_NETBITS], 1, 128, &n))
			return "ifconfig_ipv6_netbits is not a prefix length";
		out->length6 = n;
		out->has6 = true;
	}
	return NULL;
}

static const char *set_daemon(const struct values *values, struct env *out)
{
	const char *instance = values->text[INSTANCE];
	int64_t n;

	if (set_dev(values, out))
		return "dev is missing or is no interface's name";
	if (!instance)
		instance = out->dev;
	if (instance_wrong(instance))
		return "OVPN_INSTANCE (or the device's name) cannot be an "
		       "instance's name: letters, digits, . _ - @, at most 31";
	strcpy(out->instance, instance);
	if (number(values->text[DAEMON_PID], 1, 1 << 30, &n))
		return "daemon_pid is missing or wrong";
	out->pid = n;
	if (number(values->text[DAEMON_START], 0, INT64_MAX, &n))
		return "daemon_start_time is missing or wrong";
	out->daemon_start = n;
	return NULL;
}

static const char *set_session(const struct values *values, struct env *out)
{
	static char text[160];
	const char *name = values->text[COMMON_NAME];
	const char *wrong;
	char shown[NAME_SHOWN];

	if (!name)
		return "common_name is missing";
	wrong = name_wrong(name);
	if (wrong) {
		snprintf(text, sizeof(text), "common name \"%.60s\": %s",
			 name_shown(name, shown), wrong);
		return text;
	}
	strcpy(out->name, name);
	if (number(values->text[TIME_UNIX], 0, INT64_MAX, &out->time_unix))
		return "time_unix is missing or wrong";
	set_from(values, out);
	return NULL;
}

static const char *too_long(const struct values *values)
{
	for (int i = 0; i < VARIABLES; i++)
		if (values->text[i] &&
		    strnlen(values->text[i], VALUE_MAX + 1) > VALUE_MAX)
			return names[i];
	return NULL;
}

static const char *set_all(const struct values *values, struct env *out)
{
	const char *wrong = set_daemon(values, out);

	if (wrong)
		return wrong;
	if (out->event == EVENT_UP || out->event == EVENT_DOWN)
		return NULL;
	wrong = set_session(values, out);
	if (wrong || out->event != EVENT_CONNECT)
		return wrong;
	return set_tun(values, out);
}

int env_read(char *const envp[], struct env *out, char *why, size_t size)
{
	struct values values = { .twice = -1 };
	const char *wrong;

	memset(out, 0, sizeof(*out));
	for (; envp && *envp; envp++)
		look(*envp, &values);
	out->event = event_of(values.text[SCRIPT_TYPE]);
	if (out->event == EVENT_NONE || out->event == EVENT_OTHER ||
	    out->event == EVENT_VERDICT)
		return 0;
	wrong = too_long(&values);
	if (wrong) {
		snprintf(why, size, "%s has more than %d characters", wrong,
			 VALUE_MAX);
		return -EINVAL;
	}
	if (values.twice >= 0) {
		snprintf(why, size, "%s is there twice", names[values.twice]);
		return -EINVAL;
	}
	wrong = set_all(&values, out);
	if (!wrong)
		return 0;
	snprintf(why, size, "%s", wrong);
	return -EINVAL;
}
