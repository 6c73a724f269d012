/* SPDX-License-Identifier: MIT */
/*
 * A kernel's symbols: names of addresses and addresses of names, from a vmlinux's symbol table, a
 * System.map, or the kallsyms that a kernel carries in itself.
 *
 *   symbols.c           the table itself: sorting, looking up; which of the sources a file is
 *   symbols_elf.c       .symtab of an ELF file
 *   symbols_map.c       System.map: lines of address, letter, name
 *   symbols_kallsyms.c  the compressed table inside a kernel's image
 *   symbols_check.c     do these symbols belong to that kernel? by build id and banner
 *
 * Addresses are virtual, as the kernel was linked: without KASLR they are those of the running
 * kernel. Authority: [ELF] "Symbol Table"; [LINUX] scripts/kallsyms.c, kernel/kallsyms.c.
 */
#ifndef TVMM_BOOT_SYMBOLS_H
#define TVMM_BOOT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/elfimage.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"

/* [LINUX] arch/x86/include/asm/page_64_types.h, __START_KERNEL_map: guest-physical 0 is here. */
#define SYMBOLS_KERNEL_MAP 0xffffffff80000000ULL

enum {
	SYMBOLS_MAX = 4 << 20,      /* a kernel with everything built in has 200 thousand */
	SYMBOLS_BANNER_BYTES = 512, /* linux_banner, with its NUL */
	SYMBOLS_BUILD_ID_BYTES = 32,
};

struct symbol {
	uint64_t address;
	uint32_t name; /* where in names */
	char kind;     /* nm's letter: 'T' 't' code, 'D' 'd' 'B' 'b' 'R' 'r' data ... */
};

struct symbols {
	struct symbol *by_address; /* ascending; owned */
	uint32_t *by_name;         /* indices into by_address, in the order of strcmp(); owned */
	size_t count;
	char *names; /* NUL-terminated, one behind the other; owned */
	size_t names_bytes;
	const char *source;                       /* "vmlinux", "System.map", "kallsyms": static */
	uint8_t build_id[SYMBOLS_BUILD_ID_BYTES]; /* of the file they come from */
	size_t build_id_bytes;                    /* 0: not told */
	char banner[SYMBOLS_BANNER_BYTES];        /* linux_banner of that file; "": not told */
};

/* Empty: nothing is found in it. */
void symbols_init(struct symbols *symbols);
void symbols_finish(struct symbols *symbols);

/*
 * Reads a vmlinux with a symbol table, or a System.map, told apart by content. 0, or -errno with *e
 * (-ENOENT: an ELF file without symbols; -EBADMSG: neither, or damaged) and nothing to finish.
 */
int symbols_read(struct symbols *symbols, const struct input_file *file, struct err *e);

/*
 * The kallsyms inside the ELF file of a kernel (which needs no symbol table). -ENOENT when the
 * kernel has none, or they cannot be found.
 */
int symbols_of_kallsyms(struct symbols *symbols, const struct input_file *file,
			const struct elfimage *image, struct err *e);

/*
 * Do these symbols belong to the kernel in that ELF file? By build id where both tell one, by the
 * banner that stands in the image at the symbol linux_banner, and by where its code begins. -ESTALE
 * with *e naming both when they do not; 0 when they do.
 */
int symbols_check(const struct symbols *symbols, const char *name, const struct input_file *file,
		  const struct elfimage *image, struct err *e);

/* Address of the symbol; 0: there is none of that name. The first by address of several. */
uint64_t symbols_find(const struct symbols *symbols, const char *name);

/*
 * The same for a function whose name may have got a suffix (mm_init.constprop.0.isra.0, but never
 * .cold or .part). 0: there is none.
 */
uint64_t symbols_find_function(const struct symbols *symbols, const char *name);

/* What is at an address: the last symbol at or before it, code before data. */
struct symbol_at {
	const char *name; /* borrowed from the table */
	uint64_t offset;  /* of the address behind the symbol */
	uint64_t size;    /* up to the next symbol; 0 for the last one */
	char kind;
};
bool symbols_at(const struct symbols *symbols, uint64_t address, struct symbol_at *at);

/*
 * Bytes of a Linux image at a virtual address as it was linked (the kernel's map begins at
 * 0xffffffff80000000 = guest-physical 0). 0, or -ENOENT when no segment holds all of them in its
 * file part, or what file_read() gave.
 */
int symbols_image_read(const struct input_file *file, const struct elfimage *image,
		       uint64_t address, void *to, size_t size_bytes);

#endif
