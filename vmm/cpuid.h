/* SPDX-License-Identifier: MIT */
/*
 * The CPU that a guest sees: what the host's KVM supports, with the changes of `-cpu`.
 *
 * Three things KVM leaves to us: the TSC-deadline bit, which it never reports by itself (without
 * it a kernel calibrates its APIC timer for 100 to 200 ms); the hypervisor bit; and the topology,
 * which is that of the host until it is changed. Nested virtualization (VMX, SVM) is hidden unless
 * asked for: an escape that needs it is then out of a guest's reach.
 *
 * Authority: [KVM] KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID2; [SDM] "CPUID—CPU Identification".
 */
#ifndef TVMM_CPUID_H
#define TVMM_CPUID_H

#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/vm.h"

enum { CPU_FEATURES_MAX = 256 };

/* What -cpu asked for, by index into the table of feature names: 0, '+' or '-'. */
struct cpu_model {
	char change[CPU_FEATURES_MAX];
};

/*
 * Parses "host[,+feature|-feature]...". Names are those of /proc/cpuinfo, and "kvm" for KVM's
 * own paravirtual leaves. Returns 0, or -EINVAL with *e naming the word and the nearest valid one.
 */
int cpuid_parse_model(const char *text, struct cpu_model *model, struct err *e);

/* Gives the vCPU its CPUID. Fails if a feature asked for with + is not in the host's reach. */
int cpuid_apply(const struct vm *vm, int vcpu_fd, const struct cpu_model *model, struct err *e);

#endif
