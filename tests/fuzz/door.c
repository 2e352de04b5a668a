/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * Any bytes as a story of packets, told to the kernel programs as they are when
 * compiled for the host: what lib/judge.h says holds for each, and nothing is
 * read that is not there.
 */
#include "lib/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	script_run(data, size, NULL);
	return 0;
}
