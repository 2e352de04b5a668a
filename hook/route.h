/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* Kernel routes through rtnetlink: each request acknowledged. */
#ifndef HOOK_ROUTE_H
#define HOOK_ROUTE_H

#include "ledger.h"

struct routes; /* a netlink socket */

/* What the kernel has, as a claim would say it. */
struct kernel_route {
	struct hook_route route;
	uint32_t ifindex, table, metric;
	uint8_t protocol;
	bool unreachable;
};

int routes_open(struct routes **out);
void routes_close(struct routes *routes);

/*
 * Puts a route in or moves it here from another device in one step: there is
 * no moment without it. Deleting one that is not there succeeds. 0, -errno of
 * the kernel, -ETIMEDOUT when no answer came in time.
 */
int routes_put(struct routes *routes, const struct kernel_route *route,
	       const struct deadline *deadline);
int routes_delete(struct routes *routes, const struct kernel_route *route,
		  const struct deadline *deadline);
/* FN for each route of TABLE and PROTOCOL, both families. */
int routes_each(uint32_t table, uint8_t protocol,
		const struct deadline *deadline,
		void (*fn)(void *arg, const struct kernel_route *route),
		void *arg);

/* Route number R of CLAIM. */
struct kernel_route claim_kernel_route(const struct claim *claim, size_t r);
/* For messages: "203.0.113.10", "2001:db8:100::/48". */
#define ROUTE_TEXT 64
const char *route_text(const struct ip_prefix *dst, char out[ROUTE_TEXT]);

/*
 * What the ledger says is only done when the configuration allows it: the
 * range, the device (still the one with that index), table, metric and
 * protocol.
 */
bool route_allowed(const struct claim *claim, size_t r,
		   const struct hook_config *config);

#endif
