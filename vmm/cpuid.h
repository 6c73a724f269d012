/* SPDX-License-Identifier: MIT */
/*
 * The CPU that a guest sees: what the host's KVM supports, with the changes of `-cpu`.
 *
 * Four things KVM leaves to us: the TSC-deadline bit, which it never reports by itself (without
 * it a kernel calibrates its APIC timer for 100 to 200 ms); the rates of TSC and CPU (without them a
 * kernel measures them on Intel's CPUs, unless it is a KVM guest); the hypervisor bit; and the topology
 * (vmm/topology.h), which is that of the host until it is changed. Nested virtualization (VMX, SVM)
 * is hidden unless asked for: an escape that needs it is then out of a guest's reach.
 *
 * Authority: [KVM] KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID2; [SDM] "CPUID—CPU Identification".
 */
#ifndef TVMM_CPUID_H
#define TVMM_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/vm.h"

struct kvm_cpuid2;

enum { CPU_FEATURES_MAX = 256 };

struct cpu_model {
	char change[CPU_FEATURES_MAX]; /* of -cpu, by index of the feature's name: 0, '+' or '-' */
	bool no_rates;                 /* leaves 15h and 16h stay as KVM has them */
};

/*
 * Parses "host[,+feature|-feature]...". Names are those of /proc/cpuinfo, and "kvm" for KVM's
 * own paravirtual leaves. Returns 0, or -EINVAL with *e naming the word and the nearest valid one.
 */
int cpuid_parse_model(const char *text, struct cpu_model *model, struct err *e);

/*
 * Whether a guest of this model will have a feature (a name that -cpu knows), as far as this CPU's own
 * CPUID can tell: for decisions that are made before KVM is asked, and that may be wrong.
 */
bool cpuid_expects(const struct cpu_model *model, const char *feature);

/* Room for a table, for free(); NULL: there is no memory. */
struct kvm_cpuid2 *cpuid_new(void);

/*
 * What the host's KVM can give a guest, before any change: asked once, as KVM takes its time to tell, and by any
 * thread. 0, or -errno with *e filled.
 */
int cpuid_ask(struct kvm_cpuid2 *cpuid, const struct vm *vm, struct err *e);

/*
 * Makes of it what all of the guest's CPUs find in CPUID. Fails if a feature asked for with + is not in the
 * host's reach: -errno with *e filled.
 */
int cpuid_build(struct kvm_cpuid2 *cpuid, const struct vm *vm, const struct cpu_model *model,
		unsigned int cpus, struct err *e);

/*
 * Has it tell what rates the TSC and the CPU run at, by the word of a vCPU that will get it. False: KVM
 * does not tell.
 */
bool cpuid_set_rates(struct kvm_cpuid2 *cpuid, int vcpu_fd);

/* Gives it to a vCPU, with that CPU's own numbers in it, which replace those of another one. */
int cpuid_apply(struct kvm_cpuid2 *cpuid, int vcpu_fd, unsigned int cpu, struct err *e);

#endif
