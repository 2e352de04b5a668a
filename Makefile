# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# make            builds build/anyport and build/anyport-hook
# make demo       the main job in a lab with real OpenVPN (root)
# make test       every test (root); make check: those that need no root
# make test-vm    the same on Debian 12's kernel; KERNELS="6.1 6.12 7.2" TESTS="..."
# make smoke-vm   a few minutes of that: the set SMOKE of the Makefile
# make test-long  full sweeps, floods and every kernel (root, hours)
# make bench      measures everything, beside the alternatives (root, at most 41 minutes)
# make bench-quick  what matters most, against the baseline (root, 8 minutes);
#                 make bench-accept: the last quick run is the baseline now
# make sanitize  the unit tests with AddressSanitizer and UBSan
# make lint      compilers, cppcheck, clang-tidy, shellcheck, valgrind (no root)
# make fuzz      each fuzzer for TIME=60 seconds; as root the kernel programs too
# make install    below DESTDIR, with PREFIX, LIBDIR; make uninstall
# make help       the rest

PREFIX     ?= /usr
LIBDIR     ?= /lib
export DESTDIR PREFIX LIBDIR
CC         ?= gcc
CLANG      ?= clang
BPFTOOL    ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
V          ?=

B := build
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

# First of all, so that a missing package is named before anything fails.
LIBS := libbpf libxdp inih jansson libnl-3.0 libnl-route-3.0 libcap-ng smartcols
ifeq ($(filter clean help uninstall deps demo test test-vm smoke-vm test-long bench bench-quick bench-accept,$(MAKECMDGOALS)),)
missing := $(shell for l in $(LIBS); do $(PKG_CONFIG) --exists $$l 2>/dev/null || echo $$l; done)
ifneq ($(strip $(missing)),)
$(error these libraries are missing: $(strip $(missing)). "make deps" as root installs what anyport needs)
endif
endif

VERSION  := $(shell sed -n 's/^anyport \([0-9.]*\).*/\1/p;T;q' CHANGES 2>/dev/null)
WARN     := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow \
	    -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2
ALL_CPPFLAGS := -D_GNU_SOURCE -I$(B)/bpf -Ibpf -Iuser -Ihook -Itests/lib \
	    -DVERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(WARN) -fno-common -fstack-protector-strong $(CFLAGS) \
	    $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror \
	    -Wno-unused-parameter -Ibpf \
	    -idirafter /usr/include/$(shell uname -m)-linux-gnu

BPF  := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
SKEL := $(BPF:%=$(B)/bpf/%.skel.h)
USER_LIBS = $(shell $(PKG_CONFIG) --libs libxdp libbpf inih jansson libnl-3.0 libnl-route-3.0 smartcols)
HOOK_LIBS = $(shell $(PKG_CONFIG) --libs inih libnl-3.0 libnl-route-3.0 libcap-ng)
# The hook starts for every event, and loading four libraries takes longer than
# its work: all but libc are linked in. HOOK_LINK="$(HOOK_LIBS)" undoes it.
HOOK_LINK ?= -Wl,-Bstatic $(HOOK_LIBS) -Wl,-Bdynamic

