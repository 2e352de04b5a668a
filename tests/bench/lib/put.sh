# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# For sections that are scripts; to be sourced from the top of the source.

FIGURES=${BENCH_FIGURES:-$PWD/build/bench/figures}
mkdir -p "${FIGURES%/*}"

# Samples on stdin: put UNIT NAME
put() {
	build/tests/bench/report/put "$FIGURES" "$@"
}
