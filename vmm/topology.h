/* SPDX-License-Identifier: MIT */
/*
 * The machine's shape, whatever the host's is: one package, as many cores as there are CPUs, one
 * thread in each; first and second level caches of each core's own, all above shared by all. A CPU's
 * number is its APIC id. Here is what -smp may ask of it, and what CPUID tells of it.
 *
 * Authority: [SDM] "CPUID—CPU Identification", leaves 1, 4, 0BH and 1FH, "Hierarchical Mapping of
 * Shared Resources"; [APM] volume 3, "Obtaining Processor Information Via the CPUID Instruction",
 * functions 1, 8000_0001, 8000_0008, 8000_001D, 8000_001E and 8000_0026. Left out: caches that the
 * legacy leaves 2, 8000_0005 and 8000_0006 describe, which do not say who shares them.
 */
#ifndef TVMM_TOPOLOGY_H
#define TVMM_TOPOLOGY_H

#include "vmm/base/err.h"

struct kvm_cpuid2;

/* APIC ids have eight bits, and the last one means all CPUs. [SDM] "Local APIC ID". */
enum { TOPOLOGY_CPUS_MAX = 255 };

/*
 * "N", or QEMU's words "cpus=N", "maxcpus=N", "sockets=N", "dies=N", "clusters=N", "modules=N",
 * "cores=N", "threads=N" with commas between them: 0 and the number of CPUs, or -errno with *e
 * telling the word that asks for something else than this machine is.
 */
int topology_parse(const char *text, unsigned int *cpus, struct err *e);

/* Entries that topology_set() may add to what KVM supports. */
enum { TOPOLOGY_ADDS_ENTRIES = 6 };

/*
 * Writes what is the same for each of cpus CPUs. The table must have room for
 * TOPOLOGY_ADDS_ENTRIES more than it has.
 */
void topology_set(struct kvm_cpuid2 *cpuid, unsigned int cpus);

/* Writes what only this CPU's CPUID says, over what another CPU's said. */
void topology_set_cpu(struct kvm_cpuid2 *cpuid, unsigned int cpu);

#endif
