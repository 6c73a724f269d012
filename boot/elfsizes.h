/* SPDX-License-Identifier: MIT */
/*
 * elfsizes: what a vmlinux is made of, by its sections. Every section that takes memory (SHF_ALLOC) is
 * in one class, so that the classes add up to what the kernel occupies:
 *
 *	init	freed when the boot is over: what Linux's linker script puts from __init_begin to
 *		__init_end, told by the sections' names
 *	rodata	named .rodata or .rodata.*: Linux marks it writable, for what is so until init is done
 *	text	executable, else
 *	bss	without bytes in the file (SHT_NOBITS), else
 *	data	writable, else
 *	rodata	all other
 *
 * .data..percpu is init: it is the template that each CPU's copy is made of. .smp_locks is not: it
 * lies behind __init_end, and only a kernel that has found a single CPU frees it.
 *
 * A vmlinux that was packed into a bzImage has its section headers still.
 *
 * Authority: [ELF] "Sections"; [LINUX] arch/x86/kernel/vmlinux.lds.S, include/asm-generic/vmlinux.lds.h.
 */
#ifndef BOOT_ELFSIZES_H
#define BOOT_ELFSIZES_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum elfsizes_class {
	ELFSIZES_TEXT,
	ELFSIZES_RODATA,
	ELFSIZES_DATA,
	ELFSIZES_BSS,
	ELFSIZES_INIT,
	ELFSIZES_CLASSES,
};

struct elfsizes {
	uint64_t bytes[ELFSIZES_CLASSES];
	uint64_t total_bytes; /* of all classes */
};

/* "text", "rodata", ... */
const char *elfsizes_name(enum elfsizes_class which);

/*
 * Reads the section headers. 0, or -errno with *e naming the file and what is wrong with it (-ENOEXEC:
 * no 64-bit ELF file, -ENODATA: no section headers); *sizes is unspecified then.
 */
int elfsizes_read(const struct input_file *file, struct elfsizes *sizes, struct err *e);

#endif
