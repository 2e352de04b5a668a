#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# Ten minutes of sequences that nobody thought of, other ones every time, in a
# server with nft's redirect and in one with the door. The seed is printed.
set -u
PARITY_SEED=${PARITY_SEED:-random} PARITY_SECONDS=${PARITY_SECONDS:-600} \
	exec build/tests/oracle/parity
