/* SPDX-License-Identifier: MIT */
/*
 * elfimage: bytes -> facts. Reads the headers of an ELF kernel (a vmlinux), checks every number in
 * them against the file before anybody uses it, and touches nothing else: of a debug kernel of
 * hundreds of MiB only headers and notes are read.
 *
 * Where the kernel is entered, in this order:
 *
 *   1. e_entry is the PVH entry          -> PVH. A loader for one protocol only (firmware, mostly)
 *                                           names the same 32-bit code twice.
 *   2. e_entry lies in a segment's bytes -> LINUX64. Addresses are physical here: Linux links its
 *                                           ELF header's entry so (phys_startup_64). This is also
 *                                           what a Linux with both entries gets.
 *   3. there is a PVH entry              -> PVH. e_entry is virtual in the kernels of NetBSD and
 *                                           FreeBSD, and 0 where nobody set it.
 *   4. otherwise the file is refused.
 *
 * The PVH entry is what the note XEN_ELFNOTE_PHYS32_ENTRY (owner "Xen", type 18) holds in 4 or 8
 * bytes. A broken note does no harm where rule 2 holds; where it is needed, it is told. Two notes
 * that differ are no PVH entry.
 *
 * Authority: [ELF] "ELF Header", "Program Header", "Note Section"; [PVH]; [BOOT] "64-bit Boot
 * Protocol"; [LINUX] arch/x86/kernel/vmlinux.lds.S.
 * Left out: 32-bit kernels, position-independent ones (ET_DYN), program headers counted elsewhere
 * (PN_XNUM), sections, p_vaddr and p_align. Whether RAM is where the segments want it is the
 * plan's to say.
 */
#ifndef TVMM_BOOT_ELFIMAGE_H
#define TVMM_BOOT_ELFIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum {
	ELFIMAGE_HEADERS_MAX = 128, /* program headers of all types; a Linux has 4 to 6 */
	ELFIMAGE_SEGMENTS_MAX = 64,
	ELFIMAGE_NOTES_MAX_BYTES = 0x10000, /* of one PT_NOTE; a longer one is not read */
};

/* x86 has guest-physical addresses of at most 52 bits. */
#define ELFIMAGE_GPA_END (1ULL << 52)

/* How the image wants to be entered. */
enum elfimage_entry {
	ELFIMAGE_ENTRY_LINUX64, /* [BOOT] "64-bit Boot Protocol", at e_entry */
	ELFIMAGE_ENTRY_PVH,     /* 32-bit protected mode, at XEN_ELFNOTE_PHYS32_ENTRY */
};

/* A PT_LOAD: file_bytes at file_offset go to gpa; the rest of memory_bytes is zero. */
struct elfimage_segment {
	uint64_t file_offset, file_bytes; /* inside the file; file_bytes <= memory_bytes */
	uint64_t gpa, memory_bytes;       /* memory_bytes > 0; ends at ELFIMAGE_GPA_END or before */
};

struct elfimage {
	uint64_t file_bytes;
	enum elfimage_entry entry;
	uint64_t entry_gpa;          /* inside the file part of a segment; PVH: below 4 GiB */
	uint64_t start_gpa, end_gpa; /* first byte of the lowest segment, one past the highest's */
	size_t segments;             /* 1 to ELFIMAGE_SEGMENTS_MAX */
	struct elfimage_segment segment[ELFIMAGE_SEGMENTS_MAX]; /* ascending by gpa, disjoint */
};

/* Does the file begin like an ELF file? What cannot be read does not. */
bool elfimage_is_elf(const struct input_file *file);

/*
 * Reads and checks the headers. Returns 0, or -errno with *e naming the file, the field, its value
 * and what is allowed; *image is unspecified then. A file that is another kind of ELF file (32-bit,
 * of another machine, a module, a shared library, a core dump) is told for what it is: -ENOEXEC.
 */
int elfimage_parse(const struct input_file *file, struct elfimage *image, struct err *e);

#endif
