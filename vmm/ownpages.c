/* SPDX-License-Identifier: MIT */
#include "vmm/ownpages.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096 };

/* The first object is the program itself, dl_iterate_phdr(3). What it may write to, or could when it began, stays. */
static int give_back(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t begin =
			(info->dlpi_addr + segment->p_vaddr) & ~(uintptr_t)(PAGE_BYTES - 1);
		uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 1; /* and no other object */
}

void ownpages_give_back(void)
{
	(void)dl_iterate_phdr(give_back, NULL);
}
