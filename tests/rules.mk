# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# What tests, measures and demonstrates; a part of the Makefile, which says what
# the targets are for.

TLIB_OBJ := $(call obj,$(filter-out tests/oracle/parity.c,$(wildcard tests/lib/*.c tests/oracle/*.c)))
prog = $(patsubst %.c,$(B)/%,$(wildcard $(1)))
UNIT     := $(call prog,tests/unit/*.c)
PROG     := $(call prog,tests/prog/*.c)
NET      := $(call prog,tests/net/*.c) $(call prog,tests/oracle/parity.c)
TOOLS    := $(call prog,tests/tools/*.c)
# The same program by other instructions: what a new version is to a loaded door.
OTHER    := $(B)/other/anyport
BESIDE   := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bpf/*.bpf.c))
# What answers in the kernel's place, for LD_PRELOAD.
PRELOAD  := $(patsubst %.c,$(B)/%.so,$(wildcard tests/preload/*.c))
FUZZ     := $(call prog,tests/fuzz/*.c)
BENCH    := $(patsubst %.bpf,%.bpf.o,$(filter-out $(B)/tests/bench/lib/%,$(call prog,tests/bench/*/*.c)))
BLIB_OBJ := $(call obj,$(wildcard tests/bench/lib/*.c))
ROOT_TESTS := $(PROG) $(NET) $(sort $(wildcard tests/net/*.sh) $(wildcard tests/openvpn/*.sh))
LONG     := $(call prog,tests/long/*.c)
LONG_TESTS := $(LONG) $(sort $(wildcard tests/long/*.sh))

$(B)/libtest.a: $(TLIB_OBJ)
$(B)/libbench.a: $(BLIB_OBJ)
$(B)/libfuzz.a: $(call obj,$(wildcard tests/fuzz/lib/*.c))

# A test's own needs beyond the archives: LDFLAGS_NAME, e.g. linker wraps.
LDFLAGS_config := -Wl,--wrap=config_cpus
LDFLAGS_config_refuse := $(LDFLAGS_config)
LDFLAGS_policy := $(LDFLAGS_config)
LDFLAGS_config_docs := $(LDFLAGS_config)
LDFLAGS_config_memory := $(LDFLAGS_config) -Wl,--wrap=calloc,--wrap=strdup,--wrap=reallocarray
LDFLAGS_hook_files := -Wl,--wrap=deadline_sleep
LDFLAGS_hook_env := -Wl,--wrap=config_load
LDFLAGS_old_kernel := -Wl,--wrap=programs_load,--wrap=uname
LDFLAGS_hook_settle := -Wl,--wrap=routes_open,--wrap=routes_put,--wrap=routes_delete,--wrap=hooklog_warn
LDFLAGS_env := $(LDFLAGS_hook_env),--wrap=hooklog_error
$(filter-out %.o,$(BENCH)) $(B)/tests/tools/hookbench $(B)/tests/unit/baseline: $(B)/libbench.a
$(B)/tests/%: $(B)/tests/%.o $(B)/libtest.a $(B)/libhook.a $(B)/libuser.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LDFLAGS_$(notdir $@)) -o $@ \
		-Wl,--start-group $^ -Wl,--end-group \
		-lcmocka $(USER_LIBS) $(HOOK_LIBS)

$(B)/tests/preload/%.so: tests/preload/%.c
	$(call say,SO,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIC -shared $(LDFLAGS) \
		-MMD -MP -MT $@ -MF $(@:.so=.d) -o $@ $< -ldl

tests: all $(UNIT) $(PROG) $(NET) $(LONG) $(TOOLS) $(BESIDE) $(PRELOAD) $(OTHER)

$(OTHER): all
	@$(MAKE) $(if $(V),,-s) --no-print-directory B=$(B)/other BPF_CFLAGS="$(BPF_CFLAGS) -mcpu=v2" $@

check: all $(UNIT)
	@tests/run $(UNIT)

# As root these install what is missing and leave build/ to sudo's caller.
demo test test-vm smoke-vm test-long bench bench-quick: deps
	@tests/own.sh $(MAKE) --no-print-directory $@-ready

demo-ready: all $(TOOLS)
	@tests/sandbox.sh tests/demo.sh

bench-ready bench-quick-ready: all $(TOOLS) $(BENCH)
	@tests/bench/run.sh $(if $(filter %quick-ready,$@),quick,full)

# The last quick run becomes what later ones are held against.
bench-accept:
	@tests/bench/run.sh accept

test-ready: tests fuzzers
	@TEST_LOG=$(B)/test.log tests/sandbox.sh tests/run $(UNIT) \
		tests/fuzz/run.sh $(ROOT_TESTS) -- tests/requirements.sh

# What takes too long for every day; a full sweep is the short one's KILL_POINTS=0.
# RESUME=1: without what has passed on the same sources.
test-long-ready: export TEST_PASSED := $(abspath $(B))/passed
test-long-ready: tests fuzzers
	@bash -c '. tests/lib/passed.sh && passed_begin'
	@TEST_LOG=$(B)/test-long.log TEST_TIMEOUT=3600 TEST_JOBS=1 KILL_POINTS=0 \
		tests/sandbox.sh tests/run $(LONG_TESTS) \
		tests/net/load-kill.sh tests/net/hook-crash.sh \
		-- tests/requirements.sh
	@$(MAKE) --no-print-directory test-vm-ready KERNELS="6.1 6.12 7.2"

test-vm: deps-vm
test-long: deps-long
KERNELS ?= 6.1
TESTS   ?= $(ROOT_TESTS)
test-vm-ready: tests
	@tests/vm/run.sh $(KERNELS) -- $(TESTS)

# Of each kind one on Debian 12's kernel, for every change.
SMOKE := $(addprefix $(B)/tests/,prog/verifier prog/alias net/door_udp) \
	 tests/net/dispatcher.sh tests/net/vlan.sh tests/net/readers.sh \
	 tests/openvpn/hostile.sh
smoke-vm-ready: tests
	@tests/vm/run.sh 6.1 -- $(SMOKE)

# The same sources once more, by a compiler that looks over their shoulder.
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	    -fno-sanitize-recover=all
sanitize:
	@$(MAKE) --no-print-directory B=build/sanitize CFLAGS="$(SANITIZE)" check

# Reads the sources: compilers, cppcheck, clang-tidy, shellcheck; and valgrind.
lint:
	@TEST_TIMEOUT=3600 tests/run tests/long/lint.sh

TIME ?= 60
fuzz: fuzzers
	@TIME=$(TIME) tests/fuzz/run.sh

fuzzers:
	@$(MAKE) --no-print-directory B=build/fuzz CC=$(CLANG) \
		CFLAGS="$(SANITIZE) -fsanitize=fuzzer-no-link -fprofile-instr-generate \
		-fcoverage-mapping" fuzzers-ready

fuzzers-ready: $(FUZZ)

# Words at odd places are what the programs read on purpose.
$(patsubst %,$(B)/tests/fuzz/lib/twin_%.o,tc xdp lookup peer): \
	ALL_CFLAGS += -fno-sanitize=alignment
$(FUZZ): $(B)/libfuzz.a
$(B)/tests/fuzz/%: LDFLAGS += -fsanitize=fuzzer
# the wrap is for the unit test of that name
$(B)/tests/fuzz/%: LDFLAGS_config :=
