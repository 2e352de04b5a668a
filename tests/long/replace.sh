#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# A hundred reloads and ten replacements in each mode, at the full rate.
REPLACE_RELOADS=100 REPLACE_LOADS=10 REPLACE_SHARE=95
export REPLACE_RELOADS REPLACE_LOADS REPLACE_SHARE
exec tests/net/replace.sh
