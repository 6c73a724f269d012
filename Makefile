# tvmm: a direct-KVM micro-VMM. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

B ?= build
PREFIX ?= /usr/local
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
PKG_CONFIG ?= pkg-config

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wwrite-strings -Wpointer-arith -Wcast-qual -Wformat=2 -Wundef \
	-Wimplicit-fallthrough -Wconversion -Wno-sign-conversion $(if $(CI),-Werror)
CFLAGS ?= -O2 -g
# Static: nothing to load before main, and one file to copy to where it is needed. Still
# position-independent, because it has guests to fear.
TVMM_CPPFLAGS := -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -I.
TVMM_CFLAGS := -std=gnu11 -fPIE -fstack-protector-strong -pthread $(WARNINGS)
# A glibc before 2.36 does not relocate such a program, which then ends before main().
PACKED_RELOCATIONS := $(shell printf '#include <features.h>\n\#if __GLIBC_PREREQ(2, 36)\nyes\n\#endif\n' | \
	$(CC) -E -P - 2>/dev/null | grep -q yes && echo -Wl,-z,pack-relative-relocs)
TVMM_LDFLAGS ?= -static-pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack $(PACKED_RELOCATIONS)
TVMM_LDLIBS := -lelf -lxxhash -lz -ldeflate -lbz2 -llzma -llzo2 -llz4 -lzstd -ljansson -lm -pthread

# `make V=1` shows the commands themselves.
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-4s %s\n' $(1) $(2))

ROOMS := vmm vmm/base vmm/timing vmm/inside boot devices initramfs
SOURCES := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c $(room)/*.S))
OBJECTS := $(patsubst %,$(B)/obj/%.o,$(basename $(SOURCES)))
LIBRARY := $(B)/libtvmm.a
HEADERS := $(foreach room,$(ROOMS) tests/common tests/malformed,$(wildcard $(room)/*.h))
C_FILES := $(filter %.c,$(SOURCES)) $(wildcard tests/*/*.c initramfs/guest/*.[ch]) $(HEADERS)

.PHONY: all help
all: $(B)/tvmm ## build tvmm: build/tvmm

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) $(TVMM_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(TVMM_CPPFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# Its parts come in by .incbin, which -MMD does not see.
$(B)/obj/vmm/timing/page.o: $(wildcard vmm/timing/page/*)

# Everything but main, so that tests can call it.
$(LIBRARY): $(filter-out $(B)/obj/vmm/main.o,$(OBJECTS))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(B)/tvmm: $(B)/obj/vmm/main.o $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(TVMM_CFLAGS) $(CFLAGS) $(TVMM_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TVMM_LDLIBS)

-include $(OBJECTS:.o=.d)

include kernels/rules.mk initramfs/rules.mk tests/rules.mk

# --- from nothing to a shell ----------------------------------------------------------------

.PHONY: deps demo
deps: ## install what is missing, with apt
	@tests/deps

demo: ## build all, boot it, print the boot's times
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/tvmm
	@$(MAKE) --no-print-directory kernel initramfs
	@tests/demo

# --- the state of the house -----------------------------------------------------------------

.PHONY: layers shape format format-check tidy analyze compdb asan tsan
layers: ## who includes whom: check the directions
	@tests/layers $(filter %.c %.h,$(SOURCES) $(HEADERS)) $(wildcard initramfs/guest/*.[ch])

shape: ## functions longer than 60 lines
	@tests/shape $(filter %.c,$(C_FILES))

format: ## format the sources (clang-format 14)
	clang-format -i $(C_FILES)

format-check: ## is everything formatted?
	@clang-format --dry-run --Werror $(C_FILES)

tidy: ## clang-tidy
	clang-tidy --quiet $(filter %.c,$(SOURCES)) -- $(TVMM_CPPFLAGS) -std=gnu11

analyze: ## gcc -fanalyzer and cppcheck
	@mkdir -p $(B)/analyze
	for f in $(filter %.c,$(SOURCES)); do \
		$(CC) $(TVMM_CPPFLAGS) $(TVMM_CFLAGS) -O2 -fanalyzer -c -o $(B)/analyze/out.o $$f || exit 1; \
	done
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr -I. \
		--suppress=missingIncludeSystem $(filter %.c,$(SOURCES))

compdb: ## compile_commands.json for editors
	@tests/compdb "$(CC) $(TVMM_CPPFLAGS) $(TVMM_CFLAGS) $(CFLAGS)" \
		$(filter %.c,$(SOURCES)) > compile_commands.json

asan: ## build and run the unit tests under ASan and UBSan
	$(MAKE) --no-print-directory B=$(B)/asan CFLAGS="-O1 -g -fsanitize=address,undefined \
		-fno-sanitize-recover=all -fno-omit-frame-pointer" TVMM_LDFLAGS= check-unit

RACING := smp run console machine keyboard chardev
tsan: ## build and run the unit tests that have threads under TSan
	$(MAKE) --no-print-directory B=$(B)/tsan CFLAGS="-O1 -g -fsanitize=thread" TVMM_LDFLAGS= \
		$(RACING:%=$(B)/tsan/tests/unit/test_%)
	@B=$(B)/tsan tests/check $(foreach t,$(RACING),unit/test_$(t)=$(B)/tsan/tests/unit/test_$(t))

# --- out of the house -----------------------------------------------------------------------

.PHONY: install uninstall clean
install: $(B)/tvmm ## install the program, its man page and bash completion
	install -D -m 755 $(B)/tvmm $(DESTDIR)$(PREFIX)/bin/tvmm
	install -D -m 644 docs/tvmm.1 $(DESTDIR)$(PREFIX)/share/man/man1/tvmm.1
	install -D -m 644 docs/tvmm.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tvmm

uninstall: ## take them away again
	rm -f $(DESTDIR)$(PREFIX)/bin/tvmm $(DESTDIR)$(PREFIX)/share/man/man1/tvmm.1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tvmm

clean: ## remove everything that was built
	rm -rf $(B)
