# What tests/boot/kernels boots: the recipe's kernel in all packings, and an initrd that looks around.

PACKED_IN := $(B)/tests/boot/kernels
PACKED := $(patsubst %,$(PACKED_IN)/bzImage.%,gzip bzip2 lzma xz lzo lz4 zstd) \
	$(PACKED_IN)/vmlinux $(PACKED_IN)/vmlinux.stripped $(PACKED_IN)/initrd

$(PACKED_IN)/bzImage.%: $(KERNEL) tests/boot/repack
	@mkdir -p $(@D)
	$(call say,PACK,$@)
	$(Q)tests/boot/repack $< $* $@

$(PACKED_IN)/vmlinux.stripped: $(KERNEL) tests/boot/repack
	@mkdir -p $(@D)
	$(Q)tests/boot/repack $< elf $@

$(PACKED_IN)/vmlinux: $(KERNEL)
	@mkdir -p $(@D)
	$(Q)cp $(<D)/vmlinux $@

$(PACKED_IN)/initrd: tests/boot/init initramfs/nodes | $(B)/tvmm
	@rm -rf $(B)/tests/boot/initrd && mkdir -p $(PACKED_IN) $(B)/tests/boot/initrd/{bin,proc}
	@cp $(or $(BUSYBOX),/bin/busybox) $(B)/tests/boot/initrd/bin/busybox
	@cp tests/boot/init $(B)/tests/boot/initrd/init
	$(Q)$(B)/tvmm initramfs $(B)/tests/boot/initrd -d initramfs/nodes -o $@

# An initramfs, not packed, whose first process tells what the kernel gave it: tests/boot/fastappend.
FAST := $(B)/tests/boot/fastappend.cpio

$(FAST): tests/boot/fastinit initramfs/nodes | $(B)/tvmm
	@rm -rf $(B)/tests/boot/fast && mkdir -p $(B)/tests/boot/fast/{bin,proc}
	$(call say,PACK,$@)
	@cp $(or $(BUSYBOX),/bin/busybox) $(B)/tests/boot/fast/bin/busybox
	@cp tests/boot/fastinit $(B)/tests/boot/fast/init
	$(Q)$(B)/tvmm initramfs $(B)/tests/boot/fast -d initramfs/nodes -o $@.gz >/dev/null
	$(Q)gzip -dcf $@.gz >$@

# An initramfs, not packed, whose first process ends at once: tests/guest/account.bash.
DIES := $(B)/tests/boot/dies.cpio

$(DIES): tests/boot/dies.S initramfs/nodes | $(B)/tvmm
	@rm -rf $(B)/tests/boot/dies && mkdir -p $(B)/tests/boot/dies
	$(call say,PACK,$@)
	$(Q)$(CC) -nostdlib -static -s -o $(B)/tests/boot/dies/init $<
	$(Q)$(B)/tvmm initramfs $(B)/tests/boot/dies -d initramfs/nodes -o $@.gz >/dev/null
	$(Q)gzip -dcf $@.gz >$@

# What tests/boot/program runs in a guest: static, and with two shared libraries beside it.
PROG := $(B)/tests/boot/prog
PROGRAMS := $(PROG)/guestprog $(PROG)/dynamic $(PROG)/lib/libgreeting.so \
	$(PROG)/lib/libgreetingtext.so $(PROG)/useprog

$(PROG)/guestprog: tests/boot/guestprog.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -O2 -static -o $@ $<

# What tests/boot/usable runs there.
$(PROG)/useprog: tests/boot/useprog.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -O2 -static -pthread -o $@ $<

$(PROG)/dynamic: tests/boot/guestprog.c $(PROG)/lib/libgreeting.so
	$(Q)$(CC) -O2 -DWITH_LIBRARY -o $@ $< -L$(PROG)/lib -lgreeting \
		-Wl,-rpath,'$$ORIGIN/lib' -Wl,-rpath-link,$(PROG)/lib

$(PROG)/lib/libgreeting.so: tests/boot/greeting.c $(PROG)/lib/libgreetingtext.so
	$(Q)$(CC) -shared -fPIC -o $@ $< -L$(PROG)/lib -lgreetingtext -Wl,-rpath,'$$ORIGIN'

$(PROG)/lib/libgreetingtext.so: tests/boot/greeting_text.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -shared -fPIC -o $@ $<
