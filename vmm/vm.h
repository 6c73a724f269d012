/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine on /dev/kvm: its memory, its in-kernel interrupt controllers and timer.
 *
 * The order is memory, interrupt controllers, timer, vCPUs. Since Linux 6.18 every registration
 * on KVM's in-kernel bus starts a grace period, and the next change of a memory slot waits for
 * it: controllers before memory cost 5 to 8 ms where memory before controllers costs 0.4.
 *
 * Authority: [KVM] "System ioctls", "VM ioctls". Left out: the split irqchip, dirty
 * logging.
 */
#ifndef TVMM_VM_H
#define TVMM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/guestmem.h"

struct vm {
	int kvm_fd; /* /dev/kvm */
	int vm_fd;
	struct guest_memory memory;
	bool tsc_deadline_timer; /* KVM can give guests one; CPUID has to say so */
	int no_huge_pages;       /* errno with which the host refused them; 0: not, or not asked */
};

/* Guest-physical layout of RAM, chosen by the plan. high_bytes may be 0. */
struct vm_ram {
	uint64_t low_bytes;
	uint64_t high_gpa, high_bytes;
};

/* Nothing is open or mapped. */
void vm_init(struct vm *vm);

/*
 * Maps guest RAM, zeroed. The VM need not exist yet. huge_pages false: the host is asked for pages of
 * 4 KiB only, so that what was touched can be counted.
 */
int vm_map_memory(struct vm *vm, const struct vm_ram *ram, bool huge_pages, struct err *e);

/*
 * After vm_map_memory(): pages of 4 KiB anyway for [gpa, gpa + bytes) and what shares a huge page with it, of
 * which the host clears only those that are touched. Of RAM below 4 GiB; the rest stays as it is.
 */
void vm_small_pages(const struct vm *vm, uint64_t gpa, uint64_t bytes);

/*
 * How many pages of 4 KiB of the guest's RAM the host has given it so far. Where there are huge ones,
 * each counts as 512. 0, or -errno.
 */
int vm_count_touched(const struct vm *vm, uint64_t *pages);

/*
 * Opens /dev/kvm and checks that it is what is needed. Returns 0, or -errno with *e saying what the
 * host lacks and who can mend it.
 */
int vm_open(struct vm *vm, struct err *e);

/* Creates the VM; touches no memory of the guest's. */
int vm_create(struct vm *vm, struct err *e);

/* Gives the mapped RAM to the VM. */
int vm_add_memory(struct vm *vm, struct err *e);

/* Creates PIC, I/O APIC, local APICs and the PIT inside KVM. After vm_add_memory. */
int vm_add_interrupt_controllers(struct vm *vm, struct err *e);

/* Sets the level of an interrupt input (ISA numbering; 4 is COM1). Never fails for a guest. */
void vm_set_irq(const struct vm *vm, uint32_t irq, bool level);

/* Gives guest RAM back; no vCPU runs any more. */
void vm_unmap_memory(struct vm *vm);

/* Unmaps and closes everything. */
void vm_finish(struct vm *vm);

/* ioctl() that is repeated while it is interrupted. Returns ioctl's value or -errno. */
int kvm_ioctl(int fd, unsigned long request, void *argument);

/* The same for requests whose argument is a number. */
int kvm_ioctl_value(int fd, unsigned long request, unsigned long value);

/* KVM_CHECK_EXTENSION: 0 when the capability is absent. */
int kvm_capability(int fd, int capability);

#endif
