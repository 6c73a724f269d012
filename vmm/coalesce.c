/* SPDX-License-Identifier: MIT */
#include "vmm/coalesce.h"

#include <errno.h>
#include <linux/kvm.h>

enum { PAGE_BYTES = 4096, WAITED_ENOUGH = 2 };

/* The ring's page lies behind kvm_run's, so many pages further. */
static int ring_page(const struct vm *vm)
{
	return kvm_capability(vm->kvm_fd, KVM_CAP_COALESCED_MMIO);
}

static uint32_t last_of(const struct coalesce *coalesce)
{
	return __atomic_load_n(&coalesce->ring->last, __ATOMIC_ACQUIRE);
}

static struct kvm_coalesced_mmio *entry_at(const struct coalesce *coalesce, uint32_t i)
{
	return &coalesce->ring->coalesced_mmio[i % coalesce->entries];
}

/*
 * How many entries are to be taken. `last` where we are means none, or that all are: then the one before it
 * is filled as well, which else we have emptied (drain()). An entry that KVM is just filling is not
 * that one.
 */
static uint32_t filled(const struct coalesce *coalesce)
{
	uint32_t last = last_of(coalesce), entries = coalesce->entries;
	uint32_t taken = __atomic_load_n(&coalesce->taken, __ATOMIC_ACQUIRE);

	if (last >= entries)
		return 0; /* that is no number of an entry */
	if (last == taken)
		return __atomic_load_n(&entry_at(coalesce, taken + entries - 1)->len,
				       __ATOMIC_RELAXED)
			       ? entries
			       : 0;
	return (last + entries - taken) % entries;
}

/*
 * The guest may write meanwhile: another CPU's as much as it had room for, or the one that the supervisor
 * takes the room from. If it has gone on behind our look at `last`, KVM takes the ring for an empty one, and stops
 * where `first` - 1 comes round again: at the entry that we take next, which it has not reached. So all entries may be
 * filled then, and none is written over; that is why the room is closed first, and only from a ring that is
 * empty, and opened when `last` has been seen to stand still. False: not closed; drain, and again.
 */
static bool set_room(struct coalesce *coalesce, uint32_t bytes)
{
	uint32_t taken = coalesce->taken;
	uint32_t *first = &coalesce->ring->first;

	if (filled(coalesce))
		return false;
	__atomic_store_n(first, (taken + 1) % coalesce->entries, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&coalesce->ring->last, __ATOMIC_SEQ_CST) != taken || filled(coalesce))
		return false;
	if (bytes)
		__atomic_store_n(first, (taken + 1 + bytes) % coalesce->entries, __ATOMIC_SEQ_CST);
	return true;
}

void coalesce_init(struct coalesce *coalesce, struct kvm_coalesced_mmio_ring *ring,
		   uint32_t entries)
{
	*coalesce = (struct coalesce){ .entries = entries, .taken = ring->last };
	ring->first = (ring->last + 1) % entries;
	for (uint32_t i = 0; i < entries; i++)
		ring->coalesced_mmio[i].len = 0;
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
	return __atomic_load_n(&coalesce->ring, __ATOMIC_ACQUIRE) && filled(coalesce) != 0;
}

/* KVM fills an entry, and then moves `last` on. */
void coalesce_drain(struct coalesce *coalesce, struct machine *machine)
{
	uint32_t taken = coalesce->taken;

	if (!__atomic_load_n(&coalesce->ring, __ATOMIC_ACQUIRE))
		return;
	for (uint32_t left = filled(coalesce); left; left--) {
		struct kvm_coalesced_mmio *entry = entry_at(coalesce, taken);

		bus_write(&machine->ports, entry->phys_addr, 1, entry->data);
		entry->len = 0;
		coalesce->bytes++;
		coalesce->drained = true;
		taken = (taken + 1) % coalesce->entries;
	}
	__atomic_store_n(&coalesce->taken, taken, __ATOMIC_RELEASE);
}

void coalesce_told(struct coalesce *coalesce, const struct machine *machine)
{
	size_t room = uart16550_tx_room(&machine->uart);

	/* Bytes that it sent with no interrupt wanted tell nothing. */
	if (coalesce->drained && !coalesce->found && uart16550_tx_interrupts(&machine->uart))
		coalesce->waited = 0;
	coalesce->drained = coalesce->found = false;
	if (!coalesce->watched)
		return;
	if (coalesce->waits && room && uart16550_tx_interrupts(&machine->uart))
		room--;
	(void)set_room(coalesce, (uint32_t)room);
}

bool coalesce_watch(struct coalesce *coalesce, bool watched)
{
	coalesce->watched = watched || !set_room(coalesce, 0);
	return coalesce->watched == watched;
}

void coalesce_found(struct coalesce *coalesce, const struct machine *machine)
{
	if (!uart16550_tx_interrupts(&machine->uart))
		return;
	coalesce->found = true;
	coalesce->waits |= ++coalesce->waited >= WAITED_ENOUGH;
}
