/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright the anyport authors */
/*
 * How much the verifier has to look at, against tests/prog/verifier-baseline:
 * lines of kernel, program, instructions. A jump by half fails, long before
 * the limit of a million does, on an older kernel, at a customer's. And the
 * stack that functions which call each other take together, as 6.1 adds it up.
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

#define PROGRAMS 6

static void programs(const struct bpf_program *prog[PROGRAMS])
{
	prog[0] = door.xdp->progs.anyport_xdp;
	prog[1] = door.tc->progs.anyport_ingress;
	prog[2] = door.tc->progs.anyport_egress;
	prog[3] = door.lookup->progs.anyport_lookup;
	prog[4] = door.peer->progs.anyport_peer4;
	prog[5] = door.peer->progs.anyport_peer6;
}

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
	const struct bpf_program *prog[PROGRAMS];
	unsigned int insns, known;
	struct utsname host;
	char kernel[16];
	int major, minor;
	size_t i;

	(void)state;
	programs(prog);
	uname(&host);
	assert_int_equal(sscanf(host.release, "%d.%d", &major, &minor), 2);
	snprintf(kernel, sizeof(kernel), "%d.%d", major, minor);
	for (i = 0; i < PROGRAMS; i++) {
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

/* ---- stack --------------------------------------------------------------*/

#define STACK_MAX  512
#define STACK_UNIT 32 /* newer kernels take 16 */
#define CALL_DEPTH 8
#define INSNS_MAX  16384

/* A program with its functions behind it, as it went to the kernel. */
struct code {
	const struct bpf_insn *insn;
	size_t n;
	bool begins[INSNS_MAX]; /* a function */
};

static bool is_call(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL) && i->src_reg == BPF_PSEUDO_CALL;
}

/* How far below the frame pointer an instruction reaches; FRAME: registers
 * that are copies of it. */
static int reach(const struct bpf_insn *i, unsigned int *frame)
{
	unsigned int class = BPF_CLASS(i->code), dst = 1U << i->dst_reg;

	if ((class == BPF_LDX && i->src_reg == BPF_REG_10) ||
	    ((class == BPF_ST || class == BPF_STX) && i->dst_reg == BPF_REG_10))
		return -i->off;
	if (i->code == (BPF_ALU64 | BPF_ADD | BPF_K) && *frame & dst) {
		*frame &= ~dst;
		return -i->imm;
	}
	if (class == BPF_ALU64 || class == BPF_ALU || class == BPF_LDX)
		*frame &= ~dst;
	if (i->code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
	    i->src_reg == BPF_REG_10)
		*frame |= dst;
	return 0;
}

/* Of the function that begins at AT and of the deepest that it calls. */
static int stack_from(const struct code *code, size_t at, unsigned int depth)
{
	int own = 1, below = 0, one;
	unsigned int frame = 0;

	assert_true(depth < CALL_DEPTH);
	for (size_t i = at; i < code->n && (i == at || !code->begins[i]); i++) {
		const struct bpf_insn *insn = &code->insn[i];

		one = reach(insn, &frame);
		own = one > own ? one : own;
		if (!is_call(insn))
			continue;
		one = stack_from(code, i + 1 + insn->imm, depth + 1);
		below = one > below ? one : below;
	}
	return (own + STACK_UNIT - 1) / STACK_UNIT * STACK_UNIT + below;
}

static int stack_of(const struct bpf_program *prog)
{
	static struct code code;

	code = (struct code){ .insn = bpf_program__insns(prog),
			      .n = bpf_program__insn_cnt(prog) };
	assert_in_range(code.n, 2, INSNS_MAX);
	for (size_t i = 0; i < code.n; i++)
		if (is_call(&code.insn[i]))
			code.begins[i + 1 + code.insn[i].imm] = true;
	return stack_from(&code, 0, 0);
}

/* At the limit the next compiler's spill is one too many. */
static void room_on_the_stack(void **state)
{
	const struct bpf_program *prog[PROGRAMS];

	(void)state;
	programs(prog);
	for (size_t i = 0; i < PROGRAMS; i++) {
		int stack = stack_of(prog[i]);

		printf("# %s: %d bytes of stack\n", bpf_program__name(prog[i]),
		       stack);
		assert_in_range(stack, STACK_UNIT, STACK_MAX - STACK_UNIT);
	}
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
		cmocka_unit_test(room_on_the_stack),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);

	if (!failed && !missing)
		print_req("35");
	return failed;
}
