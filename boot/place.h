/* SPDX-License-Identifier: MIT */
/*
 * place: plan -> guest memory. Writes GDT, page tables, zero page or start info, ACPI and MP
 * tables, command line, kernel and initrd where the plan says; the files are read straight into guest memory.
 *
 * Authority: [BOOT] "64-bit Boot Protocol", "Details of Header Fields"; [ZERO-PAGE]; [PVH];
 * [SDM] volume 3, "4-Level Paging".
 * Left out: real-mode code and its heap, which the 64-bit entry point has no use for; a setup_data
 * list; screen, EDD and EFI facts: their fields are zero.
 */
#ifndef TVMM_BOOT_PLACE_H
#define TVMM_BOOT_PLACE_H

#include "boot/initrd.h"
#include "boot/plan.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/base/guestmem.h"

/*
 * request and plan belong together, kernel is the file that the plan's loads are stretches of (the
 * bzImage, or the ELF file), and memory has all RAM of the plan. initrd is NULL when there is none,
 * or when place_initrd() brings it.
 * Guest memory is expected to be zero where nothing is placed.
 * Returns 0, or -errno with *e filled (a file could not be read, or changed); what was written
 * until then stays.
 */
int place_boot(const struct plan_request *request, const struct boot_plan *plan,
	       const struct input_file *kernel, const struct input_file *initrd,
	       const struct guest_memory *memory, struct err *e);

/*
 * One more archive of the initrd, at an offset in it that is a multiple of INITRD_ALIGN_BYTES: what
 * lies between two of them stays zero, which is what [INITRAMFS] wants there.
 */
int place_initrd(const struct boot_plan *plan, uint64_t offset_bytes,
		 const struct input_file *archive, const struct guest_memory *memory,
		 struct err *e);

/*
 * Only the kernel's bytes: for a file that turned out to be damaged. One in memory goes over whatever
 * lies there; the holes of a sparse file do not, their memory has to be zero.
 */
int place_kernel(const struct boot_plan *plan, const struct input_file *kernel,
		 const struct guest_memory *memory, struct err *e);

#endif
