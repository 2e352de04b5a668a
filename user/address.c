/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Addresses and prefixes, read strictly from text and written back. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "value.h"

static uint8_t host_length(const struct ip_prefix *p)
{
	return p->family == AF_INET ? 32 : 128;
}

static int read_ip(const char *text, struct ip_prefix *out, struct why *why)
{
	memset(out, 0, sizeof(*out));
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	out->length = host_length(out);
	if (inet_pton(out->family, text, &out->v6) == 1)
		return 0;
	return why_not(why, "is not an IPv4 or IPv6 address (a number, not a "
			    "name)");
}

struct reserved {
	const char *prefix;
	const char *why;
};

static const struct reserved reserved4[] = {
	{ "0.0.0.0/8", "0.0.0.0/8 is \"this host\"" },
	{ "127.0.0.0/8", "a loopback address is reached by nobody else" },
	{ "169.254.0.0/16", "a link-local address is always left alone" },
	{ "224.0.0.0/4", "a multicast address is always left alone" },
	{ "240.0.0.0/4", "240.0.0.0/4 is broadcast and reserved" },
};

static const struct reserved reserved6[] = {
	{ "::", "the unspecified address is nobody's" },
	{ "::1", "a loopback address is reached by nobody else" },
	{ "::ffff:0:0/96", "write an IPv4 address as IPv4" },
	{ "fe80::/10", "a link-local address is always left alone" },
	{ "ff00::/8", "a multicast address is always left alone" },
};

static bool covers(const struct ip_prefix *p, const struct ip_prefix *address)
{
	const uint8_t *a = p->v6.s6_addr, *b = address->v6.s6_addr;
	/* NOLINTNEXTLINE(clang-analyzer-core*): why_not() never returns 0 */
	unsigned int bytes = p->length / 8, bits = p->length % 8;

	if (p->family != address->family || p->length > address->length ||
	    memcmp(a, b, bytes))
		return false;
	return !bits || (a[bytes] ^ b[bytes]) >> (8 - bits) == 0;
}

/* Splits "address/length"; TEXT may have no length. */
static int read_prefix(const char *text, struct ip_prefix *out, struct why *why)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint64_t length;

	if (!slash)
		return read_ip(text, out, why);
	if ((size_t)(slash - text) >= sizeof(address))
		return why_not(why, "is not an IPv4 or IPv6 prefix");
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (read_ip(address, out, why))
		return -EINVAL;
	if (value_number(slash + 1, 0, host_length(out), &length, why))
		return why_not(why, "the prefix length must be at most %u",
			       host_length(out));
	out->length = (uint8_t)length;
	return 0;
}

static int unicast(const struct ip_prefix *p, struct why *why)
{
	bool v4 = p->family == AF_INET;
	const struct reserved *list = v4 ? reserved4 : reserved6;
	size_t n = v4 ? sizeof(reserved4) / sizeof(reserved4[0])
		      : sizeof(reserved6) / sizeof(reserved6[0]);
	struct ip_prefix block;
	struct why unused;

	for (size_t i = 0; i < n; i++)
		if (!read_prefix(list[i].prefix, &block, &unused) &&
		    (covers(&block, p) || covers(p, &block)))
			return why_not(why, "must be a unicast address: %s",
				       list[i].why);
	return 0;
}

int value_address(const char *text, struct ip_prefix *out, struct why *why)
{
	if (strchr(text, '/'))
		return why_not(why, "must be one address, without \"/\" and "
				    "prefix length");
	if (read_ip(text, out, why))
		return -EINVAL;
	return unicast(out, why);
}

/* Clears the host bits; true if one was set. */
static bool mask(struct ip_prefix *p)
{
	bool changed = false;

	for (unsigned int bit = p->length; bit < host_length(p); bit++) {
		uint8_t one = (uint8_t)(0x80 >> (bit % 8));

		changed |= p->v6.s6_addr[bit / 8] & one;
		p->v6.s6_addr[bit / 8] &= (uint8_t)~one;
	}
	return changed;
}

int value_prefix(const char *text, struct ip_prefix *out, struct why *why)
{
	char right[PREFIX_TEXT];

	if (read_prefix(text, out, why))
		return -EINVAL;
	if (mask(out))
		return why_not(why, "has bits set behind its length; write %s",
			       prefix_text(out, right));
	return unicast(out, why);
}

bool prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->length == b->length && covers(a, b);
}

const char *prefix_text(const struct ip_prefix *prefix, char out[PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(prefix->family, &prefix->v6, address, sizeof(address));
	if (prefix->length == host_length(prefix))
		(void)snprintf(out, PREFIX_TEXT, "%s", address);
	else
		(void)snprintf(out, PREFIX_TEXT, "%s/%u", address,
			       prefix->length);
	return out;
}
