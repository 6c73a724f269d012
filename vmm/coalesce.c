/* SPDX-License-Identifier: MIT */
#include "vmm/coalesce.h"

#include <errno.h>
#include <linux/kvm.h>

/* The ring's page lies behind kvm_run's, so many pages further. */
static int ring_page(const struct vm *vm)
{
	return kvm_capability(vm->kvm_fd, KVM_CAP_COALESCED_MMIO);
}

int coalesce_begin(struct coalesce *coalesce, const struct vm *vm, const struct vcpu *vcpu,
		   uint16_t port)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = port, .size = 1, .pio = 1 };
	int page = ring_page(vm), rc;
	size_t page_bytes = 4096;

	if (page <= 0 || kvm_capability(vm->kvm_fd, KVM_CAP_COALESCED_PIO) == 0)
		return -ENOTSUP;
	if (((size_t)page + 1) * page_bytes > vcpu->run_bytes)
		return -ENOTSUP;
	coalesce->entries = (uint32_t)((page_bytes - sizeof(struct kvm_coalesced_mmio_ring)) /
				       sizeof(struct kvm_coalesced_mmio));
	/* Before the first write goes there. */
	__atomic_store_n(&coalesce->ring,
			 (void *)((uint8_t *)vcpu->run + (size_t)page * page_bytes),
			 __ATOMIC_RELEASE);
	rc = kvm_ioctl(vm->vm_fd, KVM_REGISTER_COALESCED_MMIO, &zone);
	if (rc < 0)
		__atomic_store_n(&coalesce->ring, NULL, __ATOMIC_RELEASE);
	return rc < 0 ? rc : 0;
}

bool coalesce_waiting(const struct coalesce *coalesce)
{
	const struct kvm_coalesced_mmio_ring *ring =
		__atomic_load_n(&coalesce->ring, __ATOMIC_ACQUIRE);

	return ring && __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE) !=
			       __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE);
}

/* `first` is ours, `last` is KVM's: it fills an entry, and then moves on. */
void coalesce_drain(struct coalesce *coalesce, struct machine *machine)
{
	struct kvm_coalesced_mmio_ring *ring = __atomic_load_n(&coalesce->ring, __ATOMIC_ACQUIRE);
	uint32_t first;

	if (!ring)
		return;
	first = __atomic_load_n(&ring->first, __ATOMIC_RELAXED);
	while (first < coalesce->entries &&
	       first != __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE)) {
		const struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[first];

		bus_write(&machine->ports, entry->phys_addr, 1, entry->data);
		first = (first + 1) % coalesce->entries;
		__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
	}
}
