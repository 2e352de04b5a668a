/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include <stdint.h>

#include "anyport.h"

/* One more address of the door, IPv4 or IPv6 as text, in a configuration as the
 * programs read it. */
void config_address(struct ap_config *c, const char *ip, uint8_t id);

#endif
