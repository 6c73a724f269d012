/* SPDX-License-Identifier: MIT */
/*
 * The kernel of a run: from the file that -kernel names to facts that can be planned with, and the
 * file that is loaded. Three ways lead there:
 *
 *   an ELF file              entered directly
 *   a bzImage, host unpacks  its payload is unpacked here, or comes from the cache, and the ELF file
 *                            that was in it is entered directly; the guest's decompressor never
 *                            runs, and the kernel is where it was linked to be: no KASLR
 *   a bzImage, guest unpacks the kernel does what it does on any other machine
 *
 * Authority: [BOOT] "Details of Header Fields", payload_offset and payload_length.
 */
#ifndef TVMM_KERNEL_H
#define TVMM_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "boot/bzimage.h"
#include "boot/elfimage.h"
#include "boot/plan.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/base/guestmem.h"
#include "vmm/cached.h"

/* Who unpacks a bzImage. */
enum kernel_unpack {
	KERNEL_UNPACK_AUTO, /* the host, if the payload is a kernel that it can unpack and enter */
	KERNEL_UNPACK_HOST,
	KERNEL_UNPACK_GUEST,
};

/* Where what is loaded came from. */
enum kernel_origin {
	KERNEL_AS_IT_IS, /* the file itself: an ELF file, or a bzImage that the guest unpacks */
	KERNEL_UNPACKED, /* unpacked just now */
	KERNEL_FROM_CACHE,
};

struct kernel_request {
	const char *path;
	enum kernel_unpack unpack;
	struct kernelcache *cache; /* borrowed until kernel_finish(); opened when it is needed */
	bool no_notes;             /* vmm/cachenote.h's are neither believed nor made */
	uint64_t ram_bytes;
};

struct kernel {
	struct input_file file; /* what -kernel names */
	const struct bzimage
		*bzimage; /* the facts, for struct plan_request: one of the two or both */
	const struct elfimage *elf;
	enum kernel_origin origin;
	bool no_memory; /* left packed for want of it */

	/* Private to kernel.c. */
	struct bzimage bzimage_facts;
	struct elfimage elf_facts;
	struct input_file
		unpacked; /* the ELF file out of the payload: in memory, or in the cache */
	void *memory;     /* of unpacked, mapped; NULL: none */
	size_t memory_bytes;
	struct cached cached;
};

/* Nothing is open. */
void kernel_init(struct kernel *kernel);

/*
 * Opens, parses and, if it is to be so, unpacks. Returns 0, or -errno with *e; kernel_finish() is
 * due either way. Nothing that is wrong with the cache is an error.
 *
 * What needs more than ram_bytes, by its header's init_size, is left packed, whatever unpack says: no
 * plan has room for it, and telling that must not cost the unpacking.
 */
int kernel_open(struct kernel *kernel, const struct kernel_request *request, struct err *e);

/* The file whose stretches the plan loads. */
const struct input_file *kernel_image(const struct kernel *kernel);

/*
 * After the plan was placed: what came from the cache is compared with the hash that was kept beside
 * it, where it lies now, unless that was done since the host started (vmm/cachenote.h). A damaged one is thrown out, and the kernel unpacked anew into its place.
 */
int kernel_check_placed(struct kernel *kernel, const struct boot_plan *plan,
			const struct guest_memory *memory, struct err *e);

/*
 * What is in the cache cannot be read after all: throws it out and unpacks anew, for the same plan.
 * -ENOENT, and *e left alone, if the kernel is not from the cache.
 */
int kernel_leave_cache(struct kernel *kernel, struct err *e);

/* Puts what was unpacked into the cache, so that the next run need not. After kernel_check_placed(). */
void kernel_keep(struct kernel *kernel);

/*
 * Prints where an unpacked kernel came from and whether it was kept, for `tvmm --explain`, or that there
 * was no memory for it; nothing if none was to be unpacked.
 */
void kernel_explain(const struct kernel *kernel, FILE *out);

void kernel_finish(struct kernel *kernel);

#endif
