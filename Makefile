# SPDX-License-Identifier: GPL-3.0-or-later
# `make help` lists the targets. Quiet unless V=1; variants live side by side in build/.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

CC := gcc
AR := ar
V ?= 0
ifeq ($(V),0)
Q := @
endif
PREFIX ?= /usr/local
DESTDIR ?=
SEED ?= 1
SEEDS ?= 500
VERSION := 0.1.0

# A variant is a compiler, flags and a folder. MUTANTS="NAME ..." makes a mutant variant.
VARIANT ?= release
MUTANTS ?=
empty :=
space := $(empty) $(empty)
ifneq ($(MUTANTS),)
override VARIANT := mutant-$(subst $(space),+,$(strip $(MUTANTS)))
endif
ifneq ($(filter fuzz fuzz-fast ubsan,$(VARIANT)),)
CC := clang
endif
B := build/$(VARIANT)$(if $(filter clang%,$(CC)),-clang)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align -Wpointer-arith \
	-Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wdouble-promotion \
	-Wnull-dereference -fno-common -Werror
CFLAGS_BASE := -std=c11 -D_GNU_SOURCE -DRSM_VERSION='"$(VERSION)"' -g $(WARN) -I. -Iinclude -MMD -MP
HARDEN := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIC
LINK_HARDEN := -pie -Wl,-z,relro,-z,now
# A report names functions and lines, no types: a quarter of gcc's time with -g goes into those.
SANITIZE := -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
ifneq ($(MUTANTS),)
VFLAGS := -O1 -fPIC -DRSM_VERIFY=1 $(MUTANTS:%=-DRSM_MUTANT_%=1)
else ifeq ($(VARIANT),release)
VFLAGS := $(HARDEN)
VLINK := $(LINK_HARDEN)
else ifeq ($(VARIANT),checked)
VFLAGS := -O1 -fPIC -DRSM_VERIFY=1
else ifeq ($(VARIANT),switch)
VFLAGS := -O2 -g1 -fPIC -include build/switch/mutant_switch.h
else ifeq ($(VARIANT),asan)
VFLAGS := -O1 -fPIC -DRSM_VERIFY=1 -fsanitize=address,undefined $(SANITIZE)
VLINK := -fsanitize=address,undefined
else ifeq ($(VARIANT),ubsan)
VFLAGS := -O1 -fPIC -DRSM_VERIFY=1 -fsanitize=undefined $(SANITIZE)
else ifeq ($(VARIANT),tsan)
VFLAGS := -O1 -fPIC -fsanitize=thread $(SANITIZE)
VLINK := -fsanitize=thread
else ifeq ($(VARIANT),fuzz)
VFLAGS := -O1 -fPIC -DRSM_VERIFY=1 -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE)
else ifeq ($(VARIANT),fuzz-fast)
VFLAGS := $(HARDEN) -fsanitize=fuzzer-no-link
VLINK := $(LINK_HARDEN)
else ifeq ($(VARIANT),coverage)
VFLAGS := -O0 -fPIC --coverage -DRSM_VERIFY=1
VLINK := --coverage -Wl,-u,__gcov_dump,-u,__gcov_reset
else
$(error no such variant: $(VARIANT))
endif
# gcc's own analysis of inlined code cries wolf under the sanitizers and with counters in it.
ifneq ($(filter asan tsan coverage,$(VARIANT)),)
VFLAGS += -Wno-null-dereference -Wno-maybe-uninitialized
endif
ifneq ($(filter clang%,$(CC)),)
VFLAGS := $(filter-out -Wno-maybe-uninitialized,$(VFLAGS))
endif
# Under sanitizers a unit test takes longer to optimise than to run.
ifneq ($(filter asan ubsan,$(VARIANT)),)
$(B)/obj/tests/unit/%.o: UNIT_FLAGS := -O0
endif
CFLAGS_ALL = $(CFLAGS_BASE) $(VFLAGS) $(UNIT_FLAGS) $(CFLAGS)

# ---------------------------------------------------------------------------------------------
# Sources by wildcard; a layer is a folder and becomes an archive.

LAYERS := base consensus storage command rr machine read dns net io client daemon
DIR_base := src/base
DIR_consensus := consensus
DIR_storage := storage
DIR_command := src/command
DIR_rr := src/rr
DIR_machine := src/machine
DIR_read := src/read
DIR_dns := src/dns
DIR_net := src/net
DIR_io := src/io
DIR_client := src/client
DIR_daemon := src/daemon

pkg_libs = $(shell pkg-config --libs $(1) 2>/dev/null)
LIBS_base :=
LIBS_consensus :=
LIBS_storage := -llmdb -lsodium
LIBS_command := $(call pkg_libs,msgpack libsodium)
LIBS_rr := $(call pkg_libs,libknot libzscanner libdnssec)
LIBS_machine := $(call pkg_libs,hogweed nettle) -lgmp
LIBS_read :=
LIBS_dns :=
LIBS_net := $(call pkg_libs,libevent_core) -lsodium
LIBS_io := -lpthread $(call pkg_libs,liburing)
LIBS_client :=
LIBS_daemon :=
LIBS_ctl := $(call pkg_libs,jansson yaml-0.1)
LIBS_test := $(call pkg_libs,criterion)

