# SPDX-License-Identifier: GPL-3.0-or-later
#
# hawd: one Makefile, not recursive. Sources are found by folder, so a new file needs no line here.
#
#   make                  the programs, into build/MODE/
#   make check            everything that can be tested here (as root: installs what is missing first)
#   make check-machines   the same in whole machines: systemd, a watchdog device, DRBD
#   make fuzz             libFuzzer at everything that reads what somebody else wrote
#   make demo             a cluster on this machine, with a host that dies
#   make install          PREFIX=/usr/local DESTDIR=
#   make help             all targets
#
# MODE=release|san|cov|fuzz (clang)   CC=gcc|clang   WERROR=1 (a warning fails)   BUILDDIR=build

VERSION := 0.1.0

MODE ?= release
BUILDDIR ?= build
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var
RUNSTATEDIR ?= /run
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/hawd
LIBDIR ?= $(PREFIX)/lib
DATADIR ?= $(PREFIX)/share
PKG_CONFIG ?= pkg-config
INSTALL ?= install

B := $(BUILDDIR)/$(MODE)

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all

# ---- flags ---------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	    -Wformat=2 -Wundef -Wwrite-strings

MODE_CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
MODE_CFLAGS_san := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		   -fno-omit-frame-pointer
MODE_CFLAGS_cov := -O0 -g --coverage
MODE_CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
		    -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_LDFLAGS_release := -Wl,-z,relro,-z,now
MODE_LDFLAGS_san := -fsanitize=address,undefined
MODE_LDFLAGS_cov := --coverage
MODE_LDFLAGS_fuzz := -fsanitize=address,undefined
ifeq ($(filter $(MODE),release san cov fuzz),)
$(error MODE=$(MODE) is none of release, san, cov, fuzz)
endif

# Asserts guard every move of the state machines: they stay on in every mode.
ifneq ($(findstring -DNDEBUG,$(CFLAGS) $(CPPFLAGS)),)
$(error hawd is never built with NDEBUG: its asserts are part of the design)
endif

PKG_RING := libcorosync_common libcpg libquorum libvotequorum libcmap libcfg
PKG_GUEST := libvirt libvirt-qemu libxml-2.0
PKG_ALL := $(PKG_RING) $(PKG_GUEST) libnbd libqb libsystemd sqlite3 libprotobuf-c jansson inih libfreeipmi \
	   smartcols check

# What is not installed adds nothing here; the pure parts and the simulator build without it.
PKG_CFLAGS := $(sort $(shell for p in $(PKG_ALL); do $(PKG_CONFIG) --cflags $$p 2>/dev/null; done))
libs_of = $(if $(strip $(1)),$(shell $(PKG_CONFIG) --libs $(sort $(1))))

ALL_CPPFLAGS = -I. -I$(B)/gen -D_GNU_SOURCE $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(MODE_CFLAGS_$(MODE)) -fPIE -pthread $(CFLAGS)
ALL_LDFLAGS = $(MODE_LDFLAGS_$(MODE)) -pie -pthread -Wl,--as-needed $(LDFLAGS)

# ---- sources -------------------------------------------------------------------------------------

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

# Of hawd/base these need a clock, a file or the journal. Drivers are named driver_*.c everywhere.
BASE_IO_SRC := $(wildcard hawd/base/log.c hawd/base/clock.c hawd/base/config_load.c hawd/base/program.c \
	       hawd/base/tool.c hawd/base/thread.c hawd/base/mailbox.c)
