/* SPDX-License-Identifier: MIT */
#include "vmm/base/guestmem.h"

void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t size_bytes)
{
	uint64_t need = size_bytes ? size_bytes : 1;

	for (size_t i = 0; i < GUEST_MEMORY_REGIONS; i++) {
		const struct guest_memory_region *r = &memory->region[i];
		uint64_t offset = gpa - r->gpa;

		if (gpa >= r->gpa && offset < r->size_bytes && need <= r->size_bytes - offset)
			return r->host + offset;
	}
	return NULL;
}
