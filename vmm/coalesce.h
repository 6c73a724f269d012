/* SPDX-License-Identifier: MIT */
/*
 * Coalesced port writes: KVM puts the guest's writes to one port into a ring instead of leaving the
 * guest for each. For a serial line's transmit register that is an exit for a burst, not for a byte.
 *
 * What it asks for in return:
 *
 *  - Order. The ring is drained before any exit is served, by whichever CPU's thread comes first,
 *    with the machine locked: so the device sees all accesses in the guest's order.
 *  - Nobody waits for what lies in the ring. A driver reads a status register, an exit, behind its
 *    bytes; for one that does not, the supervisor looks at the ring as well.
 *
 * It is begun in the middle of a run, from any thread, by a guest that sends much: KVM's bus is
 * changed, which waits for a grace period, and most guests end before that would have paid.
 *
 * Authority: [KVM] "KVM_(UN)REGISTER_COALESCED_MMIO", <linux/kvm.h>.
 */
#ifndef TVMM_COALESCE_H
#define TVMM_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/machine.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

struct kvm_coalesced_mmio_ring;

struct coalesce {
	struct kvm_coalesced_mmio_ring *ring; /* atomic; NULL: not in use */
	uint32_t entries;
};

/* The greatest number of bytes that a drain brings. */
enum { COALESCE_BYTES_MAX = 4096 };

/*
 * One-byte writes to the port go into the ring from now on. The vCPU is any of the VM's, and stays.
 * 0, or -errno: then nothing has changed, and each write is an exit.
 */
int coalesce_begin(struct coalesce *coalesce, const struct vm *vm, const struct vcpu *vcpu,
		   uint16_t port);

/* Whether there is something to drain; cheap. */
bool coalesce_waiting(const struct coalesce *coalesce);

/* Gives what is in the ring to the machine, which is locked, and whose console has room for it. */
void coalesce_drain(struct coalesce *coalesce, struct machine *machine);

#endif
