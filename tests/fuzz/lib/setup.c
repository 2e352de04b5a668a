/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Configurations to fuzz with. */
#include <arpa/inet.h>
#include <string.h>

#include "config_address.h"
#include "place.h"
#include "setup.h"
#include "twin.h"
#include "twin_map.h"

/*
 * A packet costs an hour: what little time passes in a run makes no difference
 * to what is let in.
 */
#define HOUR 3600000000000ULL

struct setup setup;

static const struct role always[] = {
	{ 0, AP_PASS, 0 },     { 67, AP_PASS, 0 },  { 68, AP_PASS, 0 },
	{ 546, AP_PASS, 0 },   { 547, AP_PASS, 0 }, { TARGET, AP_OWN, 0 },
	{ MAPPED, AP_OWN, 1 },
};
#define N_ALWAYS (sizeof(always) / sizeof(always[0]))
static const struct role moving[2][N_ROLES - N_ALWAYS] = {
	{ { DIALLED, 0, 1 },
	  { CLAIMED, AP_CLAIM, 0 },
	  { PASSED_PORT, AP_PASS, 0 },
	  { SERVICE_UDP, 0, 0 },
	  { 443, 0, 0 } },
	{ { DIALLED, 0, 0 },
	  { CLAIMED, AP_PASS, 0 },
	  { PASSED_PORT, 0, 1 },
	  { SERVICE_UDP, AP_CLAIM, 1 },
	  { 443, 0, 1 } },
};

static void addresses(struct ap_config *c, unsigned int n)
{
	config_address(c, DOOR_A4, ID_A4);
	config_address(c, DOOR_A6, ID_A6);
	if (n & SETUP_ONE)
		return;
	config_address(c, DOOR_B4, ID_B4);
	config_address(c, DOOR_B6, ID_B6);
}

static void limits(struct ap_config *c)
{
	for (int i = 0; i < AP_CLASSES; i++)
		c->budget[i] = (struct ap_budget){ .cost = HOUR,
						   .reserve = 2 * HOUR,
						   .prefix = 3 * HOUR,
						   .burst = 21 * HOUR / 2 };
}

static void tables(struct ap_config *c)
{
	c->established = c->half_open = TWIN_ENTRIES;
	c->flows4 = place_segments(TWIN_ENTRIES, 1, 4);
	c->flows6 = place_segments(TWIN_ENTRIES, 1, 6);
	c->half4 = place_segments(TWIN_ENTRIES, 0, 4);
	c->half6 = place_segments(TWIN_ENTRIES, 0, 6);
}

static void configure(struct ap_config *c, unsigned int n)
{
	*c = (struct ap_config){
		/* frames come in by 1 in test runs, connections by 0 */
		.uplink = { 1, 0 },
		.n_uplink = n & SETUP_INSIDE ? 1 : 2,
		.nat_first = 32768,
		.nat_last = n & SETUP_NO_NAT ? 0 : 60999,
		.idle_established = SETUP_TICKS(9),
		.idle_half = SETUP_TICKS(1),
		.idle_nat = SETUP_TICKS(5),
		.filter = !(n & SETUP_NO_FILTER),
		.slot = setup.active.generation & 1,
	};
	addresses(c, n);
	for (int proto = 0; proto < AP_PROTOS; proto++) {
		c->target[proto][0] = htons(TARGET);
		c->target[proto][1] = htons(MAPPED);
		c->n_target[proto] = 2;
	}
	tables(c);
	if (n & SETUP_LIMITS)
		limits(c);
}

struct ap_policy setup_policy(const struct role *role)
{
	return (struct ap_policy){
		.flags = role->flags,
		.target = role->target,
		.port = htons(role->target ? MAPPED : TARGET),
	};
}

void setup_begin(void)
{
	struct ap_policy *all = twin_at("policy", 0);
	struct ap_secret *secret = twin_at("secret", 0);

	*secret = (struct ap_secret){
		.hash = { 0x0123456789abcdef, 0xfedcba9876543210 },
		.place = { 0x02468ace13579bdf, 0xfdb97531eca86420 },
	};
	for (uint32_t i = 0; i < AP_POLICIES; i++)
		all[i] = setup_policy(&(struct role){ 0, 0, 0 });
}

void setup_apply(unsigned int n)
{
	struct ap_active *active = twin_at("active", 0);
	struct ap_policy *all = twin_at("policy", 0);
	uint32_t generation = ++setup.active.generation;

	configure(&setup.config, n);
	memcpy(setup.role, always, sizeof(always));
	memcpy(setup.role + N_ALWAYS, moving[!!(n & SETUP_MOVED)],
	       sizeof(moving[0]));
	for (int i = 0; i < N_ROLES; i++)
		for (int proto = 0; proto < AP_PROTOS; proto++)
			all[AP_POLICY_INDEX(generation, proto,
					    setup.role[i].port)] =
				setup_policy(&setup.role[i]);
	memcpy(twin_at("config", generation & 1), &setup.config,
	       sizeof(setup.config));
	*active = (struct ap_active){ .generation = generation }; /* no clock */
}

bool setup_is_door(const uint8_t *ip, int family)
{
	const struct ap_config *c = &setup.config;

	for (uint32_t i = 0; family == AF_INET && i < c->n4; i++)
		if (!memcmp(&c->addr4[i].ip, ip, 4))
			return true;
	for (uint32_t i = 0; family == AF_INET6 && i < c->n6; i++)
		if (!memcmp(c->addr6[i].ip, ip, 16))
			return true;
	return false;
}

static struct role role_of(uint16_t port)
{
	for (int i = 0; i < N_ROLES; i++)
		if (setup.role[i].port == port)
			return setup.role[i];
	return (struct role){ port, 0, 0 };
}

bool setup_passes(uint16_t port)
{
	return role_of(port).flags & AP_PASS;
}

uint16_t setup_target(uint16_t port)
{
	return role_of(port).target ? MAPPED : TARGET;
}

bool setup_is_target(uint16_t port)
{
	return port == TARGET || port == MAPPED;
}

uint16_t setup_steers(int family, const void *remote, const void *local,
		      uint16_t port, bool known)
{
	bool listens = port == TARGET || port == SERVICE_TCP;
	struct role role = role_of(port);

	if (setup.config.n_uplink < 2 || !setup_is_door(local, family) ||
	    setup_is_door(remote, family) || role.flags & AP_PASS)
		return 0;
	if (known && listens && !(role.flags & AP_CLAIM))
		return 0;
	return role.target ? 0 : TARGET; /* nobody listens on the other */
}
