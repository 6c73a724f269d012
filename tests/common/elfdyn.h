/* SPDX-License-Identifier: MIT */
/*
 * Small dynamic ELF files, 64 or 32 bits, that say what they need and have no code. All are laid
 * out alike, so that a test can spoil any part of one:
 *
 *   0x000  ELF header
 *   0x040  program headers: PT_LOAD, all of the file, for ELFDYN_ADDRESS; PT_DYNAMIC; PT_INTERP
 *   0x200  the loader's name
 *   0x400  dynamic section: DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH, DT_NEEDED ...
 *   0x800  strings
 *
 * Authority: [ELF] "ELF Header", "Program Header", "Dynamic Section".
 */
#ifndef TVMM_TESTS_COMMON_ELFDYN_H
#define TVMM_TESTS_COMMON_ELFDYN_H

#include <stddef.h>
#include <stdint.h>

enum {
	ELFDYN_NEEDED_MAX = 8,
	ELFDYN_ROOM = 4096, /* enough for any of them */
	ELFDYN_HEADERS = 0x40,
	ELFDYN_INTERP = 0x200,
	ELFDYN_DYNAMIC = 0x400,
	ELFDYN_STRINGS = 0x800,
	ELFDYN_ADDRESS = 0x10000,

	ELFDYN_LOAD_HEADER = 0,
	ELFDYN_DYNAMIC_HEADER = 1,
	ELFDYN_INTERP_HEADER = 2,
};

struct elfdyn {
	unsigned int bits;    /* 32; anything else: 64 */
	unsigned int machine; /* 0: x86-64 or i386, as the bits are */
	unsigned int type;    /* 0: ET_DYN */
	uint32_t entry;
	const char *interp; /* these are left out where they are NULL */
	const char *soname;
	const char *rpath;
	const char *runpath;
	const char *needed[ELFDYN_NEEDED_MAX]; /* up to the first NULL */
};

/* Returns the file's size. */
size_t elfdyn_build(const struct elfdyn *elf, uint8_t bytes[ELFDYN_ROOM]);

/* Makes a file of it, mode 0755. */
void elfdyn_write(const struct elfdyn *elf, const char *path);

#endif
