/* SPDX-License-Identifier: MIT */
/*
 * What a CPU does at this moment, and whether anything is armed that would wake it: hang.h's
 * samples, as KVM tells them. Reads only; the guest does not notice.
 *
 * Authority: [KVM] KVM_GET_MP_STATE, KVM_GET_LAPIC, KVM_GET_PIT2, KVM_GET_IRQCHIP; [SDM] "Local
 * Vector Table", "APIC Timer"; [LINUX] arch/x86/kvm/i8254.c for which modes of the PIT KVM counts
 * in, arch/x86/kvm/lapic.c for who takes the PIC's interrupts.
 */
#ifndef TVMM_VCPUSAMPLE_H
#define TVMM_VCPUSAMPLE_H

#include "vmm/hang.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

/*
 * On the vCPU's own thread, while it is out of the guest. 0, or -errno; then the sample means
 * nothing.
 */
int vcpusample_take(const struct vcpu *vcpu, struct hang_sample *sample);

/*
 * From any thread: the board's pit_by_pic and pit_by_io_apic. Where KVM does not tell, the PIT is
 * taken for armed.
 */
void vcpusample_pit(const struct vm *vm, struct hang_board *board);

#endif
