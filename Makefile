# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
#
# make deps       installs the Debian packages that it needs (root)
# make            builds build/anyport and build/anyport-hook; make clean
# make demo       the main job in a lab with real OpenVPN (root)
# make test       every test (root); make check: those that need no root
# make test-vm    the same on Debian 12's kernel; KERNELS="6.1 6.12 7.2" TESTS="..."
# make smoke-vm   a few minutes of that: the set SMOKE in tests/rules.mk
# make test-long  full sweeps, floods and every kernel (root, hours); RESUME=1: only
#                 what had not passed when it was interrupted
# make bench      measures everything, beside the alternatives (root, at most 41 minutes)
# make bench-quick  what matters most, against the baseline (root, 8 minutes);
#                 make bench-accept: the last quick run is the baseline now
# make sanitize  the unit tests with AddressSanitizer and UBSan
# make lint      compilers, cppcheck, clang-tidy, shellcheck, valgrind, sanitizers (no root)
# make fuzz      each fuzzer for TIME=60 seconds; as root the kernel programs too
# make install    below DESTDIR, with PREFIX, LIBDIR; make uninstall
# make help       says this

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

include $(wildcard tests/rules.mk)

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
	@sed -n '/^$$/q; s/^# \(make\|  *\)/\1/p' Makefile

-include $(shell find $(B) -path $(B)/vm -prune -o -type f -name '*.d' -print 2>/dev/null)
