# Fuzzing: tests/fuzz/fuzz_NAME.c with libFuzzer, against the library built by clang with ASan and
# UBSan in $(B)/fuzz. docs/fuzzing.md tells about the targets.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 20
FUZZ_TARGETS ?= $(FUZZ_ALL)
FUZZ_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=$(B)/fuzz/fuzz_%)

FUZZ_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-gnu-variable-sized-type-not-at-end \
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -pthread
# Fortified functions would hide from ASan.
FUZZ_CPPFLAGS := $(TVMM_CPPFLAGS) -U_FORTIFY_SOURCE
# Coverage leads the fuzzer through the library; the tests' own branches would only distract it.
FUZZ_LIBRARY_FLAGS := -fsanitize=fuzzer-no-link

FUZZ_LIBRARY := $(B)/fuzz/libtvmm.a
FUZZ_LIBRARY_OBJECTS := $(filter-out $(B)/fuzz/obj/vmm/main.o,$(OBJECTS:$(B)/obj/%=$(B)/fuzz/obj/%))
FUZZ_COMMON := $(patsubst %.c,$(B)/fuzz/obj/%.o,$(wildcard tests/common/*.c) tests/fuzz/fuzz.c)

.SECONDARY: $(FUZZ_COMMON) $(FUZZ_ALL:%=$(B)/fuzz/obj/tests/fuzz/fuzz_%.o)

FUZZ_RUN = B=$(B) FUZZ_CC=$(FUZZ_CC) FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_RUNS=$(FUZZ_RUNS) \
	tests/fuzz/run $(FUZZ_TARGETS)

.PHONY: fuzz fuzz-build fuzz-programs fuzz-coverage
fuzz: fuzz-build ## look for input that breaks a promise; FUZZ_SECONDS=20 FUZZ_TARGETS='uart ...'
	@$(FUZZ_RUN)

# Builds them, where clang can; tests/fuzz/run says why it cannot.
fuzz-build:
	@if FUZZ_CC=$(FUZZ_CC) tests/fuzz/run --ready; then \
		$(MAKE) --no-print-directory fuzz-programs; \
	fi

fuzz-programs: $(FUZZ_PROGRAMS)
	@:

fuzz-coverage: ## which lines of boot/, devices/, vmm/ the corpus reaches (needs llvm)
	@$(MAKE) --no-print-directory B=$(B)/coverage FUZZ_CC=$(FUZZ_CC) \
		FUZZ_LIBRARY_FLAGS="-fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping" \
		FUZZ_LDFLAGS=-fprofile-instr-generate fuzz-programs
	@B=$(B)/coverage FOUND=$(B)/fuzz/found tests/fuzz/coverage $(FUZZ_TARGETS)

$(B)/fuzz/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ_CC) $(FUZZ_CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(B)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ_CC) $(FUZZ_CPPFLAGS) $(FUZZ_FLAGS) $(FUZZ_LIBRARY_FLAGS) -MMD -MP -c -o $@ $<

$(B)/fuzz/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(FUZZ_CC) $(TVMM_CPPFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_LIBRARY): $(FUZZ_LIBRARY_OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(B)/fuzz/fuzz_%: $(B)/fuzz/obj/tests/fuzz/fuzz_%.o $(FUZZ_COMMON) $(FUZZ_LIBRARY)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer $(FUZZ_LDFLAGS) -o $@ $^ $(TVMM_LDLIBS)

-include $(FUZZ_LIBRARY_OBJECTS:.o=.d) $(FUZZ_COMMON:.o=.d) \
	$(FUZZ_ALL:%=$(B)/fuzz/obj/tests/fuzz/fuzz_%.d)
