/* SPDX-License-Identifier: MIT */
#include "vmm/coalesce.h"

#include <errno.h>
#include <linux/kvm.h>

enum { PAGE_BYTES = 4096, TRIES_MAX = 32 };

/* The ring's page lies behind kvm_run's, so many pages further. */
static int ring_page(const struct vm *vm)
{
	return kvm_capability(vm->kvm_fd, KVM_CAP_COALESCED_MMIO);
}

static uint32_t last_of(const struct coalesce *coalesce)
{
	return __atomic_load_n(&coalesce->ring->last, __ATOMIC_ACQUIRE);
}

/*
 * The guest may write meanwhile, when another CPU told us of its own: as much as it had room for,
 * which may be more than it is to have. Then KVM takes the ring for an empty one; nothing in it is
 * lost by that, and we say it again.
 */
static bool set_room(struct coalesce *coalesce, uint32_t bytes)
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		uint32_t last = last_of(coalesce);

		__atomic_store_n(&coalesce->ring->first, (last + 1 + bytes) % coalesce->entries,
				 __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&coalesce->ring->last, __ATOMIC_SEQ_CST) == last)
			return true;
	}
	return false;
}

void coalesce_init(struct coalesce *coalesce, struct kvm_coalesced_mmio_ring *ring,
		   uint32_t entries)
{
	*coalesce = (struct coalesce){ .entries = entries, .taken = ring->last };
	ring->first = (ring->last + 1) % entries;
	/* Before the first write goes there; others look at it meanwhile. */
	__atomic_store_n(&coalesce->ring, ring, __ATOMIC_RELEASE);
}

int coalesce_begin(struct coalesce *coalesce, const struct vm *vm, const struct vcpu *vcpu)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = MACHINE_COM1_PORT, .size = 1, .pio = 1 };
	int page = ring_page(vm), rc;

	if (page <= 0 || kvm_capability(vm->kvm_fd, KVM_CAP_COALESCED_PIO) == 0)
		return -ENOTSUP;
	if (((size_t)page + 1) * PAGE_BYTES > vcpu->run_bytes)
		return -ENOTSUP;
	coalesce_init(coalesce, (void *)((uint8_t *)vcpu->run + (size_t)page * PAGE_BYTES),
		      (uint32_t)((PAGE_BYTES - sizeof(struct kvm_coalesced_mmio_ring)) /
				 sizeof(struct kvm_coalesced_mmio)));
	rc = kvm_ioctl(vm->vm_fd, KVM_REGISTER_COALESCED_MMIO, &zone);
	if (rc < 0)
		__atomic_store_n(&coalesce->ring, NULL, __ATOMIC_RELEASE);
	return rc < 0 ? rc : 0;
}

bool coalesce_waiting(const struct coalesce *coalesce)
{
	return __atomic_load_n(&coalesce->ring, __ATOMIC_ACQUIRE) &&
	       last_of(coalesce) != __atomic_load_n(&coalesce->taken, __ATOMIC_ACQUIRE);
}

/* KVM fills an entry, and then moves `last` on. */
void coalesce_drain(struct coalesce *coalesce, struct machine *machine)
{
	uint32_t taken = coalesce->taken, last;

	if (!__atomic_load_n(&coalesce->ring, __ATOMIC_ACQUIRE))
		return;
	last = last_of(coalesce);
	if (last >= coalesce->entries)
		return; /* that is none */
	while (taken != last) {
		const struct kvm_coalesced_mmio *entry = &coalesce->ring->coalesced_mmio[taken];

		bus_write(&machine->ports, entry->phys_addr, 1, entry->data);
		coalesce->bytes++;
		taken = (taken + 1) % coalesce->entries;
	}
	__atomic_store_n(&coalesce->taken, taken, __ATOMIC_RELEASE);
}

void coalesce_told(struct coalesce *coalesce, const struct machine *machine)
{
	size_t room = uart16550_tx_room(&machine->uart);

	if (!coalesce->watched)
		return;
	if (coalesce->waits && room && uart16550_tx_interrupts(&machine->uart))
		room--;
	(void)set_room(coalesce, (uint32_t)room);
}

bool coalesce_watch(struct coalesce *coalesce, bool watched)
{
	coalesce->watched = watched;
	return watched || set_room(coalesce, 0);
}

void coalesce_found(struct coalesce *coalesce, const struct machine *machine)
{
	coalesce->waits |= uart16550_tx_interrupts(&machine->uart);
}
