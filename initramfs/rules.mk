# The userland of the recipe, packed by tvmm itself:
#
#   make initramfs                   from Debian's busybox-static package
#   make initramfs BUSYBOX=/path     with another static busybox
#   make initramfs FLESH=initramfs/flesh    with the files of that folder laid over it
#
#   make busybox                     busybox from source, as the recipe has it: $(B)/busybox/busybox
#   make busybox BUSYBOX_SRC=DIR     from another tree than Debian's
#
# The folder that is packed stays in $(B)/initramfs, to look at and to change copies of. What is
# fleshed out, or has another busybox, has another name, so that the plain one stays as it is.

INITRAMFS := $(B)/initramfs-busybox-x86.cpio.gz
FLESHED := $(B)/initramfs-fleshed-x86.cpio.gz

.PHONY: initramfs busybox
initramfs: $(if $(FLESH),$(FLESHED),$(INITRAMFS)) ## pack busybox and the first process into a cpio.gz (BUSYBOX=, FLESH=)

# Holds what was named, so that an initramfs is made again when that is something else.
$(B)/initramfs.from: anew
	@mkdir -p $(@D)
	@echo '$(BUSYBOX)' | cmp -s - $@ || echo '$(BUSYBOX)' >$@

.PHONY: anew

INITRAMFS_PARTS := initramfs/build.sh initramfs/init initramfs/nodes $(wildcard initramfs/*.[ch]) \
	$(wildcard $(BUSYBOX)) $(B)/initramfs.from

$(INITRAMFS): $(INITRAMFS_PARTS) | $(B)/tvmm
	@BUSYBOX='$(BUSYBOX)' FLESH= initramfs/build.sh $(B)/tvmm $(B)/initramfs $@

# Always: a folder's time stamp does not tell what has changed in it.
$(FLESHED): $(INITRAMFS_PARTS) anew | $(B)/tvmm
	@BUSYBOX='$(BUSYBOX)' FLESH='$(FLESH)' initramfs/build.sh $(B)/tvmm $(B)/initramfs-fleshed $@

busybox: ## build busybox from source (BUSYBOX_SRC=a tree; Debian's without)
	@initramfs/busybox.sh '$(B)' '$(BUSYBOX_SRC)'

# The guest's first process for `tvmm -- PROGRAM`: for the guest, so without a libc, and with none
# of the flags that are for tvmm itself (sanitizers, for example). guestinit.S takes it in.

GUESTINIT := $(B)/guest/init
GUESTINIT_CFLAGS := -std=gnu11 -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-pie \
	-fno-asynchronous-unwind-tables -fcf-protection=none $(WARNINGS)
GUESTINIT_LDFLAGS := -static -no-pie -nostdlib -s -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,-z,noseparate-code
GUESTINIT_OBJECTS := $(patsubst %.c,$(B)/obj/%.o,$(wildcard initramfs/guest/*.c))

$(GUESTINIT_OBJECTS): $(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -I. $(GUESTINIT_CFLAGS) -MMD -MP -c -o $@ $<

$(GUESTINIT): $(GUESTINIT_OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(GUESTINIT_LDFLAGS) -o $@ $^

# By .incbin, which -MMD does not see. The fuzz targets' library has an object of its own.
GUESTINIT_HOLDERS := $(B)/obj/initramfs/guestinit.o $(B)/fuzz/obj/initramfs/guestinit.o
$(GUESTINIT_HOLDERS): $(GUESTINIT)
$(GUESTINIT_HOLDERS): TVMM_CPPFLAGS += -DGUESTINIT='"$(GUESTINIT)"'

-include $(GUESTINIT_OBJECTS:.o=.d)
