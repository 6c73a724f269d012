/* SPDX-License-Identifier: MIT */
/*
 * All that KVM tells of a vCPU that stands still: registers, what waits to be delivered, its local
 * APIC. Reads only. Authority: [KVM] KVM_GET_REGS, KVM_GET_SREGS, KVM_GET_MP_STATE,
 * KVM_GET_VCPU_EVENTS, KVM_GET_LAPIC, KVM_GET_MSRS; [SDM] "Local APIC".
 */
#ifndef TVMM_VCPUSTATE_H
#define TVMM_VCPUSTATE_H

#include "vmm/timing/autopsy.h"
#include "vmm/vcpu.h"

/*
 * Fills registers, mode, cpl, state, events and lapic of *cpu, each with what says that it is
 * known; leaves the rest alone. While the vCPU is out of the guest.
 */
void vcpustate_read(const struct vcpu *vcpu, struct autopsy_cpu *cpu);

#endif