PURE_SRC := $(filter-out $(BASE_IO_SRC),$(wildcard hawd/base/*.c)) \
	    $(filter-out policy/driver_%,$(wildcard policy/*.c)) \
	    $(wildcard fencing/ladder*.c) \
	    $(filter-out snapshots/driver_%,$(wildcard snapshots/*.c)) \
	    $(filter-out replication/driver_%,$(wildcard replication/*.c)) \
	    $(wildcard hawd/core/*.c)
DRIVER_SRC := $(wildcard policy/driver_*.c snapshots/driver_*.c replication/driver_*.c)
SIM_SRC := $(wildcard hawd/sim/*.c)
WIRE_SRC := $(wildcard hawd/wire/*.c)
PROTO := $(wildcard hawd/wire/*.proto)
PB_C := $(patsubst %.proto,$(B)/gen/%.pb-c.c,$(PROTO))
PB_H := $(PB_C:.c=.h)
.SECONDARY: $(PB_C) $(PB_H)
ADAPTERS := ring guest sense runner watchdog ledger store control
$(foreach a,$(ADAPTERS),$(eval $(a)_SRC := $(wildcard hawd/$(a)/*.c)))
HAWD_SRC := $(wildcard hawd/*.c)
FENCE_SRC := $(filter-out fencing/ladder%,$(wildcard fencing/*.c))
CTL_SRC := $(wildcard hawd/ctl/*.c hawd/ctl/doctor/*.c)
FACTS_SRC := $(wildcard hawd/facts/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
SIMTEST_SRC := $(wildcard tests/sim/*.c)
# Each of these is a program of its own, tests/X/NAME.c -> build/MODE/X/NAME.
TOOL_SRC := $(wildcard tests/conf/*.c tests/lab/*.c tests/bench/*.c tests/trace/*.c tests/fuzz/seeds.c)
# libFuzzer's main comes with the compiler: only in MODE=fuzz.
FUZZ_SRC := $(if $(filter fuzz,$(MODE)),$(wildcard tests/fuzz/fuzz_*.c))

ALL_SRC := $(PURE_SRC) $(BASE_IO_SRC) $(SIM_SRC) $(WIRE_SRC) $(foreach a,$(ADAPTERS),$($(a)_SRC)) \
	   $(HAWD_SRC) $(DRIVER_SRC) $(FENCE_SRC) $(FACTS_SRC) $(CTL_SRC) $(UNIT_SRC) $(SIMTEST_SRC) $(TOOL_SRC) $(FUZZ_SRC)
ALL_OBJ := $(call obj,$(ALL_SRC))

BUILD_H := $(B)/gen/hawd/base/build.h
GEN_H := $(PB_H) $(BUILD_H)

# ---- archives: one per folder, so that a program takes of it only what it calls --------------------

LIB_PURE := $(B)/libhawdpure.a
LIB_BASE := $(B)/libhawdbase.a
LIB_SIM := $(B)/libhawdsim.a
LIB_WIRE := $(B)/libhawdwire.a
lib_of = $(B)/libhawd$(1).a

pure_OBJ := $(call obj,$(PURE_SRC))
driver_OBJ := $(call obj,$(DRIVER_SRC))
base_OBJ := $(call obj,$(BASE_IO_SRC))
sim_OBJ := $(call obj,$(SIM_SRC))
wire_OBJ := $(call obj,$(WIRE_SRC)) $(patsubst $(B)/gen/%.c,$(B)/obj/gen/%.o,$(PB_C))
$(foreach a,$(ADAPTERS),$(eval $(a)_OBJ := $(call obj,$($(a)_SRC))))
fence_OBJ := $(call obj,$(filter-out fencing/main.c fencing/hawd-fence.c,$(FENCE_SRC)))
ctl_OBJ := $(call obj,$(filter-out hawd/ctl/main.c hawd/ctl/hawctl.c,$(CTL_SRC)))

facts_OBJ := $(call obj,$(filter-out hawd/facts/main.c,$(FACTS_SRC)))

ARCHIVES := pure base sim wire fence facts ctl driver $(ADAPTERS)

# pkg-config modules behind each archive
pure_PKG := inih
base_PKG := libsystemd inih
sim_PKG := inih libprotobuf-c
wire_PKG := libprotobuf-c
ring_PKG := $(PKG_RING) libqb
guest_PKG := $(PKG_GUEST)
driver_PKG := $(PKG_GUEST) libnbd jansson
watchdog_PKG := libsystemd
store_PKG := sqlite3
ledger_PKG := sqlite3 libprotobuf-c libsystemd
control_PKG := libqb jansson libsystemd
fence_PKG := libfreeipmi jansson inih
runner_PKG := libqb jansson
facts_PKG := $(PKG_GUEST) libcmap libvotequorum libcorosync_common jansson inih
ctl_PKG := jansson smartcols inih libprotobuf-c libxml-2.0

# ---- programs (built once their main file is there) ------------------------------------------------

PROGRAMS :=
ifneq ($(wildcard hawd/main.c),)
PROGRAMS += $(B)/hawd
endif
ifneq ($(wildcard fencing/main.c fencing/hawd-fence.c),)
PROGRAMS += $(B)/hawd-fence
endif
ifneq ($(wildcard hawd/facts/main.c),)
PROGRAMS += $(B)/hawd-facts
endif
ifneq ($(wildcard hawd/ctl/main.c hawd/ctl/hawctl.c),)
PROGRAMS += $(B)/hawctl
endif

UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
TOOLS := $(patsubst tests/%.c,$(B)/%,$(TOOL_SRC))
SIMTEST := $(if $(SIMTEST_SRC),$(B)/simtest)
TESTS := $(UNIT) $(TOOLS) $(SIMTEST)
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,$(B)/%,$(FUZZ_SRC))

.PHONY: all tests fuzzers warnings help
all: $(PROGRAMS) $(if $(WERROR),warnings)
tests: $(TESTS) $(if $(WERROR),warnings)
fuzzers: $(FUZZ) $(if $(WERROR),warnings)
warnings: $(if $(FUZZ),$(FUZZ),$(PROGRAMS) $(TESTS))
	@n=$$(find $(ALL_OBJ:.o=.warn) -size +0 2>/dev/null | wc -l); \
	if [ "$$n" -gt 0 ]; then \
		find $(ALL_OBJ:.o=.warn) -size +0 2>/dev/null | xargs cat; \
		echo "make: $$n source files compile with warnings"; exit 1; fi

link = $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
       -Wl,--end-group $(call libs_of,$(1)) $(LDLIBS) -lm

HAWD_PKG := $(driver_PKG) $(runner_PKG) $(ring_PKG) $(guest_PKG) $(watchdog_PKG) $(ledger_PKG) $(store_PKG) $(control_PKG) $(wire_PKG) $(base_PKG)
$(B)/hawd: $(call obj,$(HAWD_SRC)) $(foreach a,$(ADAPTERS) driver wire base pure,$(call lib_of,$(a)))
	@echo "LINK $@"
	@$(call link,$(HAWD_PKG))

# Embedded, which no compiler tells make.
$(call obj,hawd/control/interface.c): hawd/control/io.hawd.varlink

$(B)/hawd-fence: $(call obj,$(filter fencing/main.c fencing/hawd-fence.c,$(FENCE_SRC))) \
		$(foreach a,fence base pure,$(call lib_of,$(a)))
	@echo "LINK $@"
	@$(call link,$(fence_PKG))

$(B)/hawd-facts: $(call obj,hawd/facts/main.c) \
		$(foreach a,facts fence ctl watchdog base pure,$(call lib_of,$(a)))
	@echo "LINK $@"
	@$(call link,$(facts_PKG))

$(B)/hawctl: $(call obj,$(filter hawd/ctl/main.c hawd/ctl/hawctl.c,$(CTL_SRC))) \
		$(foreach a,ctl guest sim wire base pure,$(call lib_of,$(a)))
	@echo "LINK $@"
	@$(call link,$(ctl_PKG))

# A test always gets pure, wire, sim, store and what of base needs no journal. A line
#     /* needs: control log */    adds folders (log: libsystemd),
#     /* libs: fuse3 */           adds pkg-config modules.
words_of = $(shell sed -n 's|^/\* $(1): *\(.*[^ ]\) *\*/.*|\1|p' $(2))
TEST_ARCHIVES := sim wire store base pure
TEST_PKG := inih libprotobuf-c sqlite3 jansson
define test_rule
$(1)_NEEDS := $$(call words_of,needs,$(2))
$(1): $$(call obj,$(2)) $$(foreach a,$$(filter-out log,$$($(1)_NEEDS)) $$(TEST_ARCHIVES),$$(call lib_of,$$(a)))
	@mkdir -p $$(@D)
	@echo "LINK $$@"
	@$$(call link,$$(TEST_PKG) $(3) $$(foreach n,$$($(1)_NEEDS),$$($$(n)_PKG)) $$(call words_of,libs,$(2)))
endef
log_PKG := libsystemd
$(foreach s,$(UNIT_SRC),$(eval $(call test_rule,$(patsubst tests/unit/%.c,$(B)/unit/%,$(s)),$(s),check)))
$(foreach s,$(TOOL_SRC),$(eval $(call test_rule,$(patsubst tests/%.c,$(B)/%,$(s)),$(s),)))
$(foreach s,$(FUZZ_SRC),$(eval $(call test_rule,$(patsubst tests/fuzz/fuzz_%.c,$(B)/%,$(s)),$(s),)))
$(FUZZ): MODE_LDFLAGS_fuzz += -fsanitize=fuzzer

$(B)/simtest: $(call obj,$(SIMTEST_SRC)) $(foreach a,$(TEST_ARCHIVES),$(call lib_of,$(a)))
	@echo "LINK $@"
	@$(call link,$(TEST_PKG) check)

# ---- compiling -------------------------------------------------------------------------------------

# Rewritten only when the text differs: what depends on it is rebuilt then, and only then.
define stamp
@mkdir -p $(@D)
@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef

.PHONY: FORCE
FORCE:
$(B)/flags: FORCE
	$(call stamp,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS))

define archive_rule
$(B)/$(1).list: FORCE
	$$(call stamp,$$($(1)_OBJ))
$$(call lib_of,$(1)): $$($(1)_OBJ) $(B)/$(1).list
	@rm -f $$@
	@$$(AR) qcs $$@ $$($(1)_OBJ)
endef
$(foreach a,$(ARCHIVES),$(eval $(call archive_rule,$(a))))

# The warnings of each file are kept beside it, so that `make warnings` knows without compiling again.
$(B)/obj/%.o: %.c $(B)/flags | $(GEN_H)
	@mkdir -p $(@D)
	@echo "CC   $<"
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@ 2> $(@:.o=.warn); rc=$$?; \
	cat $(@:.o=.warn) >&2; exit $$rc

$(B)/obj/gen/%.o: $(B)/gen/%.c $(B)/flags | $(GEN_H)
	@mkdir -p $(@D)
	@echo "CC   $<"
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -w -MMD -MP -c $< -o $@

$(B)/gen/%.pb-c.c $(B)/gen/%.pb-c.h &: %.proto
	@mkdir -p $(B)/gen
	@echo "GEN  $<"
	@protoc-c --proto_path=. --c_out=$(B)/gen $<

define BUILD_H_TEXT
/* Made by make: where this build expects its files. */
#pragma once
#define HAWD_VERSION "$(VERSION)"
#define HAWD_CONF "$(SYSCONFDIR)/hawd/hawd.conf"
#define HAWD_FENCING_CONF "$(SYSCONFDIR)/hawd/fencing.conf"
#define HAWD_FENCE_PROGRAM "$(LIBEXECDIR)/hawd-fence"
#define HAWD_FACTS_PROGRAM "$(LIBEXECDIR)/hawd-facts"
#define HAWD_STATE_DIR "$(LOCALSTATEDIR)/lib/hawd"
#define HAWD_RUN_DIR "$(RUNSTATEDIR)/hawd"
endef
export BUILD_H_TEXT
$(BUILD_H): FORCE
	@mkdir -p $(@D)
	@printenv BUILD_H_TEXT | cmp -s - $@ || printenv BUILD_H_TEXT > $@

-include $(ALL_OBJ:.o=.d)

# ---- checking --------------------------------------------------------------------------------------

FUZZ_SECONDS ?= 600

.PHONY: deps check check-machines fuzz mutations demo bench pure format format-check unit compile_commands.json
deps:
	@mk/deps.sh

check:
	+@MODE='$(MODE)' B='$(B)' MAKE='$(MAKE)' tests/check.sh

check-machines: deps
	+@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) all $(B)/lab/drbdprobe
	@HAWD_BUILD='$(CURDIR)/$(B)' tests/machines/run $(MACHINE_CASES)

