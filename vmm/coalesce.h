/* SPDX-License-Identifier: MIT */
/*
 * Coalesced port writes: KVM puts the guest's writes to one port into a ring instead of leaving the
 * guest for each. For a serial line's transmit register that is an exit less for each byte that is
 * sent after a look at the line's status.
 *
 * What it asks for in return:
 *
 *  - Order. The ring is drained before any exit is served, by whichever CPU's thread comes first,
 *    with the machine locked: so the device sees all accesses in the guest's order, whatever its
 *    registers mean at that moment (DLAB, loopback).
 *  - Nobody waits for what lies in the ring. It has room only for as many bytes as the guest was
 *    told that the transmitter takes, and only while somebody looks at the ring all the time
 *    (coalesce_watch()): at the latest then they come out. A guest that sends blindly is left for
 *    each byte, as without a ring.
 *  - A driver that fills the FIFO and halts until it is interrupted is interrupted at once: where
 *    one was seen to wait, room is for one byte less, and the last one is an exit. Seen to wait: whoever looks
 *    found bytes twice, and the driver had not come by itself between. One that looks at the UART's registers behind its
 *    bytes, as Linux's does until there is nothing more to do, may be found in the middle of them once in a while.
 *
 *	taken          last       first
 *	  | to be drained |   room   |          KVM stops where `last` + 1 would be `first`
 *
 * So room is given and taken back without a word to KVM: it only compares `last` with `first`, and
 * `taken`, where we are, is ours alone. The zone itself stays: KVM's bus is changed once.
 *
 * Authority: [KVM] "KVM_(UN)REGISTER_COALESCED_MMIO", <linux/kvm.h>; [LINUX]
 * virt/kvm/coalesced_mmio.c.
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
	uint32_t taken; /* atomic: the entry to be taken next; all that are taken have no length */

	/* With the machine locked: */
	bool watched;        /* somebody looks at the ring all the time */
	bool waits;          /* the guest has been seen to wait for an interrupt behind its bytes */
	bool drained, found; /* since it was last told; by whom looks */
	unsigned int waited; /* so often in a row it may have waited */
	uint64_t bytes;      /* that came by the ring */
};

/* A ring of so many entries has no room, until it is given. */
void coalesce_init(struct coalesce *coalesce, struct kvm_coalesced_mmio_ring *ring,
		   uint32_t entries);

/*
 * The UART's transmit register has the ring from now on; after the last memory slot and vCPU, from
 * any thread. The vCPU is any of the VM's, and stays. 0, or -errno: then nothing has changed, and
 * each write is an exit.
 */
int coalesce_begin(struct coalesce *coalesce, const struct vm *vm, const struct vcpu *vcpu);

/* Whether there is something to drain; cheap. */
bool coalesce_waiting(const struct coalesce *coalesce);

/*
 * All that follow: with the machine locked.
 *
 * Gives what is in the ring to the machine, whose console has room for it.
 */
void coalesce_drain(struct coalesce *coalesce, struct machine *machine);

/* The guest was told what the transmitter is at: room for what it may send now. */
void coalesce_told(struct coalesce *coalesce, const struct machine *machine);

/*
 * From now on somebody looks at the ring all the time, or no longer: then there is no room any
 * more. False: there is something in the ring, or the guest just writes; he goes on to look, takes that, and
 * tries again soon.
 */
bool coalesce_watch(struct coalesce *coalesce, bool watched);

/* He who looks has found bytes: if the guest is to be interrupted behind them, it may be waiting for that. */
void coalesce_found(struct coalesce *coalesce, const struct machine *machine);

#endif
