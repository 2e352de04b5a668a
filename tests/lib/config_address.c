/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
#include <string.h>
#include <sys/socket.h>

#include "config_address.h"
#include "packet.h"

void config_address(struct ap_config *c, const char *ip, uint8_t id)
{
	struct end e = end(ip, 0);

	if (e.family == AF_INET) {
		memcpy(&c->addr4[c->n4].ip, e.ip, 4);
		c->addr4[c->n4++].id = id;
	} else {
		memcpy(c->addr6[c->n6].ip, e.ip, 16);
		c->addr6[c->n6++].id = id;
	}
}