# Test helpers, pulled in where they are used.
$(B)/lib/test.a: $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/lib/*.c))
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# What each layer may use (see docs/architecture.md), the archives in link order.
NEEDS_base := base
NEEDS_consensus := consensus base
NEEDS_storage := io storage base
NEEDS_command := command base
NEEDS_rr := rr base
NEEDS_machine := machine command rr base
NEEDS_read := read machine command rr base
NEEDS_dns := dns machine command rr base
NEEDS_net := net consensus command base
NEEDS_io := io storage base
NEEDS_client := client command base
NEEDS_daemon := daemon net dns read machine command rr consensus io storage client base
NEEDS_ctl := client read machine command rr io storage base
NEEDS_dump := read machine command rr io storage base
NEEDS_auditor := client machine command rr io storage base
NEEDS_bench := client command io storage base
NEEDS_sim := daemon net dns read machine command rr consensus storage io base

define layer
SRC_$(1) := $$(filter-out src/daemon/main.c,$$(wildcard $$(DIR_$(1))/*.c))
OBJ_$(1) := $$(SRC_$(1):%.c=$$(B)/obj/%.o)
$$(B)/lib/$(1).a: $$(OBJ_$(1))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))

archives = $(foreach l,$(NEEDS_$(1)),$(B)/lib/$(l).a)
libs = $(sort $(foreach l,$(NEEDS_$(1)),$(LIBS_$(l))))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(Q),echo "  cc    $<")
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

-include $(shell find build -name '*.d' 2>/dev/null)

link = $(Q)$(CC) $(VFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

# ---------------------------------------------------------------------------------------------
# Programs. Those in build/ itself are the optimised ones.

SRC_ctl := $(wildcard tools/resilience-ctl/*.c) tools/lib/ledger.c tools/lib/plain.c tools/lib/sibling.c tools/lib/when.c
SRC_tools := $(wildcard tools/lib/*.c)
SRC_dump := $(wildcard tools/rsm-dump/*.c) $(SRC_tools)
SRC_auditor := $(wildcard tools/rsm-auditor/*.c) $(SRC_tools)
SRC_bench := $(wildcard bench/*.c) tools/lib/sibling.c
SRC_sim := $(wildcard tests/sim/*.c)
objects = $(1:%.c=$(B)/obj/%.o)
PROGRAMS := rsmd resilience-ctl rsm-dump rsm-auditor rsm-bench

$(B)/rsmd: $(B)/obj/src/daemon/main.o $(call archives,daemon)
	$(link) $(VLINK) $(call libs,daemon)
$(B)/resilience-ctl: $(call objects,$(SRC_ctl)) $(call archives,ctl)
	$(link) $(VLINK) $(call libs,ctl) $(LIBS_ctl)
$(B)/rsm-dump: $(call objects,$(SRC_dump)) $(call archives,dump)
	$(link) $(VLINK) $(call libs,dump) $(LIBS_ctl)
$(B)/rsm-auditor: $(call objects,$(SRC_auditor)) $(call archives,auditor)
	$(link) $(VLINK) $(call libs,auditor) $(LIBS_ctl)
$(B)/rsm-bench: $(call objects,$(SRC_bench)) $(call archives,bench)
	$(link) $(VLINK) $(call libs,bench) $(LIBS_ctl) -lm
$(B)/sim: $(call objects,$(SRC_sim)) $(B)/lib/test.a $(call archives,sim)
	$(link) $(VLINK) -Wl,--wrap=envelope_verify $(call libs,sim)

build/%: $(B)/%
	$(Q)cp --remove-destination $< $@

all: $(PROGRAMS:%=build/%) lib ## the five programs and the library, optimised
programs: $(PROGRAMS:%=$(B)/%)

# librsm: client, command and base; Apache-2.0, so never libknot.
LIBRSM_LAYERS := client command base
LIBRSM_OBJ = $(foreach l,$(LIBRSM_LAYERS),$(OBJ_$(l)))
lib: build/librsm.a build/librsm.so.0
build/librsm.a: $(LIBRSM_OBJ)
	@mkdir -p build
	$(Q)rm -f $@ && $(AR) rcs $@ $^
build/librsm.so.0: $(LIBRSM_OBJ)
	@mkdir -p build
	$(Q)$(CC) $(VFLAGS) -shared -Wl,-soname,librsm.so.0 -Wl,--version-script=src/client/librsm.map -Wl,-z,relro,-z,now,-z,defs -o $@ $^ $(call libs,client)
	$(Q)! ldd $@ | grep -q libknot || { echo "librsm must not link libknot"; rm -f $@; exit 1; }

# ---------------------------------------------------------------------------------------------
# Tests. Each leg reports its counts through tests/run.sh; `make test` adds them up.

UNIT_LAYERS := $(LAYERS) ctl dump bench
# Calls that a test of the layer may let fail.
UNIT_WRAP_storage := $(addprefix mdb_,dbi_open txn_begin txn_commit txn_renew cursor_open cursor_get cursor_put get env_info env_stat)
UNIT_WRAP_io := io_uring_queue_init_params io_uring_submit_and_wait fdatasync flock
define unit
UNIT_SRC_$(1) := $$(wildcard tests/unit/$(1)/test_*.c)
$$(B)/unit-$(1): $$(call objects,$$(UNIT_SRC_$(1)) $(2)) $$(B)/lib/test.a $$(call archives,$(1)) $(3)
	$$(link) $$(VLINK) $$(call libs,$(1)) $$(LIBS_test) $(4) $$(UNIT_WRAP_$(1):%=-Wl,--wrap=%)
.PHONY: unit-$(1)
unit-$(1): $$(B)/unit-$(1)
	$$(Q)tests/run.sh unit-$(1)-$$(notdir $$(B)) $$(B)/unit-$(1) -j2 --timeout 300
endef
$(foreach l,$(LAYERS),$(eval $(call unit,$(l),,,)))
$(eval $(call unit,ctl,$$(filter-out tools/resilience-ctl/main.c,$$(SRC_ctl)),,$$(LIBS_ctl)))
$(eval $(call unit,dump,$$(filter-out tools/rsm-dump/main.c,$$(SRC_dump)),,$$(LIBS_ctl)))
$(eval $(call unit,bench,$$(filter-out bench/main.c,$$(SRC_bench)),,$$(LIBS_ctl) -lm))
HAVE_UNIT = $(foreach l,$(UNIT_LAYERS),$(if $(UNIT_SRC_$(l)),unit-$(l)))

test-unit-variant: $(HAVE_UNIT)
test-unit: ## unit tests, optimised and with the whole-object checks
	$(Q)$(MAKE) test-unit-variant VARIANT=release
	$(Q)$(MAKE) test-unit-variant VARIANT=checked
test-asan: ## unit tests, simulator and fuzz corpora under Address- and UndefinedBehaviorSanitizer
	$(Q)ASAN_OPTIONS=abort_on_error=1 $(MAKE) test-unit-variant fuzz-replay VARIANT=asan
	$(Q)$(MAKE) sim VARIANT=asan SEED=1 SEEDS=20 PLANNED_FROM=211

test-clang: ## programs, unit tests and fuzz corpora built by clang, under its UndefinedBehaviorSanitizer
	$(Q)$(MAKE) programs unit-programs VARIANT=ubsan
	$(Q)$(MAKE) test-unit-variant fuzz-replay VARIANT=ubsan

THREAD_TESTS := $(patsubst tests/threads/%.c,%,$(wildcard tests/threads/*.c))
$(B)/thread-%: $(B)/obj/tests/threads/%.o $(B)/lib/test.a $(call archives,storage)
	$(link) $(VLINK) $(call libs,storage)
test-tsan-variant: $(THREAD_TESTS:%=$(B)/thread-%)
	$(Q)for t in $(THREAD_TESTS); do tests/run.sh thread-$$t $(B)/thread-$$t || exit 1; done
test-tsan: ## the programs with threads under ThreadSanitizer
	$(Q)$(MAKE) test-tsan-variant VARIANT=tsan

ifneq ($(MODE),)
sim: $(B)/sim ## the simulator: SEED=first SEEDS=n; of whole nodes a fifth as many; MODE=core|node|links|planned
	$(Q)tests/run.sh sim-$(MODE)-$(notdir $(B)) $(B)/sim --mode $(MODE) --seed $(SEED) --seeds $(SEEDS) $(SIMFLAGS)
else
sim: $(B)/sim
	$(Q)tests/run.sh sim-core-$(notdir $(B)) $(B)/sim --mode core --seed $(SEED) --seeds $(SEEDS) $(SIMFLAGS)
	$(Q)tests/run.sh sim-node-$(notdir $(B)) $(B)/sim --mode node --seed $(SEED) --seeds $$((($(SEEDS) + 4) / 5)) $(SIMFLAGS)
	$(Q)tests/run.sh sim-links-$(notdir $(B)) $(B)/sim --mode links --seed 1 --seeds 64 $(SIMFLAGS)
	$(Q)tests/run.sh sim-planned-$(notdir $(B)) $(B)/sim --mode planned --seed $(PLANNED_FROM) --seeds all $(SIMFLAGS)
endif
PLANNED_FROM ?= 1
# Long batches: every rare path has to be hit, and the canary, a planted mistake, has to be found.
NIGHTLY_CORE ?= 20000
NIGHTLY_NODE ?= 2000
sim-switch:
	$(Q)tests/sim/switches.sh build/switch/mutant_switch.h
	$(Q)$(MAKE) build/switch/sim VARIANT=switch
sim-canary: sim-switch ## planted mistakes that the simulator finds in no time
	$(Q)tests/run.sh sim-canary tests/sim/canary.sh $(SEED)
nightly-sim: $(B)/sim sim-switch ## 20,000 seeds of the core, 2,000 of whole nodes, all marks, a canary
	$(Q)tests/run.sh nightly-core $(B)/sim --mode core --seed $(SEED) --seeds $(NIGHTLY_CORE) --keep-going --all-marks
	$(Q)tests/run.sh nightly-node $(B)/sim --mode node --seed $(SEED) --seeds $(NIGHTLY_NODE) --keep-going --all-marks
	$(Q)tests/run.sh nightly-canary tests/sim/canary.sh $(SEED)
sim-links: $(B)/sim ## all 1,088 static patterns of links
	$(Q)tests/run.sh sim-links-$(notdir $(B)) $(B)/sim --mode links --seed 1 --seeds 1088

$(B)/journal-damage: $(B)/obj/tests/faults/journal_main.o $(B)/lib/test.a $(call archives,storage)
	$(link) $(VLINK) $(call libs,storage)
EVERY ?= 29
journal-damage: $(B)/journal-damage ## each kind of damage to a small journal (EVERY=1: every byte)
	$(Q)tests/run.sh journal-damage $(B)/journal-damage --every $(EVERY)
$(B)/blind.so: tests/cluster/blind.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 -fPIC -shared -Wall -Wextra -Werror -o $@ $< -ldl
$(B)/shim.so: tests/faults/shim.c tests/faults/shim.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 -fPIC -shared -Wall -Wextra -Werror -I. -o $@ $< -ldl
# The shim's own functions are found when it is loaded before the program.
$(B)/fault-calls: $(B)/obj/tests/faults/calls_main.o $(B)/lib/test.a $(call archives,storage) $(B)/shim.so
	$(link) $(filter %.so,$^) $(VLINK) $(call libs,storage)
FAULT_EVERY ?= 7
# The journal's own workloads, which run with each of its ways to flush.
JOURNAL_WORKLOADS := create open-after-a-kill append segment-change drop renew
fault-calls: all fault-calls-alone ## the n-th call of the storage code fails (FAULT_EVERY=1: each n)
	$(Q)tests/run.sh fault-daemon env RSM_SHIM=$(CURDIR)/$(B)/shim.so /usr/bin/python3 tests/faults/daemon.py
nightly-faults: all ## each call and each allocation of the storage code fails, and each call of a whole rsmd (an hour)
	$(Q)RSM_FAULT_EVERY=1 $(MAKE) fault-calls FAULT_EVERY=1
$(B)/store-damage: $(B)/obj/tests/faults/store_main.o $(B)/lib/test.a $(call archives,storage)
	$(link) $(VLINK) $(call libs,storage)
SAMPLES ?= 200
IN_MEMORY = env TMPDIR=$$(test -w /dev/shm && echo /dev/shm || echo /tmp)
$(B)/tamper-edits: $(B)/obj/tests/faults/tamper_main.o $(call objects,$(filter-out tools/rsm-dump/main.c,$(SRC_dump))) $(B)/lib/test.a $(call archives,dump)
	$(link) $(VLINK) $(call libs,dump) $(LIBS_ctl)
EDITS ?= 300
store-damage: $(B)/store-damage $(B)/tamper-edits ## damage of five kinds to a store's file, SAMPLES of each; EDITS single bits that rsm-dump verify has to name (SEED=)
	$(Q)tests/run.sh store-damage $(IN_MEMORY) $(B)/store-damage --samples $(SAMPLES)
	$(Q)tests/run.sh tamper-edits $(IN_MEMORY) $(B)/tamper-edits --edits $(EDITS) --seed $(SEED)
coverage-storage: ## branches of storage/ that its unit tests, damages and faults take
	$(Q)rm -f $$(find build/coverage -name '*.gcda' 2>/dev/null)
	$(Q)$(MAKE) unit-storage journal-damage store-damage fault-calls-alone VARIANT=coverage SAMPLES=100 FAULT_EVERY=3
	$(Q)tests/check/branches.py storage --list
coverage-consensus: ## branches of consensus/ that its unit tests and scenarios take
	$(Q)rm -f $$(find build/coverage -name '*.gcda' 2>/dev/null)
	$(Q)$(MAKE) unit-consensus scenarios VARIANT=coverage
	$(Q)tests/check/branches.py consensus --list
FAULT_ENV = env LD_PRELOAD=$(CURDIR)/$(B)/shim.so TMPDIR=$$(test -w /dev/shm && echo /dev/shm || echo /tmp)
fault-calls-alone: $(B)/fault-calls $(B)/shim.so
	$(Q)tests/run.sh fault-calls $(FAULT_ENV) $(B)/fault-calls --every $(FAULT_EVERY)
	$(Q)for flush in odsync odirect io_uring; do tests/run.sh fault-calls-$$flush $(FAULT_ENV) $(B)/fault-calls --every $(FAULT_EVERY) --flush $$flush $(JOURNAL_WORKLOADS) || exit 1; done
nightly-storage: ## every byte, sector, length and file of a small journal; 50,000 damaged stores; 10,000 edits of one bit; every planted mistake
	$(Q)$(MAKE) journal-damage EVERY=1
	$(Q)$(MAKE) store-damage SAMPLES=10000 EDITS=10000
	$(Q)$(MAKE) storage-mutants
$(B)/machine-count: $(B)/obj/tests/counts/machine_main.o $(B)/lib/test.a $(call archives,machine)
	$(link) $(VLINK) $(call libs,machine)
machine-count: $(B)/machine-count ## what a change costs the rules: allocations, searches and writes, and a hash of the verdicts
	$(Q)tests/run.sh machine-count $(B)/machine-count
$(B)/machine-flat: $(B)/obj/tests/counts/flat_main.o $(B)/lib/test.a $(call archives,dump)
	$(link) $(VLINK) $(call libs,dump)
machine-flat: $(B)/machine-flat ## whether a change costs the same in a large store: DIR (kept) RECORDS (1000000)
	$(Q)$(B)/machine-flat $(or $(DIR),/tmp/machine-flat) $(or $(RECORDS),1000000)
$(B)/golden: $(B)/obj/tests/golden/golden_main.o $(B)/obj/tools/lib/ledger.o $(call archives,dump)
	$(link) $(VLINK) $(call libs,dump)
golden: $(B)/golden ## logs that earlier versions wrote: what this one makes of them
	$(Q)tests/run.sh golden $(B)/golden check $(wildcard tests/data/log/*.txt)
$(B)/graph-bench: $(B)/obj/tests/graph/graph_main.o $(call archives,machine)
	$(link) $(VLINK) $(call libs,machine)
graph-bench: $(B)/graph-bench ## what an edge of the dependency graph costs: 100,000 nodes, 1,000,000 edges
	$(Q)$(B)/graph-bench
unit-mutants-%:
	$(Q)tests/sim/switches.sh build/switch/mutant_switch.h
	$(Q)$(MAKE) build/switch/unit-$* VARIANT=switch
machine-mutants: unit-mutants-machine ## each planted mistake of the rules: the unit tests have to find it
	$(Q)tests/run.sh machine-mutants tests/unit/mutants.sh machine
storage-mutants: unit-mutants-storage unit-mutants-consensus ## each planted mistake of the journal, and one of a rejoin: the unit tests have to find it
	$(Q)tests/run.sh storage-mutants tests/unit/mutants.sh storage
	$(Q)tests/run.sh rejoin-mutants tests/unit/mutants.sh consensus REJOIN_UNLEARNED
sim-mutants: sim-switch ## each planted mistake: the simulator has to find it within 2,000 seeds
	$(Q)tests/run.sh sim-mutants tests/sim/mutants.sh

$(B)/scenario: $(call objects,$(wildcard tests/scenarios/*.c)) $(B)/lib/test.a $(call archives,consensus)
	$(link) $(VLINK)
scenarios: $(B)/scenario ## the core's traces against tests/scenarios/*.txt
	$(Q)tests/run.sh scenarios $(B)/scenario tests/scenarios/*.txt
scenarios-update: $(B)/scenario ## writes the traces anew; read the difference
	$(Q)$(B)/scenario --update tests/scenarios/*.txt

FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_RUNS ?=
FUZZ_SECONDS ?= $(if $(FUZZ_RUNS),,60)
FUZZ_PARTS := $(B)/lib/test.a $(call archives,sim) $(B)/lib/client.a
$(B)/replay-%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay_main.o $(FUZZ_PARTS)
	$(link) $(VLINK) $(call libs,sim) $(LIBS_ctl)
$(B)/fuzz-%: $(B)/obj/tests/fuzz/fuzz_%.o $(FUZZ_PARTS)
	$(link) -fsanitize=fuzzer $(VLINK) $(call libs,sim) $(LIBS_ctl)
# Parsers of a tool.
$(B)/replay-axfr $(B)/fuzz-axfr: $(B)/obj/tools/resilience-ctl/axfr.o
$(B)/replay-octodns $(B)/fuzz-octodns: $(B)/obj/tools/resilience-ctl/octodns_read.o
$(B)/replay-policy $(B)/fuzz-policy: $(call objects,$(filter-out tools/resilience-ctl/main.c,$(SRC_ctl)))
unit-programs: $(HAVE_UNIT:%=$(B)/%) $(B)/sim $(FUZZERS:%=$(B)/replay-%)
fuzz-replay: $(FUZZERS:%=$(B)/replay-%)
	$(Q)for f in $(FUZZERS); do tests/run.sh fuzz-$$f-$(notdir $(B)) $(B)/replay-$$f tests/data/corpus/$$f || exit 1; done
fuzz-variant: $(FUZZERS:%=$(B)/fuzz-%)
	$(Q)tests/fuzz/run.sh $(B) "$(FUZZ_SECONDS)" "$(FUZZ_RUNS)" $(FUZZERS)
fuzz: ## libFuzzer with sanitizers on every parser: FUZZ_SECONDS (60) each, or FUZZ_RUNS executions; FUZZERS="a b" only
	$(Q)$(MAKE) fuzz-variant VARIANT=fuzz
fuzz-fast: ## the same without sanitizers, as released, for large counts
	$(Q)$(MAKE) fuzz-variant VARIANT=fuzz-fast
nightly-fuzz: ## 10 million executions of every parser as released, then ten minutes of each with sanitizers
	$(Q)$(MAKE) fuzz-variant VARIANT=fuzz-fast FUZZ_RUNS=$(or $(FUZZ_RUNS),10000000) FUZZ_SECONDS=
	$(Q)$(MAKE) fuzz-variant VARIANT=fuzz FUZZ_RUNS= FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600)
fuzz-coverage-variant: $(FUZZERS:%=$(B)/replay-%)
	$(Q)tests/run.sh fuzz-coverage tests/fuzz/coverage.py $(B) $(FUZZ_KEEP) $(FUZZERS)
fuzz-keep: ## new inputs of build/fuzz/corpus that reach more lines become part of tests/data/corpus
	$(Q)$(MAKE) fuzz-coverage-variant VARIANT=coverage FUZZ_KEEP=--keep
fuzz-coverage: ## lines of each parser that its corpora reach (tests/fuzz/parsers.txt); 95 % at least
	$(Q)$(MAKE) fuzz-coverage-variant VARIANT=coverage

$(B)/test-load: $(B)/obj/tests/cluster/load.o $(call archives,client)
	$(link) $(VLINK) $(call libs,client)

$(B)/test-tamper: $(B)/obj/tests/cluster/tamper.o $(call archives,dump)
	$(link) $(VLINK) $(call libs,dump)

$(B)/many-callers: $(B)/obj/examples/many_callers.o $(call archives,client)
	$(link) $(VLINK) $(call libs,client)

cluster: all build/test-load build/test-tamper build/many-callers build/release/blind.so ## real processes: kill -9, the root zone, clients (some minutes)
	$(Q)tests/cluster/run.sh

# The linearizability checker and its own tests (tests/lin); histories of real clusters below.
LIN_OBJ := $(patsubst %,$(B)/obj/tests/lin/%.o,history blackbox witness)
$(B)/lin-check: $(B)/obj/tests/lin/check.o $(LIN_OBJ) $(call archives,base)
	$(link) $(VLINK)
$(B)/lin-test: $(patsubst %,$(B)/obj/tests/lin/%.o,test_lin generate) $(LIN_OBJ) $(call archives,base)
	$(link) $(VLINK)
$(B)/lin-record: $(B)/obj/tests/lin/record.o $(call archives,client)
	$(link) $(VLINK) $(call libs,client) -lpthread
LIN_TOOLS := build/lin-record build/lin-check
lin: all $(B)/lin-test $(LIN_TOOLS) ## the linearizability checker: its tests, and histories of a real cluster
	$(Q)tests/run.sh lin-checker $(B)/lin-test
	$(Q)RSM_LIN_HISTORIES=100 RSM_LIN_CALLS=200 RSM_LIN_BESIDE=8 tests/run.sh lin-histories /usr/bin/python3 tests/lin/test_histories.py
HISTORIES ?= 200
nightly-lin: all $(LIN_TOOLS) ## HISTORIES of each sort, healthy and under kill -9
	$(Q)$(IN_MEMORY) RSM_LIN_HISTORIES=$(HISTORIES) RSM_LIN_CALLS=1000 RSM_LIN_BESIDE=8 RSM_LIN_LOGS=10 tests/run.sh nightly-lin /usr/bin/python3 tests/lin/test_histories.py

# Real processes over a bad network (tests/net): a relay of our own, and network namespaces.
$(B)/relay: $(B)/obj/tests/net/relay.o $(call archives,base)
	$(link) $(VLINK) $(LIBS_net)
NET_TOOLS := build/relay build/test-load $(LIN_TOOLS)
.PHONY: net-relay net-namespaces processes power-cuts
net-relay: all $(NET_TOOLS)
	$(Q)tests/run.sh net-relay /usr/bin/python3 tests/net/test_relay.py
net-namespaces: all $(NET_TOOLS)
	$(Q)tests/run.sh net-namespaces /usr/bin/python3 tests/net/test_namespaces.py
net: net-relay net-namespaces ## replicas over bad links: a relay, and network namespaces (root)
processes: all $(NET_TOOLS)
	$(Q)tests/run.sh processes-memory /usr/bin/python3 tests/processes/test_memory.py
	$(Q)RSM_ROUNDS=1 tests/run.sh processes /usr/bin/python3 tests/processes/test_processes.py
power-cuts: all $(NET_TOOLS)
	$(Q)RSM_CUTS=1 tests/run.sh power-cuts /usr/bin/python3 tests/processes/test_power_cut.py
real: net processes power-cuts ## real processes: links, stops, kills, clocks, power cuts (images; root)
nightly-net: all $(NET_TOOLS) ## all 64 patterns of one-way links, 50 of five voters, longer histories
	$(Q)RSM_PATTERNS=64 RSM_FIVE=50 tests/run.sh nightly-net-relay /usr/bin/python3 tests/net/test_relay.py
	$(Q)RSM_NET_CALLS=1000 tests/run.sh nightly-net-namespaces /usr/bin/python3 tests/net/test_namespaces.py
CUTS ?= 300
nightly-processes: all $(NET_TOOLS) ## CUTS power cuts of a whole site, and as many kills of all at once
	$(Q)RSM_ROUNDS=$(CUTS) tests/run.sh nightly-kills /usr/bin/python3 tests/processes/test_processes.py killed_all_at_once
	$(Q)RSM_ROUNDS=20 tests/run.sh nightly-processes /usr/bin/python3 tests/processes/test_processes.py
	$(Q)RSM_CUTS=$(CUTS) tests/run.sh nightly-power-cuts /usr/bin/python3 tests/processes/test_power_cut.py
nightly-real-asan: ## the tests of `make real` with programs under Address- and UndefinedBehaviorSanitizer
	$(Q)$(MAKE) programs build/asan/test-load build/asan/many-callers build/asan/relay build/asan/lin-record build/asan/lin-check VARIANT=asan
	$(Q)for t in net/test_relay net/test_namespaces processes/test_processes processes/test_power_cut; do \
		RSM_BIN="$(CURDIR)/build/asan" ASAN_OPTIONS=abort_on_error=1:handle_segv=0 \
		tests/run.sh asan-$$t /usr/bin/python3 tests/$$t.py || exit 1; done
MINUTES ?= 60
nightly-soak: all $(NET_TOOLS) ## a random mix of all faults for MINUTES, and whether memory is flat; SEED=first
	$(Q)RSM_MINUTES=$(MINUTES) RSM_SEED=$(SEED) tests/run.sh nightly-soak /usr/bin/python3 tests/processes/soak.py

# Real name servers as secondaries (tests/dns).
.PHONY: dns
dns: all ## replicas as DNS primaries: signatures, freshness, Knot and NSD as secondaries
	$(Q)tests/run.sh dns-serving /usr/bin/python3 tests/dns/test_serving.py \
		only_signed_questions_are_answered ixfr_from_every_serial a_replica_that_is_behind_says_nothing_old \
		quick_changes_are_told_together
	$(Q)tests/run.sh dns-unfriendly /usr/bin/python3 tests/dns/test_unfriendly.py \
		signatures_that_are_none forms_that_are_none connections_with_many_questions answers_are_those_of_real_servers
	$(Q)tests/run.sh dns-updates /usr/bin/python3 tests/dns/test_update.py real_clients answers refusals_by_each_tool as_large_as_they_come races same_message_again leader_dies
	$(Q)RSM_DNS_KINDS=knot,nsd RSM_DNS_INCREMENTS=30 tests/run.sh dns-secondaries /usr/bin/python3 tests/dns/test_secondaries.py
nightly-dns: all ## Knot, NSD, BIND and PowerDNS as secondaries; bad peers; the root zone's history; a million records
	$(Q)tests/run.sh nightly-dns-serving /usr/bin/python3 tests/dns/test_serving.py
	$(Q)tests/run.sh nightly-dns-unfriendly /usr/bin/python3 tests/dns/test_unfriendly.py
	$(Q)tests/run.sh nightly-dns-updates /usr/bin/python3 tests/dns/test_update.py
	$(Q)tests/run.sh nightly-dns-secondaries /usr/bin/python3 tests/dns/test_secondaries.py
	$(Q)tests/run.sh nightly-dns-large /usr/bin/python3 tests/dns/test_large.py
dns-latency: all ## from a verdict to the new serial on each secondary: RSM_DNS_SAMPLES (60) of them
	$(Q)/usr/bin/python3 tests/dns/test_secondaries.py latency

gray-failure: all build/relay ## measures: commits with one follower a hundred times slower against without (ROUNDS=5); 1.5 at most
	$(Q)/usr/bin/python3 tests/failover/gray.py $(or $(ROUNDS),5)
failover: all build/test-load ## measures: writes after kill -9 of the leader, and a start to the first write
	$(Q)/usr/bin/python3 tests/failover/failover.py

# The outage scenario with one control switched off must break (MISSION e).
OUTAGE_MUTANTS := NO_GENERATION_CHECK NO_TOKEN_CHECK COLLECT_BY_AGE NO_FLOOR
$(B)/outage: $(B)/obj/tests/mutants/outage_main.o $(B)/lib/test.a $(call archives,machine)
	$(link) $(VLINK) $(call libs,machine)
outage: $(B)/outage
outage-mutants: ## the controls of the outage, one switched off at a time: it must break
	$(Q)tests/run.sh mutants tests/mutants/run.sh $(OUTAGE_MUTANTS)
outside-mutants: ## each mistake of tests/mutants/outside in a copy: it has to apply, and to be found (NAMES=: some; half an hour)
	$(Q)tests/run.sh outside-mutants tests/mutants/outside.py $(NAMES)
mutants: outage-mutants machine-mutants storage-mutants sim-mutants outside-mutants ## all planted mistakes, and what finds each

.PHONY: model-quick explore-quick
model: ## the formal model, searched to its end by spin: a table (6 minutes, 9 GB)
	$(Q)tests/model/run.py quick model
model-quick:
	$(Q)tests/run.sh model tests/model/run.py quick
# Mistakes that change what the core says; the others have other legs.
EXPLORE_MUTANTS := ACCEPT_BELOW_PROMISE COUNT_MESSAGES COUNT_OLD_PROMISE COUNT_OWN_VOTE_EARLY FORGET_PROMISE \
	LOWEST_VOTE MARK_ANY_BALLOT NOOP_OVER_VOTE PREPARE_OWN_END PROMISE_LOWER PROMISE_WITHOUT_QUEUED \
	SMALL_QUORUM VOTE_BEFORE_DURABLE
explore: ## three real cores: 10 million states, and the mistakes that must show in as many
	$(Q)tests/model/explore.sh 10000000 $(EXPLORE_MUTANTS)
explore-quick:
	$(Q)tests/run.sh explore tests/model/explore.sh 10000000 SMALL_QUORUM

test: deps ## everything, and the closing line of counts
	$(Q)tests/all.sh

check: ## format, arrows, lengths, banned calls, leftovers, documents
	$(Q)tests/run.sh check-itself tests/check/test_check.py
	$(Q)tests/run.sh check-all tests/check/test_all.py
	$(Q)tests/run.sh check-outside-mutants tests/mutants/outside.py --applies
	$(Q)tests/run.sh check tests/check/check.py
format: ## clang-format on everything
	$(Q)find src include consensus storage tools bench tests -name '*.[ch]' | xargs clang-format -i
coverage: ## line coverage of the unit tests
	$(Q)$(MAKE) test-unit-variant VARIANT=coverage
	$(Q)cd build/coverage && gcov -n $$(find obj/consensus obj/storage obj/src -name '*.gcda') | grep -A1 "^File '\(src\|consensus\|storage\)"

# ---------------------------------------------------------------------------------------------

deps: ## installs what is missing (root), or says how
	$(Q)packaging/setup.sh
demo: ## three replicas, a leader killed, and the October 2025 outage replayed
	$(Q)packaging/setup.sh --build
	$(Q)$(MAKE) all
	$(Q)examples/demo.sh
bench: all ## latency and throughput beside the floor of this machine
	$(Q)build/rsm-bench run
bench-peers: all ## etcd and the C raft library beside rsm, in turns: bench/peers (installs them)
	$(Q)bench/peers/measure.py $(BENCH)
BENCH ?=
bench-check: all ## is this tree slower than BASE=REVISION? both are built and run in turns (ROUNDS=8 BENCH="--clients 1")
	$(Q)bench/check.sh "$(BASE)" $(BENCH)
nightly-asan: ## every cluster test with programs under the sanitizers
	$(Q)RSM_ASAN_TESTS=all tests/asan_cluster.sh -j2
restart-bench: all ## how long until a replica serves again: RECORDS (1000000) record sets, MIB (256) of journal
	$(Q)/usr/bin/python3 bench/restart.py $(or $(RECORDS),1000000) $(or $(MIB),256)
AIMS = $(Q)/usr/bin/python3 bench/aims.py $(or $(DIR),/var/tmp/rsm-aims) $(BENCH)
aims: all ## the aims beside what is measured here: DIR=/var/tmp/rsm-aims BENCH="--seconds 10 --repeat 5 --records 10000000 --mib 1024 --only ROW"
	$(AIMS)
bytes-bench: all ## of the aims: bytes written for a byte of command
	$(AIMS) --only bytes
overload-bench: all ## of the aims: goodput at twice the load that can be carried
	$(AIMS) --only overload
flat-bench: all ## latency, memory and restart with RECORDS (10000000) record sets beside 10 thousand; both stay in DIR
	$(Q)/usr/bin/python3 bench/flat.py $(or $(DIR),/var/tmp/rsm-flat) $(or $(RECORDS),10000000) $(BENCH)
snapshot-stall: all ## what a snapshot transfer costs the commits meanwhile: MIB (1024) of store
	$(Q)/usr/bin/python3 bench/snapshot_stall.py $(or $(MIB),1024)
install: all ## PREFIX=/usr/local DESTDIR=
	$(Q)packaging/install.sh "$(DESTDIR)" "$(PREFIX)" "$(VERSION)"
clean: ## removes build/
	$(Q)rm -rf build
help: ## this list
	$(Q)awk -F ':.*## ' -f tests/help.awk Makefile

# What the list shows is no file; nor are these.
.PHONY: $(shell awk -F ':.*## ' '/^[a-z-]+:.*## / {print $$1}' Makefile) programs unit-programs lib \
	test-unit-variant test-tsan-variant outage fuzz-variant fuzz-coverage-variant