fuzz: deps
	+@$(MAKE) --no-print-directory MODE=fuzz CC=clang fuzzers
	@HAWD_FUZZ='$(CURDIR)/$(BUILDDIR)/fuzz' tests/fuzz/run --seconds '$(FUZZ_SECONDS)' $(FUZZ_TARGETS)

mutations: deps
	@tests/mutations/run $(MUTATIONS)

demo: deps
	+@$(MAKE) --no-print-directory all tests
	@test -x tests/lab/demo || { echo "tests/lab/demo is not there"; exit 1; }
	@HAWD_BUILD='$(CURDIR)/$(B)' tests/lab/demo

bench: deps
	+@$(MAKE) --no-print-directory all tests
	@test -x tests/bench/run || { echo "tests/bench/run is not there"; exit 1; }
	@HAWD_BUILD='$(CURDIR)/$(B)' tests/bench/run

unit: $(UNIT)
	@rc=0; for t in $(UNIT); do $$t || rc=1; done; exit $$rc

pure: $(LIB_PURE)
	@mk/pure.sh $(LIB_PURE) mk/pure-symbols

format format-check:
	@mk/format.sh $@

compile_commands.json:
	$(file >$@,[)
	$(foreach s,$(ALL_SRC),$(file >>$@,{"directory":"$(CURDIR)"$(comma)"file":"$(s)"$(comma)"command":"$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c $(s)"}$(if $(filter-out $(lastword $(ALL_SRC)),$(s)),$(comma))))
	$(file >>$@,])
	@echo "wrote $@"
