# The tests. Each folder of tests/ keeps one promise; `make check` runs all of them.

include tests/guest/rules.mk tests/lab/rules.mk tests/bench/rules.mk tests/malformed/rules.mk \
	tests/fuzz/rules.mk

CHECK_CFLAGS = $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check)
TEST_COMMON := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/common/*.c))
UNIT_TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
MALFORMED_TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/malformed/test_*.c))
# What the scripts among them run, and the zoo.
UNIT_TOOLS := $(B)/tests/unit/dump_acpi $(B)/tests/unit/dump_report \
	$(B)/tests/unit/dump_boottable $(ZOO) $(ZOO_RUNNER)
SCRIPT_TESTS := $(wildcard tests/unit/test_*.sh)
KERNEL := $(B)/kernels/allnoconfig/bzImage

include tests/boot/rules.mk tests/baseline/rules.mk

.SECONDARY: $(TEST_COMMON)

# What tests/check gets: TITLE=COMMAND.
PLAIN = $(foreach test,$(UNIT_TESTS) $(MALFORMED_TESTS),$(patsubst $(B)/tests/%,%,$(test))=$(test))
IN_MALFORMED = malformed/cli=tests/malformed/cli.sh $(IN_ZOO)
SCRIPTS = $(foreach test,$(SCRIPT_TESTS),$(patsubst tests/%,%,$(test))=$(test))
IN_GUESTS = guest/probe=tests/guest/test_probe.sh guest/run=tests/guest/run
# These fill the machine by themselves,
IN_FULL = boot/kernels=tests/boot/kernels boot/rows=tests/boot/rows
# those of the lab bear company: its time is virtual. The long ones come first.
IN_BOOTS = boot/table=tests/boot/table baseline=tests/baseline/check boot/account=tests/boot/account boot/endings=tests/boot/endings \
	boot/docs_ci=tests/boot/docs_ci boot/program=tests/boot/program boot/lab=tests/boot/run \
	boot/autopsy=tests/boot/autopsy boot/kunit=tests/boot/kunit boot/usable=tests/boot/usable boot/fastappend=tests/boot/fastappend \
	without=tests/without/check boot/qemu=tests/boot/qemu
# Where there is no /dev/kvm.
IN_LAB = 'guest/faults=tests/guest/lab --unless-kvm faults soak' \
	'guest/lab=tests/guest/lab --unless-kvm end coalesce fallbacks endings terminal timeouts hang tap autopsy'
# With techniques off. Left out: what boots no guest; what pins the figures of techniques that are on.
IN_WITHOUT = $(IN_GUESTS) boot/kernels=tests/boot/kernels --together $(IN_LAB) \
	$(filter-out baseline=% without=% boot/qemu=%,$(IN_BOOTS))
FUZZING = 'fuzz=$(FUZZ_RUN)'

.PHONY: check check-unit check-guest check-boot check-all
check: ## install what is missing, run all tests
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$$(nproc) build-tests
	@$(MAKE) --no-print-directory check-all

.PHONY: build-tests
build-tests: $(B)/tvmm $(UNIT_TESTS) $(UNIT_TOOLS) $(MALFORMED_TESTS) guests fuzz-build

check-all: $(B)/tvmm $(UNIT_TESTS) $(UNIT_TOOLS) $(MALFORMED_TESTS) guests $(KERNEL) $(KUNIT_KERNEL) \
		$(TVMM_KERNEL) $(INITRAMFS) $(PACKED) $(FAST) $(DIES) $(PROGRAMS) $(BENCH_TOOLS) fuzz-build
	@B=$(B) tests/check $(PLAIN) $(IN_MALFORMED) $(SCRIPTS) $(IN_GUESTS) $(FUZZING) $(IN_FULL) \
		--together $(IN_LAB) $(IN_BOOTS)

check-unit: $(B)/tvmm $(UNIT_TESTS) $(UNIT_TOOLS) $(MALFORMED_TESTS) ## tests: registers, parsers, plans, messages; need nothing
	@B=$(B) tests/check $(PLAIN) $(IN_MALFORMED) $(SCRIPTS)

check-guest: $(B)/tvmm guests $(KERNEL) $(DIES) ## tests: tiny guests on /dev/kvm
	@B=$(B) tests/check $(IN_GUESTS)

check-boot: $(B)/tvmm $(B)/tests/boot/ptydrive $(B)/tests/guest/mkimage $(KERNEL) $(KUNIT_KERNEL) \
		$(TVMM_KERNEL) $(INITRAMFS) $(PACKED) $(FAST) $(DIES) $(PROGRAMS) $(BENCH_TOOLS) guests ## tests: Linux to a shell and back
	@B=$(B) tests/check $(IN_FULL) --together $(IN_BOOTS)

.PHONY: check-without
check-without: $(B)/tvmm guests $(KERNEL) $(KUNIT_KERNEL) $(TVMM_KERNEL) $(INITRAMFS) $(PACKED) $(FAST) $(DIES) \
		$(PROGRAMS) $(BENCH_TOOLS) ## tests that run guests, with techniques off: WITHOUT=all, =early-exit,cache, ...
	@B=$(B) tests/without/run '$(or $(WITHOUT),all)' tests/check $(IN_WITHOUT)

# Static, because it also runs in the lab.
$(B)/tests/boot/ptydrive: tests/boot/ptydrive.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) -std=gnu11 $(WARNINGS) $(CFLAGS) -static -o $@ $<

$(B)/tests/%: tests/%.c $(TEST_COMMON) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) $(TVMM_CFLAGS) $(CHECK_CFLAGS) $(CFLAGS) -MMD -MP \
		-o $@ $< $(TEST_COMMON) $(LIBRARY) $(CHECK_LIBS) $(TVMM_LDLIBS)

-include $(UNIT_TESTS:=.d) $(UNIT_TOOLS:=.d) $(MALFORMED_TESTS:=.d) $(TEST_COMMON:.o=.d)
