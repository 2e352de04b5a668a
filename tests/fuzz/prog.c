/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * The same stories as door.c, told to the programs in the kernel too, by test
 * runs: they must do what their twins on the host do, to the byte, to the
 * verdict, to the counter and to the flow. For root, in tests/sandbox.sh.
 */
#include "lib/kernel.h"
#include "lib/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	kernel_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	script_run(data, size, &kernel);
	return 0;
}