comma := ,

# ---- installing ------------------------------------------------------------------------------------

.PHONY: install uninstall clean
D := $(DESTDIR)
UNITDIR ?= $(LIBDIR)/systemd/system
MAN := $(wildcard man/*.1 man/*.5 man/*.7 man/*.8)

install: all
	$(INSTALL) -d $(D)$(SBINDIR) $(D)$(BINDIR) $(D)$(LIBEXECDIR) $(D)$(UNITDIR) \
		$(D)$(LIBDIR)/sysusers.d $(D)$(LIBDIR)/tmpfiles.d $(D)$(DATADIR)/doc/hawd
	$(INSTALL) -d -m 0755 $(D)$(SYSCONFDIR)/hawd
	$(if $(filter %/hawd,$(PROGRAMS)),$(INSTALL) -m 0755 $(B)/hawd $(D)$(SBINDIR)/hawd)
	$(if $(filter %/hawd-fence,$(PROGRAMS)),$(INSTALL) -m 0755 $(B)/hawd-fence $(D)$(LIBEXECDIR)/hawd-fence)
	$(if $(filter %/hawd-facts,$(PROGRAMS)),$(INSTALL) -m 0755 $(B)/hawd-facts $(D)$(LIBEXECDIR)/hawd-facts)
	$(if $(filter %/hawctl,$(PROGRAMS)),$(INSTALL) -m 0755 $(B)/hawctl $(D)$(BINDIR)/hawctl)
	sed 's|@BINDIR@|$(BINDIR)|g' replication/drbd-fence-peer.in > $(B)/drbd-fence-peer
	$(INSTALL) -m 0755 $(B)/drbd-fence-peer $(D)$(LIBEXECDIR)/drbd-fence-peer
	sed 's|@SBINDIR@|$(SBINDIR)|g; s|@BINDIR@|$(BINDIR)|g' systemd/hawd.service.in > $(B)/hawd.service
	$(INSTALL) -m 0644 $(B)/hawd.service $(D)$(UNITDIR)/hawd.service
	sed -e '/corosync/d' -e '/^# Without the ring/d' -e '/^# back with it/d' \
		-e 's/^Description=.*/&, one host alone/' -e 's/^Documentation=/Conflicts=hawd.service\n&/' \
		$(B)/hawd.service > $(B)/hawd-solo.service
	$(INSTALL) -m 0644 $(B)/hawd-solo.service $(D)$(UNITDIR)/hawd-solo.service
	$(INSTALL) -m 0644 systemd/hawd.sysusers $(D)$(LIBDIR)/sysusers.d/hawd.conf
	$(INSTALL) -m 0644 systemd/hawd.tmpfiles $(D)$(LIBDIR)/tmpfiles.d/hawd.conf
	$(if $(wildcard systemd/hawd.catalog),$(INSTALL) -D -m 0644 systemd/hawd.catalog \
		$(D)$(LIBDIR)/systemd/catalog/hawd.catalog)
	$(INSTALL) -m 0644 hawd.conf $(D)$(DATADIR)/doc/hawd/hawd.conf
	@if [ -e $(D)$(SYSCONFDIR)/hawd/hawd.conf ]; then \
		echo "kept $(D)$(SYSCONFDIR)/hawd/hawd.conf (the shipped one: $(DATADIR)/doc/hawd/hawd.conf)"; \
	else \
		echo "$(INSTALL) -m 0644 hawd.conf $(D)$(SYSCONFDIR)/hawd/hawd.conf"; \
		$(INSTALL) -m 0644 hawd.conf $(D)$(SYSCONFDIR)/hawd/hawd.conf; fi
	$(INSTALL) -D -m 0644 completion/hawctl $(D)$(DATADIR)/bash-completion/completions/hawctl
	@for m in $(MAN); do s=$${m##*.}; echo "$(INSTALL) $$m"; \
		$(INSTALL) -D -m 0644 $$m $(D)$(DATADIR)/man/man$$s/$${m##*/} || exit 1; done

uninstall:
	rm -f $(D)$(SBINDIR)/hawd $(D)$(BINDIR)/hawctl $(D)$(LIBEXECDIR)/hawd-fence $(D)$(LIBEXECDIR)/hawd-facts \
		$(D)$(LIBEXECDIR)/drbd-fence-peer \
		$(D)$(UNITDIR)/hawd.service $(D)$(UNITDIR)/hawd-solo.service $(D)$(LIBDIR)/sysusers.d/hawd.conf \
		$(D)$(LIBDIR)/tmpfiles.d/hawd.conf $(D)$(LIBDIR)/systemd/catalog/hawd.catalog \
		$(D)$(DATADIR)/doc/hawd/hawd.conf $(D)$(DATADIR)/bash-completion/completions/hawctl
	@for m in $(MAN); do rm -f $(D)$(DATADIR)/man/man$${m##*.}/$${m##*/}; done

clean:
	rm -rf $(BUILDDIR) compile_commands.json

help:
	@echo "all           hawd, hawd-fence, hawd-facts, hawctl into $(B)/"
	@echo "tests         the test programs;  unit: build and run the unit tests"
	@echo "deps          install the packages that are missing (Debian, Ubuntu)"
	@echo "check         deps, build without a warning, format, pure, unit, conf, fuzz, simulator, lab"
	@echo "check-machines  whole Debian machines under QEMU, MACHINE_CASES=\"systemd ...\"; tests/machines/machines help"
	@echo "fuzz          libFuzzer, FUZZ_SECONDS=$(FUZZ_SECONDS) a target, FUZZ_TARGETS=\"wire ...\"; tests/fuzz/run --help"
	@echo "mutations     every safety line, taken away, fails a test; MUTATIONS=\"one-claim ...\""
	@echo "demo, bench   a cluster on this machine; its measurements"
	@echo "pure          the pure parts call no clock, I/O, log or environment"
	@echo "format        clang-format everything;  format-check: only look"
	@echo "install       PREFIX=$(PREFIX) DESTDIR=;  uninstall"
	@echo "compile_commands.json, clean"
	@echo "MODE=release|san|cov|fuzz  CC=gcc|clang  WERROR=1  BUILDDIR=build"