obj = $(patsubst %.c,$(B)/%.o,$(1))
USER_OBJ := $(call obj,$(filter-out user/main.c,$(wildcard user/*.c)))
HOOK_OBJ := $(call obj,$(filter-out hook/main.c,$(wildcard hook/*.c)))
TLIB_OBJ := $(call obj,$(filter-out tests/oracle/parity.c,$(wildcard tests/lib/*.c tests/oracle/*.c)))
prog = $(patsubst %.c,$(B)/%,$(wildcard $(1)))
UNIT     := $(call prog,tests/unit/*.c)
PROG     := $(call prog,tests/prog/*.c)
NET      := $(call prog,tests/net/*.c) $(call prog,tests/oracle/parity.c)
TOOLS    := $(call prog,tests/tools/*.c)
# The same program by other instructions: what a new version is to a loaded door.
OTHER    := $(B)/other/anyport
BESIDE   := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bpf/*.bpf.c))
FUZZ     := $(call prog,tests/fuzz/*.c)
BENCH    := $(patsubst %.bpf,%.bpf.o,$(filter-out $(B)/tests/bench/lib/%,$(call prog,tests/bench/*/*.c)))
BLIB_OBJ := $(call obj,$(wildcard tests/bench/lib/*.c))
ROOT_TESTS := $(PROG) $(NET) $(sort $(wildcard tests/net/*.sh) $(wildcard tests/openvpn/*.sh))
LONG     := $(call prog,tests/long/*.c)
LONG_TESTS := $(LONG) $(sort $(wildcard tests/long/*.sh))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests demo test check bench bench-quick bench-accept sanitize fuzz fuzzers test-vm test-long lint deps deps-vm deps-long install uninstall clean help

all: $(if $(wildcard user/main.c),$(B)/anyport) $(if $(wildcard hook/main.c),$(B)/anyport-hook)

$(B)/%.bpf.o: %.bpf.c
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@

$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q){ echo "#include \"anyport.h\""; $(BPFTOOL) gen skeleton $< name $*_bpf; } > $@

# Who includes a skeleton says so in its .d; all others need not be built again.
$(B)/%.o: %.c | $(SKEL)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Archives, so that a test links only what it needs of a program.
$(B)/libuser.a: $(USER_OBJ)
$(B)/libhook.a: $(HOOK_OBJ)
$(B)/libtest.a: $(TLIB_OBJ)
$(B)/libbench.a: $(BLIB_OBJ)
$(B)/libfuzz.a: $(call obj,$(wildcard tests/fuzz/lib/*.c))
$(B)/lib%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/anyport: $(B)/user/main.o $(B)/libuser.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(USER_LIBS)

$(B)/anyport-hook: $(B)/hook/main.o $(B)/libhook.a $(B)/libuser.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(HOOK_LINK)

# A test's own needs beyond the archives: LDFLAGS_NAME, e.g. linker wraps.
LDFLAGS_config := -Wl,--wrap=config_cpus
LDFLAGS_config_refuse := $(LDFLAGS_config)
LDFLAGS_policy := $(LDFLAGS_config)
LDFLAGS_config_docs := $(LDFLAGS_config)
LDFLAGS_config_memory := $(LDFLAGS_config) -Wl,--wrap=calloc,--wrap=strdup,--wrap=reallocarray
LDFLAGS_hook_env := -Wl,--wrap=config_load
LDFLAGS_old_kernel := -Wl,--wrap=programs_load,--wrap=uname
LDFLAGS_hook_settle := -Wl,--wrap=routes_open,--wrap=routes_put,--wrap=routes_delete
LDFLAGS_env := $(LDFLAGS_hook_env),--wrap=hooklog_error
$(filter-out %.o,$(BENCH)) $(B)/tests/tools/hookbench: $(B)/libbench.a
$(B)/tests/%: $(B)/tests/%.o $(B)/libtest.a $(B)/libhook.a $(B)/libuser.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LDFLAGS_$(notdir $@)) -o $@ \
		-Wl,--start-group $^ -Wl,--end-group \
		-lcmocka $(USER_LIBS) $(HOOK_LIBS)

tests: all $(UNIT) $(PROG) $(NET) $(LONG) $(TOOLS) $(BESIDE) $(OTHER)

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
test-long-ready: tests fuzzers
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

$(FUZZ): $(B)/libfuzz.a
$(B)/tests/fuzz/%: LDFLAGS += -fsanitize=fuzzer
# the wrap is for the unit test of that name
$(B)/tests/fuzz/%: LDFLAGS_config :=

deps:
	@tests/deps.sh

deps-vm deps-long: deps
	@tests/deps.sh $(@:deps-%=%)

# The script knows the files; a build under sudo stays the caller's.
install: all
	@$(if $(SUDO_UID),tests/own.sh) conf/install.sh $@

uninstall:
	@conf/install.sh $@

clean:
	$(Q)rm -rf $(B)

help:
	@sed -n 's/^# make/make/p' Makefile

-include $(shell find $(B) -path $(B)/vm -prune -o -name '*.d' -print 2>/dev/null)
