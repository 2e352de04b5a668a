/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* The programs' pure headers on the host: the very source that the kernel
 * runs, with the arithmetic on void pointers that is usual there. */
#ifndef PURE_H
#define PURE_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpointer-arith"
#include "ovpn.h"
#include "parse.h"
#include "rewrite.h"
#pragma GCC diagnostic pop

#endif
