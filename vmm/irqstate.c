/* SPDX-License-Identifier: MIT */
#include "vmm/irqstate.h"

#include <linux/kvm.h>

static bool read_chip(const struct vm *vm, uint32_t id, struct kvm_irqchip *chip)
{
	*chip = (struct kvm_irqchip){ .chip_id = id };
	return kvm_ioctl(vm->vm_fd, KVM_GET_IRQCHIP, chip) == 0;
}

static bool read_pic(const struct vm *vm, uint32_t id, struct autopsy_pic *pic)
{
	struct kvm_irqchip chip;

	if (!read_chip(vm, id, &chip))
		return false;
	*pic = (struct autopsy_pic){
		.imr = chip.chip.pic.imr,
		.irr = chip.chip.pic.irr,
		.isr = chip.chip.pic.isr,
	};
	return true;
}

static bool read_ioapic(const struct vm *vm, struct autopsy_pin pin[AUTOPSY_PINS])
{
	struct kvm_irqchip chip;

	_Static_assert((int)AUTOPSY_PINS == (int)KVM_IOAPIC_NUM_PINS, "as many pins as KVM's");
	if (!read_chip(vm, KVM_IRQCHIP_IOAPIC, &chip))
		return false;
	for (int i = 0; i < AUTOPSY_PINS; i++) {
		const struct kvm_ioapic_state *ioapic = &chip.chip.ioapic;

		pin[i] = (struct autopsy_pin){
			.vector = ioapic->redirtbl[i].fields.vector,
			.delivery = ioapic->redirtbl[i].fields.delivery_mode,
			.destination = ioapic->redirtbl[i].fields.dest_id,
			.logical = ioapic->redirtbl[i].fields.dest_mode,
			.level = ioapic->redirtbl[i].fields.trig_mode,
			.active_low = ioapic->redirtbl[i].fields.polarity,
			.masked = ioapic->redirtbl[i].fields.mask,
			.remote_irr = ioapic->redirtbl[i].fields.remote_irr,
			.pending = ioapic->irr >> i & 1,
		};
	}
	return true;
}

static bool read_pit(const struct vm *vm, struct autopsy_controllers *controllers)
{
	struct kvm_pit_state2 pit;

	if (kvm_ioctl(vm->vm_fd, KVM_GET_PIT2, &pit) < 0)
		return false;
	controllers->pit_mode = pit.channels[0].mode;
	controllers->pit_count = pit.channels[0].count;
	controllers->pit_gate = pit.channels[0].gate;
	return true;
}

void irqstate_read(const struct vm *vm, struct autopsy_controllers *controllers)
{
	*controllers = (struct autopsy_controllers){ 0 };
	controllers->pic_known = read_pic(vm, KVM_IRQCHIP_PIC_MASTER, &controllers->master) &&
				 read_pic(vm, KVM_IRQCHIP_PIC_SLAVE, &controllers->slave);
	controllers->ioapic_known = read_ioapic(vm, controllers->pin);
	controllers->pit_known = read_pit(vm, controllers);
}
