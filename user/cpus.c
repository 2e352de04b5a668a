/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/* How many CPUs the kernel has made room for. */
#include <stdio.h>

#include "config_parse.h"

unsigned int config_cpus(void)
{
	unsigned int first = 0, last = 0, n = 0;
	FILE *in = fopen("/sys/devices/system/cpu/possible", "re");

	if (!in)
		return 0;
	/* "0-3" or "0,2-3" */
	while (fscanf(in, "%u", &first) == 1) {
		last = first;
		if (fscanf(in, "-%u", &last) != 1)
			last = first;
		n += last - first + 1;
		if (fgetc(in) != ',')
			break;
	}
	fclose(in);
	return n;
}
