# tests/guest: guests of a few instructions, and the programs that make and drive them.

OBJCOPY ?= objcopy
GUESTS := $(patsubst tests/guest/%.S,$(B)/guests/%.bzImage,$(wildcard tests/guest/*.S))
GUEST_TOOLS := $(B)/tests/guest/mkimage $(B)/tests/guest/aid $(B)/tests/boot/ptydrive

.PHONY: guests
guests: $(GUESTS) $(GUEST_TOOLS)


.SECONDARY: $(GUESTS:.bzImage=.o) $(GUESTS:.bzImage=.bin)

$(B)/guests/%.o: tests/guest/%.S tests/guest/guest.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -I. -c -o $@ $<

$(B)/guests/%.bin: $(B)/guests/%.o
	$(Q)$(OBJCOPY) -O binary -j .text $< $@

$(B)/guests/%.bzImage: $(B)/guests/%.bin $(B)/tests/guest/mkimage
	$(Q)$(B)/tests/guest/mkimage $< $@
