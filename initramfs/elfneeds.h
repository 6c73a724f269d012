/* SPDX-License-Identifier: MIT */
/*
 * elfneeds: a program or shared library -> what it needs to run: its loader (PT_INTERP) and
 * libraries (DT_NEEDED), and where it says that they are (DT_RPATH, DT_RUNPATH). As written:
 * nothing is expanded or looked for here.
 *
 * Every number is checked against the file, and what is taken from it is bounded. libelf reads a
 * copy of headers and dynamic section only; see elfneeds.c.
 *
 * Authority: [ELF] "Program Header", "Dynamic Section"; ld.so(8).
 * Left out: what a program opens by itself with dlopen(), and what DT_FILTER and DT_AUXILIARY
 * name: --add brings it. All machines but x86-64 (in 64-bit files) and i386.
 */
#ifndef TVMM_INITRAMFS_ELFNEEDS_H
#define TVMM_INITRAMFS_ELFNEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum {
	ELFNEEDS_HEADERS_MAX = 128,             /* program headers */
	ELFNEEDS_DYNAMIC_MAX_BYTES = 16 * 1024, /* of a dynamic section, up to its DT_NULL */
	ELFNEEDS_NEEDED_MAX = 512,
	ELFNEEDS_TEXT_MAX = 4095, /* bytes of one name or list of folders */
};

struct elfneeds {
	unsigned int machine; /* EM_X86_64 or EM_386 */
	bool has_entry;       /* e_entry is not 0: it can be started */
	char *interpreter;    /* these are NULL where there is none */
	char *soname;
	char *rpath; /* only without a runpath: the loader ignores it otherwise */
	char *runpath;
	char **needed;
	size_t count; /* of needed */
};

/*
 * Reads them. 0, and *needs is to be given to elfneeds_finish(); or -errno with *e naming the
 * field. -ENOEXEC: it is not for the machines named above, or no program and no library; -EBADMSG:
 * it is broken.
 */
int elfneeds_read(struct elfneeds *needs, const struct input_file *file, struct err *e);
void elfneeds_finish(struct elfneeds *needs);

bool elfneeds_is_elf(const void *head, size_t size_bytes);

/* The machine of a file that elfneeds_read() may accept, by its first 64 bytes; 0: it will not. */
unsigned int elfneeds_machine(const struct input_file *file);

#endif
