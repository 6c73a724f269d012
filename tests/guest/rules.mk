# tests/guest: guests of a few instructions, and the programs that make and drive them.

OBJCOPY ?= objcopy
ELF_GUESTS := $(B)/guests/elf64.elf $(B)/guests/pvh.elf $(B)/guests/phases.elf
FLAT_GUESTS := $(filter-out $(ELF_GUESTS:.elf=.bzImage),\
	$(patsubst tests/guest/%.S,$(B)/guests/%.bzImage,$(wildcard tests/guest/*.S)))
GUESTS := $(FLAT_GUESTS) $(ELF_GUESTS)
GUEST_TOOLS := $(B)/tests/guest/mkimage $(B)/tests/guest/aid $(B)/tests/guest/ended $(B)/tests/guest/lacks $(B)/tests/guest/readreport $(B)/tests/guest/soak \
	$(B)/tests/boot/ptydrive

.PHONY: guests
guests: $(GUESTS) $(GUEST_TOOLS)


.SECONDARY: $(FLAT_GUESTS:.bzImage=.o) $(FLAT_GUESTS:.bzImage=.bin) $(ELF_GUESTS:.elf=.o)

$(B)/guests/%.o: tests/guest/%.S tests/guest/guest.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -I. -c -o $@ $<

$(B)/guests/%.bin: $(B)/guests/%.o
	$(Q)$(OBJCOPY) -O binary -j .text $< $@

$(B)/guests/%.bzImage: $(B)/guests/%.bin $(B)/tests/guest/mkimage
	$(Q)$(B)/tests/guest/mkimage $< $@

$(B)/guests/%.elf: $(B)/guests/%.o tests/guest/elf.ld
	$(Q)$(LD) -static -z noexecstack -T tests/guest/elf.ld -o $@ $<

.PHONY: check-guest-lab
check-guest-lab: $(B)/tvmm guests ## the same in the lab, for want of /dev/kvm: GUEST_GROUPS='faults soak'
	@B='$(B)' tests/guest/lab $(GUEST_GROUPS)
