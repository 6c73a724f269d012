/* SPDX-License-Identifier: MIT */
/* The zoo's good ELF kernel, for the cases of ELF files and of payloads. */
#ifndef TVMM_TESTS_MALFORMED_ZOO_ELF_H
#define TVMM_TESTS_MALFORMED_ZOO_ELF_H

#include "tests/malformed/zoo.h"

enum { ZOO_ELF_BYTES = 0x2400 };

/* Fills in the good kernel; the picture is in zoo_elf.c. */
void zoo_elf(uint8_t elf[ZOO_ELF_BYTES]);

/* Little-endian numbers at an offset. */
void zoo_elf_put(uint8_t *elf, size_t offset, size_t width, uint64_t value);

#endif
