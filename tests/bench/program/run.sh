#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# The XDP program alone, by test runs: what a packet costs above nothing.
set -eu
exec build/tests/bench/program/program build/tests/bench/program/rotate.bpf.o "$@"
