#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A hundred cycles of load, replacement, reload and unload.
LEAK_CYCLES=100
export LEAK_CYCLES
exec tests/net/leaks.sh
