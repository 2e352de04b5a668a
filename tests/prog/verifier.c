/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * How much the verifier has to look at, against tests/prog/verifier-baseline:
 * lines of kernel, program, instructions. A jump by half fails, long before
 * the limit of a million does, on an older kernel, at a customer's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "expect.h"
#include "lookup.skel.h"
#include "peer.skel.h"
#include "tc.skel.h"
#include "xdp.skel.h"

static unsigned int missing; /* programs without a line for this kernel */
static const char file[] = "tests/prog/verifier-baseline";

static unsigned int verified(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	assert_int_equal(
		bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), 0);
	return info.verified_insns;
}

/* 0: this kernel has no baseline yet. */
static unsigned int baseline(const char *kernel, const char *name)
{
	char line[128], release[16], prog[64];
	FILE *f = fopen(file, "re");
	unsigned int insns, found = 0;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%15s %63s %u", release, prog, &insns) == 3 &&
		    !strcmp(release, kernel) && !strcmp(prog, name))
			found = insns;
	fclose(f);
	return found;
}

static void within_half(void **state)
{
	const struct bpf_program *const prog[] = {
		door.xdp->progs.anyport_xdp,
		door.tc->progs.anyport_ingress,
		door.tc->progs.anyport_egress,
		door.lookup->progs.anyport_lookup,
		door.peer->progs.anyport_peer4,
		door.peer->progs.anyport_peer6,
	};
	unsigned int insns, known;
	struct utsname host;
	char kernel[16];
	int major, minor;
	size_t i;

	(void)state;
	uname(&host);
	assert_int_equal(sscanf(host.release, "%d.%d", &major, &minor), 2);
	snprintf(kernel, sizeof(kernel), "%d.%d", major, minor);
	for (i = 0; i < sizeof(prog) / sizeof(prog[0]); i++) {
		insns = verified(prog[i]);
		known = baseline(kernel, bpf_program__name(prog[i]));
		printf("# %s %s %u\n", kernel, bpf_program__name(prog[i]),
		       insns);
		assert_in_range(insns, 1, 500000);
		missing += !known;
		if (known)
			assert_in_range(insns, 1, known + known / 2);
	}
	if (missing)
		printf("# no baseline for %s: add these lines to %s\n", kernel,
		       file);
}

static int setup(void **state)
{
	(void)state;
	return door_open(&door, DOOR_XDP, 256);
}

static int teardown(void **state)
{
	(void)state;
	door_close(&door);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_half),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);

	if (!failed && !missing)
		print_req("35");
	return failed;
}
