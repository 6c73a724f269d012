/* SPDX-License-Identifier: MIT */
/*
 * The MP table: CPUs, I/O APIC and interrupt wiring for kernels without ACPI. All numbers are
 * offsets in bytes, little-endian fields.
 *
 *   0     floating pointer structure, 16 bytes, where kernels look for "_MP_"
 *   16    configuration table: header of 44
 *   60    a processor entry of 20 for each CPU
 *         entries of 8: the ISA bus, the I/O APIC, 15 interrupts, LINT0 and LINT1
 *
 * Authority: [MP] chapter 4, "MP Configuration Table", and 5, "Default Configurations", for what
 * LINT0 and LINT1 are wired to.
 *
 * Left out: extended entries, and ACPI's interrupt, for which the specification has no entry: who
 * reads this table has no use for it. Of the CPUs only what all have in common is told: see
 * mptable.c.
 */
#ifndef TVMM_BOOT_MPTABLE_H
#define TVMM_BOOT_MPTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "boot/board.h"

enum {
	MPTABLE_MAX_BYTES = 0x10000, /* the room that kernels search: f0000 to fffff */
	MPTABLE_ALIGNMENT_BYTES = 16,
};

/* What mptable_build() writes, never more than MPTABLE_MAX_BYTES. */
size_t mptable_bytes(const struct board *board);

/*
 * to[0 .. mptable_bytes) becomes what lies at gpa, the floating pointer first. gpa is a multiple
 * of MPTABLE_ALIGNMENT_BYTES, and all of the table below 4 GiB.
 */
void mptable_build(const struct board *board, uint64_t gpa, uint8_t *to);

#endif
