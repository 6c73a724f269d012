/* SPDX-License-Identifier: MIT */
/*
 * What KVM's interrupt controllers and its timer stand at: both PICs, the I/O APIC, the PIT. Reads
 * only. Authority: [KVM] KVM_GET_IRQCHIP, KVM_GET_PIT2; [LINUX] arch/x86/include/uapi/asm/kvm.h.
 */
#ifndef TVMM_IRQSTATE_H
#define TVMM_IRQSTATE_H

#include "vmm/timing/autopsy.h"
#include "vmm/vm.h"

/* Fills *controllers; what KVM does not tell is not known. */
void irqstate_read(const struct vm *vm, struct autopsy_controllers *controllers);

#endif
